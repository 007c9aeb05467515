"""`rnnbench runs`: what is listed, what a condition means, and that what is deleted comes back."""

import csv
import io
import json
import math
import shutil

import pytest

from rnnbench.cli import main
from rnnbench.experiment.refusals import Refused
from rnnbench.experiment.stored.filters import read_filter
from rnnbench.experiment.stored.lookup import find
from rnnbench.experiment.stored.runs import age_text
from rnnbench.experiment.wording import score_text
from rnnbench.tracking import State, Store

TINY = "train=smoke task.length=8 task.validation_size=16 task.test_size=16 model.hidden=4"


@pytest.fixture(scope="module")
def made(tmp_path_factory, database):
    """Two studies: elman and rnn with two seeds each, and one mlp."""
    folder = tmp_path_factory.mktemp("stored")
    (folder / "runs").mkdir()
    shutil.copy(database, folder / "runs" / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(f"run -m model=elman,rnn {TINY} seeds=2 train.threads=1 study.name=one".split()) == 0
        assert main(f"run model=mlp {TINY} study.name=two".split()) == 0
    return folder


@pytest.fixture
def stored(made, monkeypatch):
    """The two studies, which every test leaves as they were."""
    monkeypatch.chdir(made)


def listed(rnnbench, line=""):
    code, out, err = rnnbench(f"runs {line} --json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_all_studies_or_one(stored, rnnbench):
    everything = listed(rnnbench)
    # Within a study in the order in which they ended.
    assert sorted((run["study"], run["model"], run["seed"]) for run in everything) == [
        *[("one", model, seed) for model in ("elman", "rnn") for seed in (0, 1)],
        ("two", "mlp", 0),
    ]
    assert listed(rnnbench, "two") == everything[-1:]
    record = Store().runs("two")[0]
    assert everything[-1]["key"] == record["key"]
    assert everything[-1]["score"] == pytest.approx(record["scores"]["test_score"])
    assert everything[-1]["updates"] == 20


def test_the_table_names_what_the_list_has(stored, rnnbench):
    code, out, err = rnnbench("runs")
    assert (code, err) == (0, "")
    header, rule, *lines = out.splitlines()
    assert header.split() == "key study model task seed outcome score updates seconds age".split()
    assert set(rule) == {"─"}
    assert [line.split()[:3] for line in lines[:5]] == [
        [run["key"], run["study"], run["model"]] for run in listed(rnnbench)
    ]
    assert lines[-1].startswith("5 runs: 5 finished")
    assert "study" not in rnnbench("runs two")[1].splitlines()[0]


def test_a_score_that_exploded_leaves_room_for_the_others(stored, rnnbench, monkeypatch):
    states = Store.states

    def exploded(store, study):
        return {k: s._replace(scores={"test_score": -3.3e42}) for k, s in states(store, study).items()}

    monkeypatch.setattr(Store, "states", exploded)
    lines = rnnbench("runs one")[1].splitlines()
    assert "-3.3e+42" in lines[2] and len(lines) == 8
    assert score_text(-9.9134) == "-9.913" and score_text(-999_999.0) == "-999999.000"


def test_csv_is_for_scripts(stored, rnnbench):
    rows = list(csv.DictReader(io.StringIO(rnnbench("runs one model=rnn --csv")[1])))
    assert [row["seed"] for row in rows] == ["0", "1"]
    assert rows[0]["task_label"] == "adding T=8" and rows[0]["ended"].endswith("+00:00")
    assert float(rows[0]["score"]) == listed(rnnbench, "one model=rnn")[0]["score"]


def test_trials_without_test_scores_show_those_on_validation_data(stored, rnnbench, monkeypatch):
    states = Store.states

    def untested(store, study):
        found = states(store, study)
        return {
            k: s._replace(scores={n: v for n, v in s.scores.items() if "test" not in n})
            for k, s in found.items()
        }

    monkeypatch.setattr(Store, "states", untested)
    assert " validation " in rnnbench("runs one")[1].splitlines()[0]
    assert listed(rnnbench, "one")[0]["score"] is None
    assert next(csv.DictReader(io.StringIO(rnnbench("runs one --csv")[1])))["score"] == ""


def test_before_the_first_run(empty, rnnbench):
    code, out, err = rnnbench("runs")
    assert (code, out) == (0, "") and "there are no runs" in err
    assert rnnbench("runs --json") == (0, "[]\n", "")
    for command in ("runs mine", "report mine"):
        code, out, err = rnnbench(command)
        assert (code, out) == (1, "") and "mine: unknown study; there are no runs in ./runs yet" in err
    assert list(empty.iterdir()) == []


RUN = State(
    key="ab12", study="one", run_id="r", status="finished", outcome="solved", model="elman", task="adding",
    task_label="adding T=50", seed=0, updates=100, parameters=80, seconds=math.nan, ended=0.0,
    scores={"test_score": 0.75},
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
        ("model<3", "model is text, which goes with = or !="),
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
        ("runs one two", "one study at a time"),
        ("runs --delete --restore", "not allowed with argument"),
        ("runs --restore", "--restore needs the name of a study"),
        ("runs one --restore model=elman", "no conditions but key="),
        ("runs one model=narx --delete --yes", "no such run: nothing is deleted"),
        ("runs one --delete", "nobody can be asked here: --yes deletes them"),
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
    assert one.startswith("one: 1 run deleted; rnnbench runs one key=") and two.startswith(
        "two: 1 run deleted"
    )
    gone = [run for run in before if run["model"] in ("rnn", "mlp") and run["seed"] == 0]
    assert listed(rnnbench) == [run for run in before if run not in gone]
    # The line that is printed is the way back.
    for text in out.splitlines():
        line = text.partition("rnnbench ")[2].partition(" brings")[0]
        assert rnnbench(line)[0] == 0
    assert listed(rnnbench) == before


@pytest.mark.parametrize(("answer", "left"), [("y\n", 4), ("\n", 5), ("n\n", 5), ("", 5)])
def test_on_a_terminal_it_asks(stored, rnnbench, monkeypatch, answer, left):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal(answer))
    code, out, err = rnnbench("runs two --delete")
    assert code == 0 and err == "delete them? [y/N] "
    assert ("deleted; rnnbench runs two" if left == 4 else "nothing is deleted") in out
    assert len(listed(rnnbench)) == left
    if left == 4:
        assert rnnbench("runs two --restore")[1] == "two: 1 run restored\n"


def test_a_run_is_found_by_the_beginning_of_its_key(stored, rnnbench):
    store = Store()
    (mlp,) = listed(rnnbench, "two")
    record = find(store, mlp["key"][:7].upper())
    assert (record["key"], record["study"], record["model"]) == (mlp["key"], "two", "mlp")
    assert find(store, f"two/{mlp['key'][:3]}")["run_id"] == mlp["run_id"]
    for text, said in (
        ("", "'': no run has a key"),
        ("zz", "zz: no run"),
        (f"one/{mlp['key']}", "in study one"),
    ):
        with pytest.raises(Refused, match=said):
            find(store, text)


def test_a_beginning_of_several_keys_is_refused(stored, monkeypatch):
    states = Store.states
    monkeypatch.setattr(
        Store,
        "states",
        lambda *given: {k: s._replace(key=f"ab{n}") for n, (k, s) in enumerate(states(*given).items())},
    )
    with pytest.raises(Refused, match=r"(?s)ab: 4 keys begin so\nthey are: ab\d \("):
        find(Store(), "ab")
    assert find(Store(), "two/ab")["model"] == "mlp"


def test_of_a_key_in_several_studies_a_finished_run_is_taken(stored, monkeypatch):
    """A failed one only where there is no other, however new it is; of several the newest."""
    states = Store.states
    one = next(iter(states(Store(), "one").values()))
    (two,) = states(Store(), "two").values()
    there = {"one": one._replace(key="ab", ended=2.0), "two": two._replace(key="ab", ended=1.0)}
    monkeypatch.setattr(Store, "states", lambda store, study: {"ab": there[study]} if study in there else {})
    assert find(Store(), "ab")["run_id"] == one.run_id
    there["one"] = there["one"]._replace(status="failed")
    assert find(Store(), "ab")["run_id"] == two.run_id
    there["two"] = there["two"]._replace(status="failed")
    assert find(Store(), "ab")["run_id"] == one.run_id


@pytest.mark.parametrize(("line"), ["predict {} data.csv", "sample {}", "diff {} {}", "rerun {}"])
def test_every_command_looks_up_alike(stored, rnnbench, line):
    for text, said in (
        ("zz", "zz: no run has a key that begins so\nthe last ones: "),
        ("tow/ab", "tow: unknown study (did you mean two?)"),
        ("two/zz", "two/zz: no run in study two has a key that begins so\nthe last ones: "),
    ):
        code, out, err = rnnbench(line.format(text, text))
        assert (code, out) == (1, "") and err.startswith(f"rnnbench: {said}"), err


def test_ages():
    ages = [age_text(seconds) for seconds in (-5.0, 59.9, 60.0, 3599.0, 7200.0, 86400.0 * 400)]
    assert ages == ["0 s", "59 s", "1 min", "59 min", "2 h", "400 d"]
