"""`rnnbench diff`: only what differs, under the names of the command line, and every score."""

import pytest

from rnnbench.commands.diff import circumstances, compared, differences, results, settings
from rnnbench.store import Store

TINY = "train=smoke task.length=8 task.validation_size=16 task.test_size=16 model.hidden=4"


@pytest.fixture
def train(folder, rnnbench):
    """Train one run; returns its record."""

    def trained(line, study="default"):
        assert rnnbench(f"run {TINY} {line} study.name={study}")[0] == 0
        return list(Store().study(study).records())[-1]

    return trained


def sections(out):
    """Lines by the heading above them, each a list of cells."""
    found, rows = {}, []
    for line in out.splitlines():
        if line in ("configuration", "versions and provenance", "results"):
            rows = found[line] = []
        elif line.strip() and set(line.strip()) != {"─"}:
            rows.append([cell.strip() for cell in line.split("  ") if cell.strip()])
    return found


def test_two_runs_side_by_side(train, rnnbench):
    a = train("model=rnn")
    b = train("model=rnn train.lr=0.01 init.recurrent=identity:0.5")
    code, out, err = rnnbench(f"diff {a['key'][:8]} {b['key']}")
    assert (code, err) == (0, "")
    found = sections(out)
    assert found["configuration"][0] == [a["key"], b["key"]]
    assert found["configuration"][2:] == [
        ["train.lr", "0.001", "0.01"],
        ["init.recurrent", "orthogonal", "identity:0.5"],
    ]
    assert found["versions and provenance"][2:] == [["no difference"]]
    results = {row[0]: row[1:] for row in found["results"][2:]}
    assert results["updates"] == ["20", "20"]
    scores = [float(text) for text in results["test loss"][:2]]
    assert scores == pytest.approx([r["scores"]["test_loss"] for r in (a, b)], rel=1e-4)
    assert float(results["test loss"][2]) == pytest.approx(scores[1] - scores[0], rel=1e-2)
    assert results["weights"][2].startswith("up to ")
    assert max(map(len, out.splitlines())) <= 110


def test_the_same_settings_in_two_studies(train, rnnbench):
    a, b = train("model=rnn", "one"), train("model=rnn", "two")
    assert a["key"] == b["key"]
    out = rnnbench(f"diff one/{a['key']} two/{b['key']}")[1]
    assert "no difference" in out
    results = {row[0]: row[1:] for row in sections(out)["results"][2:]}
    assert results["weights"][2] == results["history"][2] == "same bits"
    assert len(results["test score"]) == 2
    code, out, err = rnnbench(f"diff {a['key']} {a['key']}")
    assert (code, out) == (1, "") and "the same run of study" in err


def test_other_models_lack_each_others_settings(train, rnnbench):
    a, b = train("model=tdnn model.window=3"), train("model=rnn model.layers=2")
    rows = {what: tuple(rest) for what, *rest in rows_of(differences(settings(a), settings(b)))}
    assert rows["model"] == ("tdnn", "rnn")
    assert rows["model.layers"] == ("-", "2")
    assert next(row for key, row in rows.items() if key.startswith("model.window"))[1] == "-"
    assert not any(key.startswith("train.") for key in rows)
    assert "weights" not in rnnbench(f"diff {a['key']} {b['key']}")[1]


def record(**changes):
    return {
        "key": "a", "model": "rnn", "task": "adding", "seed": 0, "outcome": "finished", "updates": 10,
        "model_fields": {"hidden": 4}, "task_fields": {"length": 8}, "train_fields": {"lr": 0.1},
        "init_fields": {}, "n_parameters": 9, "scores": {}, "timings": {}, "provenance": {},
    } | changes  # fmt: skip


def rows_of(lines):
    """Cells as text."""
    return [[str(cell) for cell in line] for line in lines]


def test_what_does_not_change_the_weights_is_no_difference():
    a, b = record(), record(train_fields={"lr": 0.1, "threads": 7, "checkpoint_every": 3})
    assert differences(settings(a), settings(b)) == []


def test_values_are_written_as_on_the_command_line():
    a = record(model_fields={"hidden": [4, 8], "loop": True}, budget=900, seed=3)
    b = record(model_fields={"hidden": 4, "loop": None}, budget=900, budget_of="macs_per_step")
    assert rows_of(differences(settings(a), settings(b))) == [
        ["model.hidden", "[4,8]", "4"],
        ["model.loop", "true", "null"],
        ["budget.parameters", "900", "-"],
        ["budget.macs", "-", "900"],
        ["seed", "3", "0"],
    ]


def test_versions_and_circumstances():
    a = record(
        provenance={"commit": "0123456789abcdef", "numpy": "2.3", "model_version": 1}, launcher="basic"
    )
    b = record(provenance={"commit": "9876543210abffff", "numpy": "2.4"}, launcher="dask")
    assert rows_of(differences(circumstances(a), circumstances(b))) == [
        ["commit", "0123456789ab", "9876543210ab"],
        ["numpy", "2.3", "2.4"],
        ["model version", "1", "-"],
        ["launcher", "basic", "dask"],
    ]


def test_results_that_only_one_run_has():
    a = record(scores={"test_score": 0.5, "test_loss": None}, outcome="diverged", resumed=1)
    b = record(scores={"test_score": 0.75}, n_parameters=1200, sequences_to_solve=6400)
    rows = {what: rest for what, *rest in rows_of(compared(results(a), results(b)))}
    assert rows["test score"] == ["0.5", "0.75", "+0.25"]
    assert "test loss" not in rows and "causal" not in rows
    assert rows["n parameters"] == ["9", "1,200", "+1,191"]
    assert rows["sequences to solve"] == ["-", "6,400"]
    assert rows["resumed"] == ["1", "-"]


def test_a_failed_run_can_be_compared(train, rnnbench, monkeypatch):
    good = train("model=rnn")

    def broken(self, y, batch):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("rnnbench.tasks.adding.Adding.score", broken)
    assert rnnbench(f"run {TINY} model=rnn train.lr=0.5")[0] == 1
    key = next(s.key for s in Store().study("default").summaries().values() if not s.finished)
    code, out, err = rnnbench(f"diff {good['key']} {key}")
    assert (code, err) == (0, "")
    assert sections(out)["results"][2][:3] == ["outcome", "finished", "failed"]
    code, out, err = rnnbench(f"rerun {key}")
    assert (code, out) == (1, "") and "this run failed and has no trained network" in err
