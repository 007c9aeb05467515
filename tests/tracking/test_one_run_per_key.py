"""Of each key one run stays; the others can be had back, and no kill in between loses one."""

import math
import shutil
import subprocess
import sys
import threading
import time

import pytest
from mlflow.entities import ViewType

from rnnbench.tracking import Store, StoreError, artifacts, retirement, writing
from tests.tracking.records import FILES, record

KEY = "a" * 16


def all_runs(store, view=ViewType.ACTIVE_ONLY, study="demo"):
    client = store._connect()
    experiment = client.get_experiment_by_name(study)
    return client.search_runs([experiment.experiment_id], run_view_type=view)


def written(store, updates, **changes):
    return store.write(record(key=KEY, updates=updates, **changes), {"config.yaml": f"{updates}".encode()})


def config_of(store):
    (read,) = store.runs("demo")
    return read["updates"], store.read_file(read, "config.yaml")


def retired(store):
    folder = store.root / "artifacts" / "demo" / "retired"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_new_run_retires_the_older(store):
    first, second = written(store, 1), written(store, 2)
    assert [run.info.run_id for run in all_runs(store)] == [second]
    assert config_of(store) == (2, b"2")
    assert retired(store) == [first]
    assert store.read_file({"run_id": first, "study": "demo"}, "config.yaml") == b"1"


def test_a_run_that_is_moved_while_it_is_read(store, monkeypatch):
    first, candidates = written(store, 1), artifacts.Folders.candidates

    def just_too_late(folders, *given):
        monkeypatch.setattr(artifacts.Folders, "candidates", candidates)
        store.remove("demo", [KEY])
        return candidates(folders, *given)

    monkeypatch.setattr(artifacts.Folders, "candidates", just_too_late)
    assert store.read_file({"run_id": first, "study": "demo"}, "config.yaml") == b"1"


def test_what_is_added_to_a_run_that_is_replaced_stays_with_it(store, monkeypatch):
    written(store, 1)
    (old,) = store.runs("demo")
    other, log = threading.Thread(target=written, args=(Store(root=store.root), 2)), writing._log

    def meanwhile_replaced(*given):
        log(*given)
        if not other.is_alive():
            monkeypatch.setattr(writing, "_log", log)
            other.start()
            other.join(1.0)

    monkeypatch.setattr(writing, "_log", meanwhile_replaced)
    store.amend(old["run_id"], old, {"more.txt": b"of the old"})
    other.join()
    (new,) = store.runs("demo")
    assert new["updates"] == 2
    with pytest.raises(StoreError, match=r"has no file more\.txt"):
        store.read_file(new, "more.txt")


def test_other_keys_and_other_studies_are_left_alone(store):
    for key, study in (("a" * 16, "demo"), ("b" * 16, "demo"), ("a" * 16, "other")):
        store.write(record(key=key, study=study), FILES)
    assert len(all_runs(store)) == 2 and len(all_runs(store, study="other")) == 1


def test_a_run_of_a_clock_set_back_is_still_the_newer(store, monkeypatch):
    written(store, 1)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 7200.0)
    written(store, 2)
    assert config_of(store) == (2, b"2")


def test_a_failure_does_not_drive_out_a_result_but_another_failure(store):
    written(store, 1)
    failed = written(store, 2, outcome="failed")
    assert config_of(store) == (1, b"1")
    assert store.states("demo")[KEY].status == "finished"
    assert retired(store) == [failed]
    other = "b" * 16
    for updates in (1, 2):
        store.write(record(key=other, outcome="failed", updates=updates), {})
    assert store.states("demo")[other].updates == 2
    store.write(record(key=other, updates=3), {})
    assert store.states("demo")[other].status == "finished"
    assert len(all_runs(store)) == 2


def test_removed_runs_can_be_had_back(store):
    written(store, 1)
    newest = written(store, 2)
    assert store.remove("demo", [KEY, "f" * 16]) == 1
    assert (store.runs("demo"), store.states("demo"), len(all_runs(store))) == ([], {}, 0)
    assert len(all_runs(store, ViewType.DELETED_ONLY)) == 2
    assert store.restore("demo", [KEY, "f" * 16]) == 1
    assert config_of(store) == (2, b"2")
    assert [run.info.run_id for run in all_runs(store)] == [newest]
    assert store.restore("demo", [KEY]) == 0
    assert (store.remove("nowhere", [KEY]), store.restore("nowhere", [KEY])) == (0, 0)
    assert store.studies() == ["demo"]


def test_what_was_removed_does_not_come_back_with_a_new_run(store):
    written(store, 1)
    store.remove("demo", [KEY])
    written(store, 2)
    assert config_of(store) == (2, b"2")
    assert store.restore("demo", [KEY]) == 0


def test_files_removed_by_hand_do_not_disturb_the_next_run(store):
    written(store, 1)
    shutil.rmtree(store.root / "artifacts" / "demo" / KEY)
    for updates in (2, 3):
        written(store, updates)
        assert config_of(store) == (updates, f"{updates}".encode())
        shutil.rmtree(store.root / "artifacts" / "demo" / "retired", ignore_errors=True)


def test_mlflow_finds_the_files_where_they_were_moved(store, root, tmp_path):
    first, second = written(store, 1), written(store, 2)
    code = f"""
import mlflow, pathlib
client = mlflow.MlflowClient("sqlite:///{root / "mlflow.db"}")
for run in ("{first}", "{second}"):
    print(sorted(f.path for f in client.list_artifacts(run)))
    print(pathlib.Path(client.download_artifacts(run, "config.yaml")).read_text())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    names = "['config.yaml', 'record.json']"
    assert done.stdout.splitlines() == [names, "1", names, "2"], done.stderr


def test_runs_of_older_versions_lie_where_mlflow_put_them(store, root):
    run_id = written(store, 1)
    study = root / "artifacts" / "demo"
    (study / run_id).mkdir()
    (study / KEY).rename(study / run_id / "artifacts")
    retirement.database.place(root / "mlflow.db", {run_id: study / run_id / "artifacts"})
    assert config_of(store) == (1, b"1")
    written(store, 2)
    assert config_of(store) == (2, b"2") and retired(store) == [run_id]
    assert sorted(p.name for p in study.iterdir()) == [KEY, "retired"]
    assert store.read_file({"run_id": run_id, "study": "demo"}, "config.yaml") == b"1"


def test_a_moved_store_is_written_where_it_is_now(store, root, tmp_path):
    written(store, 1)
    root.rename(tmp_path / "elsewhere")
    moved = Store(root=tmp_path / "elsewhere")
    assert config_of(moved) == (1, b"1")
    written(moved, 2)
    assert config_of(moved) == (2, b"2")
    assert not root.exists()
    assert all(str(tmp_path / "elsewhere") in r.info.artifact_uri for r in all_runs(moved, ViewType.ALL))


class Killed(BaseException):
    """What stands for the end of the process: nothing of ours catches it."""


@pytest.mark.parametrize("step", range(6))
def test_a_kill_at_any_step_of_the_exchange_loses_nothing(store, monkeypatch, step):
    """The steps: two changes of address and two moves, the status, the deletion of the older run."""
    client = store._connect()
    written(store, 1)
    count = 0

    def counted(function):
        def called(*arguments, **keywords):
            nonlocal count
            count += 1
            if count > step:
                raise Killed
            return function(*arguments, **keywords)

        return called

    with monkeypatch.context() as dying, pytest.raises(Killed):
        dying.setattr("rnnbench.tracking.writing.this_writer", lambda: "elsewhere; process 1 2")
        dying.setattr(retirement.database, "place", counted(retirement.database.place))
        dying.setattr(artifacts.os, "replace", counted_moves(counted, artifacts.os.replace))
        dying.setattr(type(client), "set_terminated", counted(type(client).set_terminated))
        dying.setattr(type(client), "delete_run", counted(type(client).delete_run))
        written(store, 2)
    expected = (1, b"1") if step < 5 else (2, b"2")
    assert config_of(Store(root=store.root)) == expected
    monkeypatch.setattr("rnnbench.tracking.writing.ABANDONED", -math.inf)
    again = Store(root=store.root)
    again.open("demo")
    assert config_of(again) == expected
    assert [run.info.status for run in all_runs(again)] == ["FINISHED"]
    written(again, 3)
    assert config_of(again) == (3, b"3")
    assert len(all_runs(again)) == 1
    for run in all_runs(again, ViewType.DELETED_ONLY):
        text = again.read_file({"run_id": run.info.run_id, "study": "demo"}, "config.yaml")
        assert text.decode() == str(int(run.data.metrics["updates"]))


def counted_moves(counted, replace):
    """Count moves of folders only: those of files are not part of the exchange."""
    stepping = counted(replace)
    return lambda start, end: stepping(start, end) if start.is_dir() else replace(start, end)
