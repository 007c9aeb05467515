"""What is written is read back; what is half-done, failed or superseded is not."""

import json
import math
import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from rnnbench.tracking import Store, StoreError, writer, writing
from tests.tracking.records import DIVERGED, FILES, record


def journal_mode(database):
    connection = sqlite3.connect(database)
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    connection.close()
    return mode


def files_in(root):
    return sorted({p.name for p in root.iterdir()} - {"mlflow.db-wal", "mlflow.db-shm"})


def test_round_trip(store):
    written = record()
    run_id = store.write(written, FILES)
    (read,) = store.runs("demo")
    assert read.pop("run_id") == run_id
    tracking = read["timings"].pop("tracking")
    assert 0 < tracking < 30
    assert read == written
    assert store.read_file({"run_id": run_id, "study": "demo"}, "config.yaml") == b"model: elman\n"
    assert store.studies() == ["demo"]


def test_everything_lies_below_the_root(store, root, tmp_path):
    store.write(record(), FILES)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["runs"]
    folder = root / "artifacts" / "demo" / "0123456789abcdef"
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]
    assert sorted(p.name for p in folder.iterdir()) == ["config.yaml", "history.json", "record.json"]


def test_the_folder_of_the_reader_does_not_matter(tmp_path, database, monkeypatch):
    (tmp_path / "here" / "runs").mkdir(parents=True)
    shutil.copy(database, tmp_path / "here" / "runs" / "mlflow.db")
    monkeypatch.chdir(tmp_path / "here")
    store = Store()
    monkeypatch.chdir(tmp_path)
    store.write(record(), FILES)
    assert [p.name for p in tmp_path.iterdir()] == ["here"]
    assert len(Store(root=tmp_path / "here" / "runs").runs("demo")) == 1


def test_a_moved_store_is_still_read(store, root, tmp_path):
    store.write(record(), FILES)
    shutil.move(root, tmp_path / "elsewhere")
    moved = Store(root=tmp_path / "elsewhere")
    (read,) = moved.runs("demo")
    assert moved.read_file(read, "config.yaml") == b"model: elman\n"


def test_newest_finished_run_of_each_key(store):
    store.write(record(key="a" * 16, updates=1), FILES)
    store.write(record(key="b" * 16), FILES)
    store.write(record(key="a" * 16, updates=2), FILES)
    store.write(record(key="c" * 16, outcome="failed"), {"traceback.txt": b"Traceback"})
    runs = store.runs("demo")
    assert {r["key"]: r["updates"] for r in runs} == {"a" * 16: 2, "b" * 16: 20}
    assert store.runs("another") == []


def test_a_run_that_never_ended_is_left_out(store):
    store.write(record(), FILES)
    client = store._connect()
    experiment = client.get_experiment_by_name("demo").experiment_id
    client.create_run(experiment, tags={"key": "d" * 16})
    assert [r["key"] for r in store.runs("demo")] == ["0123456789abcdef"]


def test_outcomes_and_statuses(store):
    states = {
        outcome: store._connect().get_run(store.write(record(key=outcome, outcome=outcome), {})).info.status
        for outcome in ("solved", "finished", "diverged", "failed")
    }
    assert states == dict.fromkeys(("solved", "finished", "diverged"), "FINISHED") | {"failed": "FAILED"}


def test_infinite_becomes_nan_and_null(store):
    run_id = store.write(record(**DIVERGED), FILES)
    run = store._connect().get_run(run_id)
    assert math.isnan(run.data.metrics["test_loss"]) and math.isnan(run.data.metrics["test_score"])
    assert run.data.tags["diverged"] == "true"
    assert store.runs("demo")[0]["scores"] == dict.fromkeys(DIVERGED["scores"])
    json.loads(
        store.read_file({"run_id": run_id, "study": "demo"}, "record.json"), parse_constant=pytest.fail
    )


def test_metrics_by_step_and_in_batches(store):
    entry = record()["history"][0]
    many = [entry | {"update": n + 1, "train_loss": float(n)} for n in range(400)]
    run_id = store.write(record(history=many), FILES)
    points = store._connect().get_metric_history(run_id, "train_loss")
    assert sorted((p.step, p.value) for p in points) == [(n + 1, float(n)) for n in range(400)]


def test_search_runs_from_another_process(store, root):
    run_id = store.write(record(), FILES)
    code = f"""
import json, mlflow
mlflow.set_tracking_uri("sqlite:///{root / "mlflow.db"}")
found = mlflow.search_runs(experiment_names=["demo"])
print(json.dumps([found.shape[0], found.iloc[0].to_dict()], default=str))
"""
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    count, row = json.loads(done.stdout)
    assert count == 1
    expected = {
        "run_id": run_id,
        "status": "FINISHED",
        "params.model": "elman",
        "params.task": "adding",
        "params.seed": "0",
        "params.model.hidden": "8",
        "params.task.length": "20",
        "params.train.lr": "0.001",
        "params.init.bias": "0.0",
        "params.receptive_field": "infinite",
        "metrics.test_score": 0.9,
        "metrics.best_validation_score": 0.95,
        "metrics.validation_score": 0.95,
        "metrics.floor.best constant.both.score": 0.0,
        "metrics.n_parameters": 105.0,
        "metrics.seconds.train": 0.3,
        "tags.key": "0123456789abcdef",
        "tags.outcome": "finished",
        "tags.task_label": "adding T=20",
        "tags.provenance.commit": "abc",
    }
    assert {name: row.get(name) for name in expected} == expected
    assert row["metrics.seconds.tracking"] > 0


def start(root, seed, barrier):
    barrier.wait()
    store = Store(root=root)
    store.open("demo")
    # A key of its own, and one that all write at the same time.
    for key in (f"{seed:016x}", "f" * 16):
        store.write(record(key=key, seed=seed), FILES)


@pytest.mark.slow
def test_eight_processes_start_at_once_on_an_empty_folder(tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(8)
    processes = [context.Process(target=start, args=(tmp_path / "runs", s, barrier)) for s in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(240)
    assert [p.exitcode for p in processes] == [0] * 8
    store = Store(root=tmp_path / "runs")
    keys = [*(f"{seed:016x}" for seed in range(8)), "f" * 16]
    assert sorted(r["key"] for r in store.runs("demo")) == keys
    client = store._connect()
    everything = client.search_runs([client.get_experiment_by_name("demo").experiment_id], run_view_type=3)
    assert [r.info.status for r in everything] == ["FINISHED"] * 16
    assert sum(r.info.lifecycle_stage == "active" for r in everything) == 9
    folders = {p.name for p in (tmp_path / "runs" / "artifacts" / "demo").iterdir()}
    assert folders == {*keys, "retired"}
    assert len(list((tmp_path / "runs" / "artifacts" / "demo" / "retired").iterdir())) == 7
    assert journal_mode(tmp_path / "runs" / "mlflow.db") == "wal"
    assert files_in(tmp_path / "runs") == [".lock", ".reserve", "artifacts", "mlflow.db"]


def test_a_database_half_made_by_a_kill_is_made_anew(tmp_path):
    root = tmp_path / "runs"
    root.mkdir()
    for name in (".mlflow.db.draft", ".mlflow.db.clean"):
        (root / name).write_bytes(b"SQLite format 3\0 and then nothing")
    Store(root=root).open("demo")
    assert Store(root=root).studies() == ["demo"]
    assert files_in(root) == [".lock", ".reserve", "mlflow.db"]


def test_a_deleted_study_is_restored(store):
    store.write(record(), FILES)
    client = store._connect()
    client.delete_experiment(client.get_experiment_by_name("demo").experiment_id)
    again = Store(root=store.root)
    again.write(record(key="b" * 16), FILES)
    assert client.get_experiment_by_name("demo").lifecycle_stage == "active"


def test_what_does_not_apply(store):
    first = {"model": "brnn", "task": "sunspots", "task_label": "sunspots", "reason": "it reads the future"}
    assert store.skipped("demo") == []
    store.write_skipped("demo", [first])
    store.write_skipped("demo", [first | {"reason": "new"}, first | {"model": "narx"}])
    assert [(s["model"], s["reason"]) for s in store.skipped("demo")] == [
        ("brnn", "new"),
        ("narx", "it reads the future"),
    ]


def test_nothing_is_made_by_reading(tmp_path):
    store = Store(root=tmp_path / "runs")
    assert (store.studies(), store.runs("demo"), store.skipped("demo")) == ([], [], [])
    assert not store.exists
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["100% own", "why?"])
def test_folders_in_which_mlflow_finds_no_database(name, tmp_path):
    with pytest.raises(StoreError, match="MLflow finds no database below a folder with"):
        Store(root=tmp_path / name / "runs")
    assert not Store("http://127.0.0.1:1", tmp_path / name / "runs").local


@pytest.mark.parametrize("uri", ["mlruns", "file:./mlruns", "ftp://host", ""])
def test_addresses_that_are_no_store(uri, tmp_path):
    with pytest.raises(StoreError, match=r"tracking\.uri=.*must be null or an address"):
        Store(uri, tmp_path / "runs")


def test_a_server_that_does_not_answer(tmp_path):
    store = Store("http://127.0.0.1:9", tmp_path / "runs")
    with pytest.raises(StoreError, match="no MLflow server answers"):
        store.open("demo")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there(store):
    run_id = store.write(record(), FILES)
    with pytest.raises(StoreError, match=r"has no file weights\.npz"):
        store.read_file({"run_id": run_id, "study": "demo"}, "weights.npz")


def test_a_database_that_is_none(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "mlflow.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(root=tmp_path / "runs").open("demo")


@pytest.mark.parametrize("ago", [3600.0, -2 * 86400.0, 0.0])
def test_runs_of_a_killed_writer_elsewhere_are_ended(store, monkeypatch, ago):
    """A run whose training took hours, but whose writing began just now, is left alone."""
    monkeypatch.setattr(writing, "store_files", lambda *_: 1 / 0)
    monkeypatch.setattr(writing, "this_writer", lambda: "elsewhere; process 1 2")
    now = time.time() - ago
    with monkeypatch.context() as clock, pytest.raises(ZeroDivisionError):
        clock.setattr("rnnbench.tracking.writing.time.time", lambda: now)
        store.write(record(timings={"train": 7200.0}), FILES)
    again = Store(root=store.root)
    again.open("demo")
    client = again._connect()
    (found,) = client.search_runs([client.get_experiment_by_name("demo").experiment_id])
    assert found.info.status == ("RUNNING" if ago == 0.0 else "KILLED")
    assert again.runs("demo") == []


DYING = """
import os, signal, sys
from rnnbench.tracking import Store, writing
from tests.tracking.records import FILES, record
writing.store_files = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
Store(root=sys.argv[1]).write(record(), FILES)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_a_run_of_a_writer_killed_on_this_machine_is_ended_at_once(store):
    store.open("demo")
    repo = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", DYING, store.root], cwd=repo, timeout=120)
    assert done.returncode == -signal.SIGKILL
    again = Store(root=store.root)
    client = again._connect()
    experiment = client.get_experiment_by_name("demo").experiment_id
    assert [run.info.status for run in client.search_runs([experiment])] == ["RUNNING"]
    again.open("demo")
    assert [run.info.status for run in client.search_runs([experiment])] == ["KILLED"]
    again.write(record(), FILES)
    assert [run.info.status for run in client.search_runs([experiment])] == ["FINISHED"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_a_run_that_takes_long_to_write_is_left_alone_while_its_writer_lives(store, monkeypatch):
    monkeypatch.setattr(writing, "ABANDONED", -1.0)
    seen = []

    def look(*_):
        again = Store(root=store.root)
        again.open("demo")
        client = again._connect()
        (found,) = client.search_runs([client.get_experiment_by_name("demo").experiment_id])
        seen.append(found.info.status)

    with monkeypatch.context() as files:
        files.setattr(writing, "store_files", look)
        store.write(record(), FILES)
    assert set(seen) == {"RUNNING"} and list(store.states("demo")) == [record()["key"]]


def test_a_run_that_ends_while_another_process_looks_for_abandoned_ones(store, monkeypatch):
    """It was listed as unfinished, and when its turn comes its writer has ended it and is gone."""
    monkeypatch.setattr(writing, "this_writer", lambda: "elsewhere; process 1 2")
    monkeypatch.setattr(writing, "ABANDONED", -1.0)
    again = Store(root=store.root)
    search, listed = again._connection.search, []

    def slowly(*arguments, **keywords):
        listed.extend(search(*arguments, **keywords))
        ending()
        return iter(listed)

    settle = writing.settle

    def late(*arguments):
        nonlocal ending
        ending = partial(settle, *arguments)
        again.open("demo")

    ending = None
    monkeypatch.setattr(writing, "settle", late)
    monkeypatch.setattr(again._connection, "search", slowly)
    store.write(record(), FILES)
    assert [run.info.status for run in listed] == ["RUNNING"]
    assert [r["key"] for r in Store(root=store.root).runs("demo")] == [record()["key"]]


def test_writers_of_which_nobody_knows(monkeypatch):
    mine = writer.this_writer()
    assert writer.is_there(mine) is True
    assert writer.is_there("") is None and writer.is_there("elsewhere; process 1 2") is None
    assert (
        not writer.is_gone(mine) and not writer.is_gone("") and not writer.is_gone("elsewhere; process 1 2")
    )
    machine, _, process = mine.rpartition("; process ")
    assert writer.is_gone(f"{machine}; process {process.split()[0]} 0"), "a process of the same number"
    monkeypatch.setattr(writer, "_began", lambda process: writer.UNKNOWN)
    assert not writer.is_gone(mine) and writer.is_there(mine) is None


def test_the_record_of_one_run(store):
    """Found by MLflow's name of it, failed or not."""
    done = store.write(record(key="ab12", study="one"), {})
    failed = store.write(record(key="ab12", study="two", outcome="failed"), {})
    (whole,) = store.runs("one")
    assert store.record("one", done) == whole
    assert {k: store.record("two", failed)[k] for k in ("run_id", "study", "outcome")} == {
        "run_id": failed, "study": "two", "outcome": "failed",
    }  # fmt: skip


def test_a_damaged_record_is_told_of(store):
    run_id = store.write(record(key="ab12", study="one"), {})
    (place,) = store.root.rglob("record.json")
    place.write_text("{")
    with pytest.raises(StoreError, match=f"run {run_id} of study one: record.json is damaged"):
        store.record("one", run_id)
