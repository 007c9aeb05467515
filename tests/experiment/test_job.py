"""Small runs through the command line, and what is in the store afterwards."""

import io
import json
import math

import numpy as np
import pytest

from rnnbench import Network
from rnnbench.experiment import job
from rnnbench.experiment.progress import Progress
from rnnbench.tasks.adding import Adding
from rnnbench.tracking import Store
from rnnbench.training import drain, fit
from tests.experiment.composing import configured

TINY = "train=smoke task.length=8 task.validation_size=16 task.test_size=16 model.hidden=4"


def arrays(store, record, name="weights.npz"):
    with np.load(io.BytesIO(store.read_file(record, name)), allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def test_one_run_from_command_line_to_store(folder, rnnbench):
    code, out, err = rnnbench(f"run model=elman {TINY} seeds=2")
    assert (code, err) == (0, "")
    (line,) = out.splitlines()
    assert line.startswith("elman · adding T=8") and "solved 0 of 2" in line
    store = Store()
    first, second = store.runs("default")
    assert (first["seed"], second["seed"]) == (0, 1)
    assert first["key"] != second["key"]
    configuration = configured(f"model=elman {TINY} seeds=2")
    assert first["model_fields"] == {"hidden": 4, "activation": "tanh", "initial": "zero"}
    assert first["n_parameters"] == configuration.network.n_parameters
    assert first["receptive_field"] == "infinite" and first["causal"] is True
    assert [entry["update"] for entry in first["history"]] == [10, 20]
    assert set(first["timings"]) == {"compile", "data", "train", "evaluate", "tracking"}
    assert {
        "commit",
        "dirty",
        "numpy",
        "numba",
        "mlflow",
        "python",
        "processor",
        "threads",
        "numerics",
    } <= set(first["provenance"])
    assert {floor["name"] for floor in first["floors"]} >= {"best constant", "oracle"}
    assert sorted(p.name for p in folder.iterdir()) == ["runs"]


def test_what_is_stored_is_what_fit_trains(folder, rnnbench):
    rnnbench(f"run model=rnn {TINY} train.optimizer=sgd train.lr=0.1 train.clip_norm=0.5 init.bias=0.1")
    configuration = configured(f"model=rnn {TINY}")
    store = Store()
    (record,) = store.runs("default")
    result = drain(
        fit(
            configuration.network,
            configuration.task,
            updates=20,
            batch=8,
            evaluate_every=10,
            optimizer="sgd",
            lr=0.1,
            clip_norm=0.5,
            init={"bias": 0.1},
        )
    )
    stored = arrays(store, record)
    assert list(stored) == list(result.parameters)
    for name, values in result.parameters.items():
        np.testing.assert_array_equal(stored[name], values)
    assert record["scores"] == pytest.approx(result.scores)
    network = Network.from_dict(json.loads(store.read_file(record, "network.json")))
    assert network == configuration.network
    assert set(arrays(store, record, "predictions.npz")) == {"y", "target", "weight"}
    assert json.loads(store.read_file(record, "history.json")) == record["history"]


def test_threads_change_no_bit(folder, rnnbench):
    for name in ("one", "two"):
        threads = 1 + (name == "two")
        assert rnnbench(f"run model=rnn {TINY} seeds=3 train.threads={threads} study.name={name}")[0] == 0
    store = Store()
    for one, two in zip(store.runs("one"), store.runs("two"), strict=True):
        assert one["key"] == two["key"] and one["scores"] == two["scores"]
        for name, values in arrays(store, one).items():
            np.testing.assert_array_equal(values, arrays(store, two)[name])


def test_every_model_of_a_sweep_meets_the_same_floors(folder, rnnbench):
    assert rnnbench(f"run -m model=elman,tdnn {TINY}")[0] == 0
    elman, tdnn = Store().runs("default")
    assert elman["floors"] == tdnn["floors"] != []


def test_what_does_not_apply_is_said_and_stored(folder, rnnbench):
    line = "run -m model=brnn,elman task=sunspots,latch train=smoke seeds=1"
    code, out, _ = rnnbench(line)
    assert code == 0
    (said,) = [text for text in out.splitlines() if "not applicable" in text]
    assert said.startswith("brnn · sunspots  not applicable: ")
    assert len(out.splitlines()) == 4
    (stored,) = Store().skipped("default")
    assert (stored["model"], stored["task"]) == ("brnn", "sunspots") and stored["reason"] in said


def test_a_study_file_runs(folder, rnnbench):
    (folder / "experiments").mkdir()
    (folder / "experiments" / "mine.yaml").write_text(
        "study: {question: how small}\nmodel: {hidden: 4}\nseeds: 2\n"
        "train: {updates: 4, evaluate_every: 2, batch: 4}\n"
        "sweep: [{model: [elman, rnn], task.length: [8, 10]}, {model: tdnn, task: latch}]\n"
    )
    code, out, err = rnnbench("run experiment=mine")
    assert code == 0, err
    assert err == "mine: 5 configurations, 10 runs\n"
    assert len(out.splitlines()) == 5
    store = Store()
    runs = store.runs("mine")
    assert len(runs) == 10 and store.studies() == ["mine"]
    assert all(r["study_notes"] == {"question": "how small"} for r in runs)


def test_a_budget_is_said_and_stored(folder, rnnbench):
    code, out, _ = rnnbench(f"run model=rnn {TINY} budget.parameters=100".replace("model.hidden=4", ""))
    (record,) = Store().runs("default")
    assert code == 0
    assert (record["budget"], record["n_parameters"]) == (100, 97)
    assert record["budget_deviation"] == pytest.approx(-0.03)
    assert "(97 parameters, -3.0%)" in out


def test_diverged_is_an_outcome(folder, rnnbench):
    code, out, err = rnnbench(
        f"run model=rnn {TINY} train.optimizer=sgd train.lr=1e30 model.activation=linear"
    )
    assert (code, err) == (0, "")
    assert "1 diverged" in out
    (record,) = Store().runs("default")
    assert record["outcome"] == "diverged"


def test_an_unexpected_exception_keeps_its_traceback(folder, rnnbench, monkeypatch):
    draw = Adding.test

    def broken(self, rng):
        if rng.random() < 2 and self.length == 9:
            raise RuntimeError("this task is broken")
        return draw(self, rng)

    monkeypatch.setattr(Adding, "test", broken)
    line = f"run -m model=elman {TINY} task.length=8,9 seeds=2".replace("task.length=8 ", "")
    code, out, err = rnnbench(line)
    assert code == 1
    assert "Traceback" in err and "RuntimeError: this task is broken" in err
    assert err.rstrip().endswith("rnnbench: 2 of 4 runs failed")
    good, bad = out.splitlines()
    assert "(2 failed)" in bad and "failed" not in good
    store = Store()
    assert [r["task_fields"]["length"] for r in store.runs("default")] == [8, 8]
    client = store._connect()
    experiment = client.get_experiment_by_name("default").experiment_id
    failed = client.search_runs([experiment], "attributes.status = 'FAILED'")
    assert len(failed) == 2
    text = store.read_file({"run_id": failed[0].info.run_id, "study": "default"}, "traceback.txt")
    assert b"RuntimeError: this task is broken" in text


def test_ctrl_c_ends_with_130_and_keeps_what_is_finished(folder, rnnbench, monkeypatch):
    train, calls = job.train_seeds, []

    def interrupted(configuration, progress):
        calls.append(configuration.name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return train(configuration, progress)

    monkeypatch.setattr(job, "train_seeds", interrupted)
    code, out, err = rnnbench(f"run -m model=elman,rnn {TINY}")
    assert code == 130 and len(out.splitlines()) == 1 and err.endswith("rnnbench: interrupted\n")
    assert [r["model"] for r in Store().runs("default")] == ["elman"]


def test_nothing_is_written_by_printing_a_configuration(empty, rnnbench):
    code, out, _ = rnnbench("run --cfg model=jordan model.mu=0.25")
    assert code == 0
    assert "mu: 0.25" in out and "length: 50" in out
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize("flag", ["--cfg job", "--cfg=job"])
def test_the_configuration_in_hydras_spelling(flag, empty, rnnbench):
    assert rnnbench(f"run {flag} model=jordan") == rnnbench("run --cfg model=jordan")


def test_help_names_every_group_and_key(rnnbench):
    code, out, _ = rnnbench("run --help")
    assert code == 0
    for text in ("model=brnn|elman", "experiment=demo", "train.updates=1000", "train.momentum", "seeds=1"):
        assert text in out


def test_summaries():
    line = job.Summary("elman · adding T=50", -math.inf, 3, 0, 2, 1, 1.25).line(24)
    assert line == "elman · adding T=50       score       -  solved 0 of 3     1.2 s  (2 diverged, 1 failed)"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_bars_only_on_a_terminal(monkeypatch):
    record = {"update": 10, "train_loss": 0.125, "validation_score": 0.5}
    shown = {}
    for stream in (Terminal(), io.StringIO()):
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "100")
        monkeypatch.setattr("sys.stderr", stream)
        with Progress(2) as progress:
            progress.begin("elman · adding T=50", (0, 3), 20)
            progress.show(3, record)
            if stream.isatty():
                progress._bars.refresh()
            progress.end(1)
        shown[stream.isatty()] = stream.getvalue()
    assert shown[False] == ""
    assert "elman · adding T=50 · seed 3" in shown[True]
    assert "loss 0.125" in shown[True] and "score  0.500" in shown[True]
