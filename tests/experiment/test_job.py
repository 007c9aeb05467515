"""Small runs through the command line, and what is in the store afterwards."""

import gc
import io
import json
import math
import os
import signal
import threading
import time
import weakref
from dataclasses import replace

import numpy as np
import pytest
from omegaconf import OmegaConf

from rnnbench import Network
from rnnbench.experiment.command import carry_out
from rnnbench.experiment.execution import Executed
from rnnbench.experiment.job import Runner
from rnnbench.experiment.launchers import local
from rnnbench.experiment.progress import Progress
from rnnbench.experiment.record import finished_run
from rnnbench.experiment.summary import Summary
from rnnbench.tasks.adding import Adding
from rnnbench.tracking import Claims, Store, StoreError
from rnnbench.training import drain, fit, fit_seeds
from tests.experiment.composing import configured, planned

TINY = "train=smoke task.length=8 task.validation_size=16 task.test_size=16 model.hidden=4"


def by_seed(study="default"):
    """Return the runs of a study; seeds are stored in the order in which they end."""
    return sorted(Store().runs(study), key=lambda run: run["seed"])


def arrays(store, record, name="weights.npz"):
    with np.load(io.BytesIO(store.read_file(record, name)), allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def test_one_run_from_command_line_to_store(folder, rnnbench):
    code, out, err = rnnbench(f"run model=elman {TINY} seeds=2")
    assert (code, err) == (0, "")
    (line,) = out.splitlines()
    assert line.startswith("elman · adding T=8") and "solved 0 of 2" in line
    first, second = by_seed()
    assert (first["seed"], second["seed"]) == (0, 1)
    assert first["key"] != second["key"]
    configuration = configured(f"model=elman {TINY} seeds=2")
    assert first["model_fields"] == {
        "hidden": 4,
        "activation": "tanh",
        "initial": "zero",
        "gradient": "blocked",
        "embedding": 0,
    }
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
    plain = OmegaConf.to_container(OmegaConf.create(store.read_file(record, "config.yaml").decode()))
    assert plain["seeds"] == [0] and plain["train"]["lr"] == 0.1 and plain["model"]["name"] == "rnn"
    network = Network.from_dict(json.loads(store.read_file(record, "network.json")))
    assert network == configuration.network
    assert set(arrays(store, record, "predictions.npz")) == {"y", "target", "weight"}
    assert json.loads(store.read_file(record, "history.json")) == record["history"]


def test_threads_change_no_bit(folder, rnnbench):
    for name in ("one", "two"):
        threads = 1 + (name == "two")
        assert rnnbench(f"run model=rnn {TINY} seeds=3 train.threads={threads} study.name={name}")[0] == 0
    store = Store()
    for one, two in zip(by_seed("one"), by_seed("two"), strict=True):
        assert one["key"] == two["key"] and one["scores"] == two["scores"]
        for name, values in arrays(store, one).items():
            np.testing.assert_array_equal(values, arrays(store, two)[name])


def test_every_model_of_a_sweep_meets_the_same_floors(folder, rnnbench):
    assert rnnbench(f"run -m model=elman,tdnn {TINY}")[0] == 0
    elman, tdnn = sorted(Store().runs("default"), key=lambda run: run["model"])
    assert elman["floors"] == tdnn["floors"] != []


def test_a_task_of_unknown_alignment_is_run_stored_and_reported(folder, rnnbench):
    line = (
        "run -m model=rnn,brnn task=spoken task.test_size=20 seeds=2 train.updates=20 train.evaluate_every=10"
    )
    code, out, err = rnnbench(line)
    assert code == 0 and out.count("spoken 2-5 of 4") == 2 and err == "default: 2 configurations, 4 runs\n"
    store = Store()
    records = store.runs("default")
    assert all(np.isfinite(record["scores"]["test_loss"]) for record in records)
    kept = arrays(store, records[0], "predictions.npz")
    assert kept["y"].shape == (32, 4, 5) and kept["target"].shape == (5, 4) and kept["weight"].shape == (4,)
    assert rnnbench("report default")[0] == 0
    assert "single steps" in (folder / "reports" / "default" / "index.md").read_text(encoding="utf-8")
    assert not (folder / "reports" / "default" / "predictions_spoken.png").exists()


def test_a_stream_is_run_with_the_state_carried(folder, rnnbench):
    line = "run model=rnn task=flipflop train.updates=20 train.evaluate_every=10"
    assert rnnbench(f"{line} train.carry_state=true")[0] == 0
    assert rnnbench(line)[0] == 0
    one, two = Store().runs("default")
    assert one["key"] != two["key"] and one["scores"] != two["scores"]
    assert [r["train_fields"]["carry_state"] for r in (one, two)] == [True, False]


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
    code, out, err = rnnbench(f"run model=rnn {TINY} budget.parameters=100".replace("model.hidden=4", ""))
    (record,) = Store().runs("default")
    assert (code, err) == (0, "")
    assert (record["budget"], record["budget_of"], record["n_parameters"]) == (100, "parameters", 97)
    assert record["budget_deviation"] == pytest.approx(-0.03)
    assert record["budget_allowed"] == pytest.approx((118 - 97) / 200)
    assert record["tuning"] is None
    assert "(97 parameters, -3.0%)" in out


def test_a_budget_of_multiply_adds_is_said_and_stored(folder, rnnbench):
    code, out, err = rnnbench(f"run model=rnn {TINY} budget.macs=100".replace("model.hidden=4", ""))
    (record,) = Store().runs("default")
    assert (code, err) == (0, "")
    assert (record["budget"], record["budget_of"], record["macs_per_step"]) == (100, "macs_per_step", 108)
    assert record["budget_deviation"] == pytest.approx(0.08)
    assert "(108 multiply-adds a step, +8.0%)" in out


def test_a_width_beyond_what_is_allowed_is_warned_of_once(folder, rnnbench):
    line = f"run model=rnn model.embedding=20 {TINY} budget.parameters=50 seeds=2"
    code, _, err = rnnbench(line.replace("model.hidden=4", ""))
    assert code == 0 and err.count("budget.parameters") == 1
    assert "parameters at the nearest width are +" in err and "are allowed" in err
    for record in Store().runs("default"):
        assert record["budget_deviation"] > record["budget_allowed"]


def test_a_network_is_let_go_when_its_runs_are_stored(folder):
    plan = planned(f"model=rnn,elman {TINY}")
    before = [c.network for c in plan.configurations]
    assert carry_out(plan) == 0
    assert not any("network" in vars(c) for c in plan.configurations)
    for c, network in zip(plan.configurations, before, strict=True):
        assert c.network is not network and c.network.to_dict() == network.to_dict()


def test_how_a_configuration_was_tuned_stands_in_its_records(folder):
    account = {"study": "default.tuning", "chosen": {"train.lr": 0.01}}
    configuration = replace(configured(f"model=rnn {TINY}"), tuning=account)
    (result,) = fit_seeds(configuration.network, configuration.task, [0], **configuration.fit_keywords)
    record, _ = finished_run(configuration, Executed(result, None), [], threads=1)
    assert record["tuning"] == account


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


# The signal may cut an import of a library short, whose open file is then noticed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_ends_with_130_and_keeps_what_is_finished(folder, rnnbench, monkeypatch):
    begin = Progress.begin

    def interrupted(self, number, name, seed, updates):
        begin(self, number, name, seed, updates)
        if (number, seed) == (1, 2):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    monkeypatch.setattr(Progress, "begin", interrupted)
    code, out, err = rnnbench(f"run -m model=elman,rnn {TINY} seeds=9 train.threads=1")
    assert code == 130 and len(out.splitlines()) <= 1 and err.endswith("rnnbench: interrupted\n")
    runs = [(r["model"], r["seed"]) for r in Store().runs("default")]
    kept = [*(("elman", seed) for seed in range(9)), ("rnn", 0), ("rnn", 1)]
    # A seed or two may reach their end before the signal reaches the waiting thread.
    assert runs[: len(kept)] == kept and len(runs) < 18


def test_ctrl_c_while_a_run_is_stored_loses_no_other(folder, rnnbench, monkeypatch):
    write, calls = Store.write, []

    def interrupted(self, record, files):
        calls.append(record["seed"])
        if len(calls) == 2:
            raise KeyboardInterrupt
        return write(self, record, files)

    monkeypatch.setattr(Store, "write", interrupted)
    code, out, _ = rnnbench(f"run model=elman {TINY} seeds=3")
    assert (code, out) == (130, "")
    assert [r["seed"] for r in by_seed()] == [0, 1, 2]


def test_an_interruption_in_a_training_thread_ends_the_command(folder, rnnbench, monkeypatch):
    def interrupted(self, number, seed, record):
        raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "show", interrupted)
    assert rnnbench(f"run -m model=elman,rnn {TINY} seeds=3")[0] == 130
    assert Store().runs("default") == []


def test_a_store_that_fails_is_an_error(folder, rnnbench, monkeypatch):
    def broken(self, record, files):
        raise StoreError("no room left")

    monkeypatch.setattr(Store, "write", broken)
    code, _, err = rnnbench(f"run -m model=elman,rnn {TINY} seeds=2")
    assert code == 1 and "no room left" in err


def test_configurations_are_told_in_order_whichever_ends_first(folder, rnnbench):
    code, out, _ = rnnbench(f"run -m model=elman,rnn,tdnn {TINY} seeds=3 train.threads=2")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["elman", "rnn", "tdnn"]
    keys = sorted((r["model"], r["seed"]) for r in Store().runs("default"))
    assert keys == [(model, seed) for model in ("elman", "rnn", "tdnn") for seed in range(3)]


def test_a_finished_seed_is_stored_while_another_one_trains(folder, rnnbench, monkeypatch):
    train, stored = local.execute, []

    def waits(configuration, seed, **given):
        end = time.monotonic() + 20
        while seed == 0 and not stored and time.monotonic() < end:
            stored.extend(r["seed"] for r in Store().runs("default"))
            time.sleep(0.1)
        return train(configuration, seed, **given)

    monkeypatch.setattr(local, "execute", waits)
    assert rnnbench(f"run model=elman {TINY} seeds=2 train.threads=2")[0] == 0
    assert stored == [1] and len(Store().runs("default")) == 2


def test_what_is_finished_is_stored_when_the_sweep_itself_fails(folder, rnnbench, monkeypatch):
    take, taken = Claims.take, []

    def failing(self, key):
        taken.append(key)
        if len(taken) == 4:
            time.sleep(1)
            raise StoreError("the run cannot be claimed")
        return take(self, key)

    monkeypatch.setattr(Claims, "take", failing)
    code, _, err = rnnbench(f"run -m model=elman,rnn {TINY} seeds=2 train.threads=4")
    assert code == 1 and "cannot be claimed" in err
    assert [r["model"] for r in Store().runs("default")] == ["elman", "elman"]


def test_a_run_that_fails_behind_its_training_is_counted(folder, rnnbench, monkeypatch):
    def broken(self, rng):
        raise RuntimeError("the floors are broken")

    monkeypatch.setattr(Adding, "floors", broken)
    code, _, err = rnnbench(f"run model=elman {TINY} seeds=2")
    assert code == 1 and err.rstrip().endswith("rnnbench: 2 of 2 runs failed")


def test_runs_that_waited_and_were_stored_meanwhile_are_no_error(folder, rnnbench, monkeypatch):
    write, calls = Store.write, []

    def once(self, record, files):
        calls.append(record["seed"])
        if len(calls) == 1:
            raise StoreError("locked for a moment")
        return write(self, record, files)

    monkeypatch.setattr(Store, "write", once)
    code, _, err = rnnbench(f"run model=elman {TINY} seeds=3")
    assert code == 0 and "locked for a moment" in err and "rnnbench: 1 finished runs wait" not in err
    assert len(Store().runs("default")) == 3


def test_more_seeds_than_files_may_be_open(folder, rnnbench, monkeypatch):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    open_now = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_now + 100, before[1]))
    try:
        assert rnnbench(f"run model=elman {TINY} seeds=120".replace("train=smoke", "train.updates=1"))[0] == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_bars_that_end_are_those_of_the_job(folder, rnnbench, monkeypatch):
    rnnbench(f"run -m model=elman,rnn {TINY}")
    ended, sizes, end, make = [], [], Progress.end, Progress.__init__

    def noted(self, job, done):
        ended.append((job, done))
        end(self, job, done)

    monkeypatch.setattr(Progress, "end", noted)
    monkeypatch.setattr(Progress, "__init__", lambda self, n: (sizes.append(n), make(self, n))[1])
    assert rnnbench(f"run -m model=elman,rnn,tdnn {TINY}")[0] == 0
    assert (ended, sizes) == ([(2, 1)], [1])


def test_the_next_configuration_trains_while_a_seed_is_left(folder, rnnbench, monkeypatch):
    train, both = local.execute, threading.Barrier(2, timeout=20)

    def meet(configuration, seed, **given):
        if (configuration.model_name, seed) in {("elman", 2), ("rnn", 0)}:
            both.wait()
        return train(configuration, seed, **given)

    monkeypatch.setattr(local, "execute", meet)
    code, _, err = rnnbench(f"run -m model=elman,rnn {TINY} seeds=3 train.threads=2")
    assert code == 0 and not both.broken, err


def test_a_record_tells_what_its_thread_was_busy_with(folder, rnnbench):
    rnnbench(f"run model=rnn {TINY.replace('train=smoke', 'train.updates=50')}")
    (record,) = Store().runs("default")
    busy, sweep = record["busy"], record["sweep"]
    assert list(busy) == ["span", "processor", "updates", "evaluations", "data", "run"]
    assert 0 < busy["updates"] + busy["evaluations"] + busy["data"] < 1.05 * busy["processor"]
    assert 0 < busy["span"] < busy["run"] < sweep["seconds"]
    assert sweep["processors"] >= 1 and sweep["began"] > 0


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
    for text in ("model=brnn|custom", "experiment=demo", "train.updates=1000", "train.momentum", "seeds=1"):
        assert text in out


def test_summaries():
    line = Summary("elman · adding T=50", -math.inf, 3, 0, 2, 1, 1.25).line(24)
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
            progress.begin(0, "elman · adding T=50", 0, 20)
            progress.begin(0, "elman · adding T=50", 3, 20)
            progress.show(0, 3, record)
            if stream.isatty():
                progress._bars.refresh()
            progress.end(0, 1)
        shown[stream.isatty()] = stream.getvalue()
    assert shown[False] == ""
    assert "elman · adding T=50 · seed 3" in shown[True]
    assert "loss 0.125" in shown[True] and "score  0.500" in shown[True]


def test_without_any_stderr_there_is_no_progress_and_no_error(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    with Progress(2) as progress:
        progress.begin(0, "elman", 0, 10)
        progress.end(0, 1)


def test_what_is_stored_keeps_no_memory(folder, rnnbench, monkeypatch):
    """Not even until cycles are collected: a sweep of hundreds would hold gigabytes of data and buffers."""
    finish, networks, alive = Runner.finish, [], []

    def finished(self, job):
        alive.append(sum(network() is not None for network in networks))
        networks.append(weakref.ref(job.configuration.network))
        return finish(self, job)

    monkeypatch.setattr(Runner, "finish", finished)
    gc.disable()
    try:
        line = f"run -m model=elman,rnn {TINY} seeds=2 train.threads=1 train.lr=0.1,0.2,0.3"
        assert rnnbench(f"{line} evaluate.spans=[8,9]")[0] == 0
    finally:
        gc.enable()
    assert alive == [0] * 6
