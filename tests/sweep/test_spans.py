"""Networks that are tried on other spans than they were trained on, also long after their training."""

import pytest

from tests.sweep.stored import TINY, records


def spans(study="default"):
    return [record["generalisation"]["values"] for record in records(study)]


def test_further_spans_need_no_training(folder, rnnbench):
    line = f"run model=elman task=scripted {TINY} seeds=2"
    assert rnnbench(line)[0] == 0
    assert [record["generalisation"] for record in records()] == [None, None]
    code, out, err = rnnbench(f"{line} evaluate.spans=[8,12]")
    assert (code, out.count("\n")) == (0, 1) and "2 stored runs to be tried on further spans" in err
    assert spans() == [[8, 12], [8, 12]]
    first = records()[0]
    assert first["generalisation"]["scores"][0] == pytest.approx(first["scores"]["test_score"])
    assert rnnbench(f"{line} evaluate.spans=[8,16]")[0] == 0
    assert spans() == [[8, 12, 16], [8, 12, 16]]
    assert sorted((folder / "begun").read_text().splitlines()) == ["8 0", "8 1"]
    # The scores are those of a run that was asked for them from the start.
    assert rnnbench(f"{line} evaluate.spans=[8,12] study.name=new")[0] == 0
    assert records("new")[0]["generalisation"]["scores"] == first["generalisation"]["scores"]


def test_a_span_that_does_not_fit_into_memory_costs_no_training(folder, rnnbench):
    line = f"run model=elman task=scripted {TINY} seeds=2"
    code, out, err = rnnbench(f"{line} evaluate.spans=[8,10000000000000]")
    said = "evaluate.spans: 10000000000000 of scripted T=8 does not fit into memory; it is left out"
    assert (code, out.count("\n"), err.count(said)) == (0, 1, 1) and spans() == [[8], [8]]
    assert rnnbench(f"{line} evaluate.spans=[12,10000000000000]")[0] == 0
    assert spans() == [[8, 12], [8, 12]]
    assert rnnbench(f"{line} evaluate.spans=[10000000000000]")[0] == 0
    assert len((folder / "begun").read_text().splitlines()) == 2
