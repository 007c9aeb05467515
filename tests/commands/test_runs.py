"""`rnnbench runs`: what is listed, what a condition means, and that what is deleted comes back."""

import csv
import io
import json
import math

import pytest

from rnnbench.base.refusals import Refused
from rnnbench.base.wording import score_text
from rnnbench.store import Store, Summary
from rnnbench.store.filters import read_filter
from tests.store.records import commit, key_of, record

RUNS = [("one", model, seed) for model in ("elman", "rnn") for seed in (0, 1)] + [("two", "mlp", 0)]


@pytest.fixture
def stored(folder):
    """Two studies: elman and rnn with two seeds each, and one mlp."""
    for number, (study, model, seed) in enumerate(RUNS):
        scores = {"validation_score": 0.5, "test_score": number / 10, "test_loss": 0.1}
        content = record(model=model, seed=seed, scores=scores, ended=100.0 + number, run=f"run {number}")
        commit(Store().study(study), key_of(number + 1) if study == "one" else "ab" + key_of(1)[2:], content)


def listed(rnnbench, line=""):
    code, out, err = rnnbench(f"runs {line} --json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_all_studies_or_one(stored, rnnbench):
    everything = listed(rnnbench)
    # Within a study in the order in which they ended.
    assert [(run["study"], run["model"], run["seed"]) for run in everything] == RUNS
    assert listed(rnnbench, "two") == everything[-1:]
    assert {name: everything[-1][name] for name in ("key", "run", "status", "score", "updates", "ended")} == {
        "key": "ab00000000000001",
        "run": "run 4",
        "status": "finished",
        "score": 0.4,
        "updates": 20,
        "ended": 104.0,
    }
    assert everything[-1]["scores"] == {"validation_score": 0.5, "test_score": 0.4, "test_loss": 0.1}


def test_the_table_names_what_the_list_has(stored, rnnbench):
    code, out, err = rnnbench("runs")
    assert (code, err) == (0, "")
    header, rule, *lines = out.splitlines()
    assert header.split() == "key study model task seed outcome score updates seconds ended".split()
    assert set(rule) == {"─"}
    assert [line.split()[:3] for line in lines[:5]] == [
        [run["key"], run["study"], run["model"]] for run in listed(rnnbench)
    ]
    assert lines[-1] == "5 runs: 5 finished"


def test_a_score_that_exploded_leaves_room_for_the_others(folder, rnnbench):
    commit(Store().study("one"), key_of(1), scores={"test_score": -3.3e42})
    line = rnnbench("runs one")[1].splitlines()[2]
    assert "-3.3e+42" in line and len(line) <= 110
    assert score_text(-9.9134) == "-9.913" and score_text(-999_999.0) == "-999999.000"


def test_csv_is_for_scripts(stored, rnnbench):
    rows = list(csv.DictReader(io.StringIO(rnnbench("runs one model=rnn --csv")[1])))
    assert [row["seed"] for row in rows] == ["0", "1"]
    assert rows[0]["task_label"] == "adding T=20" and rows[0]["ended"] == "1970-01-01T00:01:42+00:00"
    assert float(rows[0]["score"]) == 0.2


def test_trials_without_test_scores_show_those_on_validation_data(folder, rnnbench):
    commit(Store().study("one"), key_of(1), scores={"validation_score": 0.5})
    header, _, line, *_ = rnnbench("runs one")[1].splitlines()
    assert " validation " in header and " 0.500 " in line
    assert listed(rnnbench, "one")[0]["score"] is None
    assert next(csv.DictReader(io.StringIO(rnnbench("runs one --csv")[1])))["score"] == ""


def test_before_the_first_run(folder, rnnbench):
    assert rnnbench("runs") == (0, "", "no runs in ./runs yet; rnnbench run trains one\n")
    assert rnnbench("runs --json") == (0, "[]\n", "")
    for command in ("runs mine", "report mine"):
        code, out, err = rnnbench(command)
        assert (code, out) == (1, "") and "mine: unknown study; no runs in ./runs yet" in err
    assert list(folder.iterdir()) == []


def test_damaged_runs_are_told_and_the_others_listed(stored, folder, rnnbench):
    (folder / "runs" / "one" / key_of(2) / "record.json").write_text("[]")
    code, out, err = rnnbench("runs one --json")
    assert code == 0 and [run["key"] for run in json.loads(out)] == [key_of(n) for n in (1, 3, 4)]
    assert err == f"rnnbench: run one/{key_of(2)}: record.json cannot be read (it is no JSON object)\n"
    code, out, err = rnnbench(f"rerun one/{key_of(2)}")
    assert (code, out) == (1, "") and err.startswith(f"rnnbench: run one/{key_of(2)}: record.json cannot be")


def test_runs_of_the_earlier_layout_are_told(stored, folder, rnnbench):
    old = folder / "runs" / "artifacts" / "demo" / "abc"
    old.mkdir(parents=True)
    (old / "record.json").write_text("{}")
    code, out, err = rnnbench("runs --json")
    assert code == 0 and len(json.loads(out)) == 5
    assert err.startswith("rnnbench: runs/artifacts: runs of an earlier development version")
    assert len(err.splitlines()) == 1


RUN = Summary(
    key="ab12", study="one", run="r", outcome="solved", model="elman", task="adding",
    task_label="adding T=50", seed=0, updates=100, parameters=80, seconds=math.nan, compiled_seconds=0.0,
    scores={"test_score": 0.75}, ended=0.0, sources={}, error="", sweep="s",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("model=elman", True),
        ("model=rnn,elman", True),
        ("model=el*", True),
        ("model!=elman", False),
        ("model!=rnn,mlp", True),
        ("task=adding", True),
        ("task=adding T=50", True),
        ("task=adding T=5", False),
        ("task!=adding", False),
        ("key=AB", True),
        ("key=b1", False),
        ("outcome=failed", False),
        ("status=finished", True),
        ("study=one", True),
        ("seed=0", True),
        ("seed=1,0", True),
        ("seed!=0,1", False),
        ("score<0.5", False),
        ("score>=0.75", True),
        ("score>0.75", False),
        ("score<=.75", True),
        ("parameters>79", True),
        # What a run does not have meets no condition, whichever way round.
        ("seconds>0", False),
        ("seconds!=3", False),
    ],
)
def test_conditions(text, fits):
    assert read_filter(text).fits(RUN) is fits


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("modle=elman", "unknown filter (did you mean model?)"),
        ("=3", "unknown filter"),
        ("model=", "needs a value, such as model=elman"),
        ("model<3", "model is text; allowed signs: =, !="),
        ("score<half", "half must be a number"),
        ("seed=", "needs a value, such as seed=0"),
    ],
)
def test_conditions_that_make_no_sense(text, said):
    with pytest.raises(Refused) as refused:
        read_filter(text)
    assert said in str(refused.value) and len(str(refused.value).splitlines()) <= 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("runs tow", "tow: unknown study (did you mean two?)"),
        ("runs one two", "one two: only one study can be named"),
        ("runs --delete --restore", "not allowed with argument"),
        ("runs --restore", "--restore needs the name of a study"),
        ("runs one --restore model=elman", "the only condition allowed is key=KEY"),
        ("runs one model=narx --delete --yes", "no run matches; nothing is deleted"),
        ("runs one --delete", "to delete them without a terminal to confirm on, add --yes"),
    ],
)
def test_what_is_refused_changes_nothing(stored, rnnbench, line, said):
    before = listed(rnnbench)
    code, out, err = rnnbench(line)
    assert (code, out) == (1, "") and said in err and len(err.splitlines()) <= 2, err
    assert listed(rnnbench) == before


def test_what_is_deleted_is_gone_and_comes_back(stored, rnnbench):
    before = listed(rnnbench)
    code, out, err = rnnbench("runs model=rnn,mlp seed=0 --delete --yes")
    assert (code, err) == (0, "")
    one, two = out.splitlines()
    assert one == "one: 1 run deleted; restored by: rnnbench runs one --restore"
    assert two.startswith("two: 1 run deleted")
    gone = [run for run in before if run["model"] in ("rnn", "mlp") and run["seed"] == 0]
    assert listed(rnnbench) == [run for run in before if run not in gone]
    # The line that is printed is the way back.
    for text in out.splitlines():
        line = text.partition("rnnbench ")[2]
        assert rnnbench(line)[0] == 0
    assert listed(rnnbench) == before


def test_a_run_in_training_is_not_deleted(stored, rnnbench):
    claim = Store().study("one").claim(key_of(1))
    assert claim.take()
    code, out, err = rnnbench("runs one model=elman --delete --yes")
    claim.release()
    assert code == 1 and out.startswith("one: 1 run deleted")
    assert err == "rnnbench: 1 run in training: not deleted\n"
    assert [run["seed"] for run in listed(rnnbench, "one model=elman")] == [0]


@pytest.mark.parametrize(("answer", "left"), [("y\n", 4), ("\n", 5), ("n\n", 5), ("", 5)])
def test_on_a_terminal_it_asks(stored, rnnbench, monkeypatch, answer, left):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal(answer))
    code, out, err = rnnbench("runs two --delete")
    assert code == 0 and err == "delete them? [y/N] "
    assert ("restored by: rnnbench runs two" if left == 4 else "nothing is deleted") in out
    assert len(listed(rnnbench)) == left
    if left == 4:
        assert rnnbench("runs two --restore")[1] == "two: 1 run restored\n"


@pytest.mark.parametrize(("line"), ["predict {} data.csv", "sample {}", "diff {} {}", "rerun {}"])
def test_every_command_looks_up_alike(stored, rnnbench, line):
    for text, said in (
        (
            "zz",
            "zz: no run has a key that starts with this\nnewest: ab00000000000001 (mlp · ",
        ),
        ("tow/ab", "tow: unknown study (did you mean two?)"),
        ("two/zz", "two/zz: no run in study two has a key that starts with this\nnewest: "),
        ("0", "0: several keys start with this\nthey are: "),
    ):
        code, out, err = rnnbench(line.format(text, text))
        assert (code, out) == (1, "") and err.startswith(f"rnnbench: {said}"), err
