"""`rnnbench rerun`: the same bits again, and what is said where they are not or cannot be expected."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from rnnbench.base.refusals import Refused
from rnnbench.commands.comparison import agree_until, columns, compare, numbers
from rnnbench.commands.rerun import set_up
from rnnbench.store import Store
from rnnbench.store.history import history_csv
from rnnbench.store.lookup import find

TINY = "train=smoke task.length=8 task.validation_size=16 task.test_size=16 model.hidden=4"


@pytest.fixture
def train(folder, rnnbench):
    """Train one run; returns its record."""

    def trained(line=f"model=rnn {TINY}"):
        code, _, err = rnnbench(f"run {line}")
        assert code == 0, err
        return list(Store().study("default").records())[-1]

    return trained


def folder_of(record):
    return Path("runs", record["study"], record["key"])


def change(record, **changes):
    """Change what is stored of a run: its record's own fields, or with `name__field` those of a part."""
    path = folder_of(record) / "record.json"
    whole = json.loads(path.read_text())
    for name, value in changes.items():
        part, _, inner = name.partition("__")
        if name == "history":
            (path.parent / "history.csv").write_text(history_csv(value))
        elif inner:
            whole[part][inner] = value
        else:
            whole[part] = value
    path.write_text(json.dumps(whole))


def contents():
    return {path: path.read_bytes() for path in Path("runs").rglob("*") if path.is_file()}


LINES = [
    f"model=rnn {TINY}",
    f"model=elman {TINY} train.optimizer=sgd train.lr=0.1 train.momentum=0.9 train.clip_norm=0.5",
    f"model=brnn {TINY} train.dtype=float64 train.reduction=sum seeds=[3]",
    "model=tdnn model.window=2 task=hello train=smoke",
    "model=rnn task=flipflop train.updates=20 train.evaluate_every=10 train.carry_state=true",
    "model=rnn budget.parameters=100 task=adding task.length=8 train=smoke",
    f"model=rnn {TINY} train.optimizer=sgd train.lr=1e30 model.activation=linear",
    'model=custom model.arrows=["x->h","h->h@1","h->y"] task=adding task.length=8 train=smoke',
]


@pytest.mark.parametrize("line", LINES)
def test_every_bit_is_the_same_and_nothing_is_stored(train, rnnbench, line):
    record, before = train(line), contents()
    code, out, err = rnnbench(f"rerun {record['key'][:9]}")
    assert (code, err) == (0, ""), out
    first, how, *parts, last = out.splitlines()
    assert first.startswith(f"{record['key']} ({record['model']} · {record['task_label']} · seed ")
    assert how == "compared bit by bit: same type of processor, same version of the numerics"
    assert [part.split()[0] for part in parts] == ["weights", "scores", "history", "outcome"]
    assert all(part.endswith("same bits") for part in parts) and last == "same: every bit"
    assert contents() == before and Store().study("default").keys() == {record["key"]}


def test_one_bit_of_a_weight_is_found(train, rnnbench):
    record = train()
    path = folder_of(record) / "weights.npz"
    with np.load(path) as file:
        weights = {name: file[name] for name in file.files}
    name = list(weights)[1]
    weights[name].flat[2] = np.nextafter(weights[name].flat[2], np.float32(9))
    np.savez(path, **weights)
    code, out, _ = rnnbench(f"rerun {record['key']}")
    assert code == 1
    place = ", ".join(map(str, np.unravel_index(2, weights[name].shape)))
    assert f"different, by up to {found(out):.2g}: {name}[{place}]" in out and 0 < found(out) < 1e-6
    assert out.splitlines()[-1].startswith("different: by up to ")
    assert out.count("same bits") == 3 and "; rounding can explain it" in out


def found(out):
    """The largest difference of the verdict."""
    (line,) = (line for line in out.splitlines() if line.startswith("different: "))
    return float(line.split("by up to ")[1].split()[0])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scores__test_score": 0.125}, "scores"),
        ({"outcome": "solved"}, "outcome"),
        ({"updates": 19}, "outcome"),
    ],
)
def test_what_is_stored_and_wrong_is_found(train, rnnbench, changes, said):
    record = train()
    change(record, **changes)
    code, out, _ = rnnbench(f"rerun {record['key']}")
    assert code == 1
    (line,) = (line for line in out.splitlines() if "  different, " in line)
    assert line.split()[0] == said


def test_another_processor_is_compared_within_a_tolerance(train, rnnbench):
    record = train()
    score = record["scores"]["test_score"]
    change(record, provenance__processor="an abacus", scores__test_score=score + 1e-4)
    code, out, _ = rnnbench(f"rerun {record['key']}")
    assert code == 0
    assert "compared within 0.001, relative above 1: processor was an abacus, is " in out
    assert re.search(r"within tolerance, by up to [\d.e-]+: test_score", out)
    assert out.splitlines()[-1] == "same: within the tolerance"
    code, out, _ = rnnbench(f"rerun {record['key']} tolerance=1e-9")
    assert code == 1 and "compared within 1e-09" in out
    change(record, scores__test_score=score, provenance__numerics=1)
    code, out, _ = rnnbench(f"rerun {record['key']}")
    assert code == 0 and "numerics was 1, is " in out
    history = [dict(entry) for entry in record["history"]]
    history[1]["train_loss"] += 0.5
    change(record, history=history)
    code, out, _ = rnnbench(f"rerun {record['key']}")
    last = out.splitlines()[-1]
    assert code == 1 and last.startswith("the histories agree within 0.001 up to update 10, as ")
    change(record, history=record["history"])
    # Rounding changes no count of updates.
    change(record, updates=21)
    assert rnnbench(f"rerun {record['key']}")[0] == 1


def test_a_version_that_was_raised_is_said(train, rnnbench, monkeypatch):
    record = train()
    monkeypatch.setattr("rnnbench.models.rnn.RNN.VERSION", 2)
    code, out, _ = rnnbench(f"rerun {record['key']}")
    assert code == 0
    assert out.startswith("model version was 1, is 2; this may change the results\n")
    # A record from before versions were kept: the key says it.
    change(record, provenance={n: v for n, v in record["provenance"].items() if "version" not in n})
    code, out, _ = rnnbench(f"rerun {record['key']}")
    assert code == 0 and "the same settings now have another key; this may change" in out.splitlines()[0]


def test_a_plugin_whose_source_has_changed_is_said(train, rnnbench, folder):
    rnnbench("new model leaky")
    record = train("model=leaky model.hidden=3 task=adding task.length=8 train=smoke")
    assert rnnbench(f"rerun {record['key']}")[1].splitlines()[-1] == "same: every bit"
    path = folder / "rnnbench_plugins" / "leaky.py"
    text = path.read_text()
    path.write_text(text + "\n# A remark.\n")
    code, out, _ = rnnbench(f"rerun {record['key']}")
    assert code == 0 and out.splitlines()[-1] == "same: every bit"
    before = record["provenance"]["model_source"]
    assert out.startswith(f"model source was {before}, is rnnbench_plugins/leaky.py ")
    path.unlink()
    code, out, err = rnnbench(f"rerun {record['key']}")
    assert (code, out) == (1, "") and err.startswith("rnnbench: model=leaky: unknown model")


def test_data_that_have_changed_are_said(train, rnnbench):
    rows = [f"{np.sin(n / 7) + n % 5},{100 + 10 * np.sin(n / 9)}" for n in range(200)]
    Path("plant.csv").write_text("\n".join(["u,y", *rows]))
    record = train("model=narx model.hidden=3 task=csv task.path=plant.csv task.targets=y train=smoke")
    assert rnnbench(f"rerun {record['key']}")[0] == 0
    change(record, columns__horizon=7)
    assert rnnbench(f"rerun {record['key']}")[1].startswith("task csv: its data have changed; this may")
    Path("plant.csv").write_text("\n".join(["u,y", *rows[:150]]))
    code, out, err = rnnbench(f"rerun {record['key']}")
    assert (code, out) == (1, "") and "plant.csv has changed" in err and len(err.splitlines()) == 1
    Path("plant.csv").unlink()
    code, out, err = rnnbench(f"rerun {record['key']}")
    assert (code, out) == (1, "") and "plant.csv" in err and len(err.splitlines()) == 1


def test_a_budget_in_seconds_becomes_the_updates_it_reached(train):
    record = train(f"model=rnn {TINY} train.seconds=0.2")
    train_settings = set_up(*find(Store(), record["key"])).train
    assert (train_settings.updates, train_settings.seconds) == (record["updates"], None)


def test_a_trial_that_has_seen_no_test_data_sees_none(train, rnnbench, monkeypatch):
    record = train()
    scores = {name: score for name, score in record["scores"].items() if name.startswith("validation")}
    change(record, scores=scores)
    monkeypatch.setattr("rnnbench.tasks.adding.Adding.test", None)
    code, out, err = rnnbench(f"rerun {record['key']}")
    assert (code, err) == (0, "") and re.search(r"scores +2 values", out)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  hidden: 4", "  hidden: 4\n  wings: 2", "model.wings: rnn no longer has this field"),
        ("  hidden: 4", "  hidden: 0", "model.hidden=0: must be"),
        ("  name: rnn", "  name: rmn", "model=rmn: unknown model (did you mean rnn?)"),
        (
            "  optimizer: adam",
            "  optimizer: adma",
            "train.optimizer=adma: must be one of",
        ),
    ],
)
def test_what_can_no_longer_be_set_up_is_said(train, old, new, said):
    record = train()
    path = folder_of(record) / "config.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(Refused) as refused:
        set_up(*find(Store(), record["key"]))
    assert said in str(refused.value) and len(str(refused.value).splitlines()) <= 2


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "much"])
def test_tolerances_that_make_no_sense(folder, rnnbench, text):
    code, out, err = rnnbench(f"rerun ab tolerance={text}")
    assert (code, out) == (1, "")
    assert err.startswith("rnnbench: tolerance=") and err.endswith(
        ": must be a finite number of at least 0\n"
    )


def test_weights_of_other_names_shapes_and_types():
    one = {"a": np.zeros((2, 3), np.float32), "b": np.zeros(0, np.float32)}
    assert compare("weights", one, {n: v.copy() for n, v in one.items()}).same_bits
    for other in (
        {"a": one["a"]},
        one | {"a": one["a"].T},
        one | {"a": np.zeros((2, 3))},
        one | {"c": one["a"]},
    ):
        part = compare("weights", one, other)
        assert not part.same_bits and part.largest == np.inf
    minus = compare("weights", one, one | {"a": -one["a"]})
    assert not minus.same_bits and minus.largest == 0.0
    nan = {"a": np.full((2, 3), np.nan, np.float32), "b": one["b"]}
    assert compare("weights", nan, nan) == ("weights", True, 0.0, "", 6)
    assert compare("weights", nan, one).largest == np.inf


def test_large_numbers_are_compared_relatively():
    part = compare(
        "scores", {"a": numbers(1000.0), "b": numbers(0.5)}, {"a": numbers(1001.0), "b": numbers(0.5)}
    )
    assert (part.same_bits, part.largest, part.where) == (False, pytest.approx(1e-3), "a")
    assert compare("scores", {"a": numbers(None)}, {"a": numbers(1.0)}).largest == np.inf
    assert compare("scores", {"a": numbers(None)}, {"a": numbers(np.inf)}).same_bits


def test_how_long_histories_agree():
    looks = [{"update": 10 * n, "train_loss": 1.0 / n} for n in (1, 2, 3)]
    other = [dict(look) for look in looks]
    assert agree_until(looks, other, 0.0) == 30
    other[1]["train_loss"] += 1e-4
    assert (agree_until(looks, other, 1e-3), agree_until(looks, other, 1e-5)) == (30, 10)
    assert agree_until(looks, [{"update": 10, "train_loss": None}], 1.0) == 0


def test_clocks_count_for_nothing():
    old = [{"update": 1, "seconds": 1.0, "train_loss": 0.5}]
    assert "seconds" not in columns(old, old[0])
    for other, largest in (([old[0] | {"train_loss": 0.25}], 0.25), (old * 2, np.inf), ([], np.inf)):
        part = compare("history", columns(old, old[0]), columns(other, old[0]))
        assert not part.same_bits and part.largest == largest
