"""`rnnbench predict`: a stored network on a file, its scales, its loops and what it refuses."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from rnnbench.store import Store
from rnnbench.store.lookup import find, listed
from rnnbench.sweep.trained import stored_network
from tests.store.records import commit, key_of

SMALL = "train=smoke train.updates=30"
ROWS = [(f"{np.sin(n / 7) + n % 5}", f"{100 + 10 * np.sin(n / 9)}") for n in range(200)]


def write(name, rows, header=("u", "y")):
    Path(name).write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n")


def read(name="predictions.csv"):
    with open(name, newline="") as file:
        header, *rows = csv.reader(file)
    return header, np.array(rows, float)


@pytest.fixture
def run(folder, rnnbench):
    """Train on the file `plant.csv` (or a task named); returns the key of the run."""
    write("plant.csv", ROWS)
    write("new.csv", [(u,) for u, _ in ROWS[:30]], header=("u",))

    def train(line="model=narx model.hidden=4 task=csv task.path=plant.csv task.targets=y"):
        assert rnnbench(f"run {line} {SMALL}")[0] == 0
        return newest()

    return train


def newest():
    """The key of the run that ended last."""
    studies = [Store().study(name) for name in Store().studies()]
    return max(listed(studies), key=lambda run: run.ended).key


def network(key):
    """The network and the weights of a run, from its files."""
    study, record = find(Store(), key)
    return stored_network(study, record["key"])


def scaled(column):
    known = np.array(column, float)[:120]  # the training part of 200 rows
    return known.mean(), known.std()


def test_the_numbers_are_those_of_the_network_in_the_files_own_unit(run, rnnbench):
    key = run()
    assert rnnbench(f"predict {key} new.csv") == (0, "predictions.csv\n", "")
    header, found = read()
    assert header == ["step", "y"]
    assert found[:, 0].tolist() == list(range(30))
    (u, y) = (scaled(column) for column in zip(*ROWS, strict=True))
    x = ((np.array([float(v) for v, _ in ROWS[:30]]) - u[0]) / u[1]).astype(np.float32)
    net, params = network(key)
    expected = net.forward(params, x[:, None, None])[:, 0, 0] * y[1] + y[0]
    np.testing.assert_allclose(found[:, 1], expected, rtol=1e-5)


def test_numbers_are_read_back_to_the_same_bits(run, rnnbench):
    key = run("model=rnn model.hidden=6 task=hello train.lr=0.05")
    write("word.csv", [("0",), ("1",), ("2",)], header=("x",))
    assert rnnbench(f"predict {key} word.csv")[0] == 0
    net, params = network(key)
    y = net.forward(params, np.array([[0], [1], [2]]))[:, 0]
    assert y.dtype == np.float32 and (read()[1][:, 2:] == y).all()


def test_open_loop_reads_the_targets(run, rnnbench):
    key = run()
    write("both.csv", ROWS[:30])
    assert rnnbench(f"predict {key} both.csv output=closed.csv")[0] == 0
    assert rnnbench(f"predict {key} both.csv output=open.csv loop=open")[0] == 0
    closed, found = read("closed.csv")[1], read("open.csv")[1]
    assert closed[0, 1] == found[0, 1] and (closed[1:, 1] != found[1:, 1]).all()
    u, y = (scaled(column) for column in zip(*ROWS, strict=True))
    values = np.array(ROWS[:30], float)
    x, d = ((values[:, n] - m) / s for n, (m, s) in enumerate((u, y)))
    net, params = network(key)
    arrays = (a.astype(np.float32)[:, None, None] for a in (x, d))
    expected = net.forward(params, *arrays, "open")[:, 0, 0] * y[1] + y[0]
    np.testing.assert_allclose(found[:, 1], expected, rtol=1e-5)


def test_a_horizon_says_which_row_is_predicted(run, rnnbench):
    line = "model=tdnn model.hidden=3 task=csv task.path=plant.csv task.inputs=[u,y] task.targets=y"
    key = run(line + " task.horizon=3")
    assert rnnbench(f"predict {key} plant.csv")[0] == 0
    header, found = read()
    assert header == ["step", "predicted_step", "y"]
    assert found[-1, :2].tolist() == [199, 202]
    code, _, err = rnnbench(f"predict {key} plant.csv loop=open")
    assert code == 1 and "feeds no output back" in err


def test_sunspots_are_read_and_written_as_numbers(run, rnnbench):
    key = run("model=elman model.hidden=4 task=sunspots")
    write("spots.csv", [("50",), ("80",), ("20",)], header=("sunspots",))
    assert rnnbench(f"predict {key} spots.csv")[0] == 0
    header, found = read()
    assert header == ["step", "predicted_step", "sunspots"]
    assert ((found[:, 2] > -100) & (found[:, 2] < 300)).all()


def test_symbols(run, rnnbench):
    key = run("model=rnn model.hidden=6 task=hello train.lr=0.05")
    write("word.csv", [("0",), ("1",), ("2",)], header=("x",))
    assert rnnbench(f"predict {key} word.csv")[0] == 0
    header, found = read()
    assert header == ["step", "label", *(f"p(label={k})" for k in range(4))]
    np.testing.assert_allclose(found[:, 2:].sum(axis=1), 1.0, rtol=1e-5)
    assert found[:, 1].tolist() == found[:, 2:].argmax(axis=1).tolist()
    write("word.csv", [("0",), ("4",)], header=("x",))
    code, out, err = rnnbench(f"predict {key} word.csv")
    assert (code, out) == (1, "") and "4 must be a whole number from 0 to 3" in err


def test_several_inputs_and_a_plugin_that_has_gone(run, rnnbench, folder):
    rnnbench("new model leaky")
    key = run("model=leaky model.hidden=3 task=window task.kind=classification task.test_size=8")
    (folder / "rnnbench_plugins" / "leaky.py").unlink()
    write("window.csv", [("0.1",), ("0.9",)], header=("x",))
    assert rnnbench(f"predict {key} window.csv")[0] == 0
    assert ((read()[1][:, 1] > 0) & (read()[1][:, 1] < 1)).all()
    key = run("model=rnn model.hidden=3 task=adding task.length=8")
    write("adding.csv", [("0.1", "1"), ("0.9", "0")], header=("x2", "x1"))
    assert rnnbench(f"predict {key} adding.csv")[0] == 0


def test_a_network_that_reads_the_future(run, rnnbench):
    key = run("model=brnn model.hidden=3 task=csv task.path=plant.csv task.targets=y")
    assert rnnbench(f"predict {key} new.csv")[0] == 0
    assert len(read()[1]) == 30


def test_a_key_may_be_shortened(run, rnnbench):
    key, other = run(), run("model=mlp model.hidden=3 task=csv task.path=plant.csv task.targets=y")
    assert key != other
    assert rnnbench(f"predict {key[:6].upper()} new.csv")[0] == 0
    code, out, err = rnnbench("predict zzz new.csv")
    assert (code, out) == (1, "") and len(err.splitlines()) == 2
    assert err.startswith("rnnbench: zzz: no run has a key that starts with this\nnewest: ")
    assert f"{key} (narx · plant.csv (y) · seed 0)" in err and other in err


def test_before_the_first_run(folder, rnnbench):
    assert rnnbench("predict ab new.csv") == (
        1,
        "",
        "rnnbench: no runs in ./runs yet; rnnbench run trains one\n",
    )
    assert list(folder.iterdir()) == []


#: content of the file (None: there is none): what the refusal must say
WRONG_FILES = {
    None: "x.csv: No such file or directory",
    b"": "x.csv: the file is empty",
    b"u\n": "x.csv: there is no row below the header",
    b"u\n1\n\xff\n": "x.csv: line 3 is not UTF-8",
    b"u\n1\n1,2\n": "x.csv: line 3 has 2 cells, the header 1",
    b"u\n1\nmany\n": "x.csv: line 3, column u: 'many' is not a finite number",
    b"u\n1\ninf\n": "'inf' is not a finite number",
    b"u\n1\nnan\n2\n": "x.csv: row 2 below the header, column u: no value; missing=fill",
    b"v\n1\n": "inputs=u: x.csv has no such column, it has v",
    b"v;u\n1;2\n": "cells must be separated by ',' (or set delimiter)",
    b"u,u\n1,2\n": "the column name 'u' stands twice",
}


def test_files_that_do_not_fit(run, rnnbench):
    key = run()
    before = sorted(Path().iterdir())
    for content, said in WRONG_FILES.items():
        if content is not None:
            Path("x.csv").write_bytes(content)
        code, out, err = rnnbench(f"predict {key} x.csv")
        assert (code, out) == (1, ""), content
        assert said in err and len(err.splitlines()) == 1 and "task." not in err, err
        Path("x.csv").unlink(missing_ok=True)
        assert sorted(Path().iterdir()) == before


#: settings: what the refusal must say
WRONG_SETTINGS = {
    "outptu=a.csv": "unknown setting (did you mean output?)",
    "fast": "fast: unknown setting",
    "output=": "must be a file, and not the one with the inputs",
    "output=no/a.csv": "output=no/a.csv: cannot be written (No such file or directory)",
    "output=runs": "must be a file, and not the one with the inputs",
    "output=new.csv": "must be a file, and not the one with the inputs",
    "loop=opne": "must be one of closed, open (did you mean open?)",
    "loop=open": "targets=y: new.csv has no such column, it has u",
    "missing=yes": "must be one of refuse, fill",
    "delimiter=ab": "must be one character",
}


def test_settings_that_make_no_sense(run, rnnbench):
    key = run()
    for setting, said in WRONG_SETTINGS.items():
        code, out, err = rnnbench(f"predict {key} new.csv {setting}")
        assert (code, out) == (1, ""), setting
        assert said in err and len(err.splitlines()) <= 2, err
        assert not Path("predictions.csv").exists()


def test_holes_are_filled_when_that_is_asked_for(run, rnnbench):
    key = run("model=mlp model.hidden=3 task=csv task.path=plant.csv task.targets=y")
    write("holes.csv", [("1", "0"), ("", "0"), ("2", "0"), ("1", "0")], header=("u", "other"))
    assert rnnbench(f"predict {key} holes.csv missing=fill")[0] == 0
    y = read()[1][:, 1]
    assert y[0] == y[1] == y[3] != y[2]


def test_another_delimiter(run, rnnbench):
    key = run()
    Path("x.csv").write_text("v;u\n1;2\n")
    assert rnnbench(f"predict {key} x.csv delimiter=;")[0] == 0


def test_a_run_whose_weights_are_damaged_is_refused(run, rnnbench):
    key = run()
    Path(f"runs/default/{key}/weights.npz").write_bytes(b"PK damaged")
    code, out, err = rnnbench(f"predict {key} new.csv")
    assert (code, out, err) == (1, "", f"rnnbench: run default/{key}: weights.npz is damaged\n")


def test_a_run_that_failed_is_refused(run, rnnbench, monkeypatch):
    def broken(*given):
        raise RuntimeError("broken")

    monkeypatch.setattr("rnnbench.tasks.adding.Adding.score", broken)
    assert rnnbench(f"run model=rnn model.hidden=3 task=adding task.length=8 {SMALL}")[0] == 1
    for command in ("predict {} new.csv", "sample {}"):
        code, out, err = rnnbench(command.format(newest()))
        assert (code, out) == (1, "")
        assert "(rnn · adding T=8 · seed 0): this run failed and has no trained network; run it again" in err


def test_a_run_is_named_with_its_study(run, rnnbench):
    key = run()
    assert rnnbench(f"predict default/{key[:5]} new.csv")[0] == 0
    commit(Store().study("first"), key_of(1))
    code, _, err = rnnbench(f"predict first/{key} new.csv")
    assert code == 1 and "no run in study first has a key" in err


def test_an_output_that_cannot_be_written(run, rnnbench, monkeypatch):
    key = run()
    monkeypatch.setattr(
        "os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    code, out, err = rnnbench(f"predict {key} new.csv")
    assert (code, out) == (1, "") and "output=predictions.csv: cannot be written (No space left" in err
    assert not [p for p in Path().iterdir() if re.match(r"\.?predictions", p.name)]
