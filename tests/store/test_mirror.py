"""MLflow holds what the folders hold, once, whatever happened to either."""

import json
import math
import shutil
import subprocess
import sys
import threading

import pytest

from rnnbench.store.mirror import Mirror
from rnnbench.store.mirror.ledger import FOLDER
from rnnbench.store.store import Store
from tests.store.committed import DIVERGED, KEY, commit, facts, history, record, train

OTHER = "fedcba9876543210"


def client_of(root):
    """A client of what is in the file now: MLflow keeps a file open by the spelling of its address."""
    from mlflow import MlflowClient

    client_of.times = getattr(client_of, "times", 0) + 1
    return MlflowClient(f"sqlite:///{root}/{'./' * client_of.times}mlflow.db")


def rows(root, study="demo"):
    client = client_of(root)
    experiment = client.get_experiment_by_name(study)
    return [] if experiment is None else list(client.search_runs([experiment.experiment_id]))


def curve(root, run, name):
    return [(point.step, point.value) for point in client_of(root).get_metric_history(run.info.run_id, name)]


def files(run):
    from pathlib import Path
    from urllib.parse import urlsplit

    return {path.name: path for path in Path(urlsplit(run.info.artifact_uri).path).iterdir()}


def ledger_of(root):
    (found,) = (root / FOLDER).glob("demo.*.json")
    return found


def sync(root, **options):
    return Mirror(Store(root), **options).sync()


def sync_afresh(root):
    """Sync in a process of its own: MLflow keeps an open file that was replaced. Returns what it said."""
    command = [sys.executable, "-m", "rnnbench", "sync"]
    done = subprocess.run(command, cwd=root.parent, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_a_run_is_there_once_with_what_the_record_says(root):
    made = commit(root, seed=3)
    mirror = Mirror(Store(root))
    assert mirror.sync()["written"] == 1
    assert mirror.sync()["written"] == sync(root)["written"] == 0
    (run,) = rows(root)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "elman · seed 3 · adding T=20"
    assert run.info.end_time == round(1000 * made["ended"])
    assert run.data.params["model.hidden"] == "8"
    assert run.data.params["n_parameters"] == "105"
    assert run.data.params["floor.best constant.both.score"] == "0.0"
    assert run.data.metrics["final/test_score"] == 0.9
    assert run.data.metrics["final/solved"] == 0.0
    assert "n_parameters" not in " ".join(run.data.metrics)
    assert run.data.tags["key"] == KEY
    assert run.data.tags["outcome"] == "finished"
    assert run.data.tags["diverged"] == "false"
    assert run.data.tags["provenance.commit"] == "abc"
    assert curve(root, run, "curves/validation_score") == [(10, 0.9), (20, 0.95)]


def test_points_of_a_curve_have_their_own_times(root):
    commit(root, history=history((10, 20)))
    sync(root)
    (run,) = rows(root)
    first, last = client_of(root).get_metric_history(run.info.run_id, "curves/train_loss")
    assert last.timestamp - first.timestamp == 100  # 0.1 s of training between them


def test_seeds_of_a_configuration_share_a_tag_that_others_do_not(root):
    commit(root, seed=0)
    commit(root, key=OTHER, seed=1)
    commit(root, key="a" * 16, seed=0, model_fields={"hidden": 16})
    sync(root)
    tags = {run.data.tags["key"]: run.data.tags["configuration"] for run in rows(root)}
    assert tags[KEY] == tags[OTHER] != tags["a" * 16]


def test_the_question_of_a_study_stands_above_its_runs(root):
    commit(root)
    Store(root).study("demo").note("Who remembers longest?", [])
    sync(root)
    experiment = client_of(root).get_experiment_by_name("demo")
    assert experiment.tags["mlflow.note.content"] == "Who remembers longest?"


def test_files_are_beside_the_run_without_weights(root):
    commit(root)
    sync(root)
    (run,) = rows(root)
    assert set(files(run)) == {"record.json", "config.yaml", "network.json", "history.csv"}
    assert files(run)["config.yaml"].read_bytes() == b"model: elman\n"


def test_weights_are_there_when_asked_for(root):
    commit(root)
    sync(root, weights=True)
    (run,) = rows(root)
    assert "weights.npz" in files(run)


def test_a_run_that_was_replaced_is_written_anew(root):
    commit(root)
    sync(root)
    commit(root, scores={"test_score": 0.5})
    assert sync(root)["written"] == 1
    (run,) = rows(root)
    assert run.data.metrics["final/test_score"] == 0.5


def test_a_run_that_was_removed_goes_and_comes_back(root):
    commit(root)
    commit(root, key=OTHER)
    sync(root)
    Store(root).study("demo").remove([KEY])
    assert sync(root)["removed"] == 1
    assert [run.data.tags["key"] for run in rows(root)] == [OTHER]
    Store(root).study("demo").restore()
    sync(root)
    assert len(rows(root)) == 2


def test_a_study_without_runs_left_is_emptied(root):
    commit(root)
    sync(root)
    shutil.rmtree(root / "demo")
    assert sync(root)["removed"] == 1
    assert rows(root) == []


def test_scores_that_were_added_come_along(root):
    made = commit(root)
    sync(root)
    spans = {"field": "length", "values": [40, 80], "scores": [0.8, 0.7], "losses": [0.2, None]}
    Store(root).study("demo").amend(KEY, made | {"generalisation": spans})
    sync(root)
    (run,) = rows(root)
    assert curve(root, run, "generalisation/score") == [(40, 0.8), (80, 0.7)]
    assert curve(root, run, "generalisation/loss") == [(40, 0.2)]
    assert json.loads(files(run)["record.json"].read_bytes())["generalisation"] == spans
    assert run.data.params["generalisation.field"] == "length"


def test_the_ledger_may_be_deleted(root):
    commit(root)
    commit(root, key=OTHER)
    sync(root)
    ledger_of(root).unlink()
    Store(root).study("demo").remove([OTHER])
    commit(root, key="a" * 16)
    sync(root)
    assert sorted(run.data.tags["key"] for run in rows(root)) == [KEY, "a" * 16]


@pytest.mark.parametrize("length", [0, 5, 200])
def test_a_ledger_that_was_cut_short_loses_nothing(root, length):
    commit(root)
    sync(root)
    whole = ledger_of(root).read_bytes()
    ledger_of(root).write_bytes(whole[:-length] if length else b"garbage")
    commit(root, key=OTHER)
    sync(root)
    sync(root)
    assert {run.data.tags["key"] for run in rows(root)} == {KEY, OTHER}
    assert len(rows(root)) == 2


def test_a_deleted_database_is_rebuilt(root):
    commit(root)
    sync(root)
    for path in root.glob("mlflow.db*"):
        path.unlink()
    assert Mirror(Store(root)).pending("demo") == 1
    sync_afresh(root)
    (run,) = rows(root)
    assert files(run)["config.yaml"].exists()
    assert len(list((root / ".mlflow/demo").iterdir())) == 1


def test_a_database_that_was_replaced_is_filled(root, database):
    commit(root)
    sync(root)
    for path in root.glob("mlflow.db*"):
        path.unlink()
    shutil.copy(database, root / "mlflow.db")
    sync_afresh(root)
    assert len(rows(root)) == 1


@pytest.mark.parametrize("damage", ["text", "middle"])
def test_a_damaged_database_is_put_aside_and_rebuilt(root, damage):
    commit(root)
    sync(root)
    file = root / "mlflow.db"
    for path in root.glob("mlflow.db-*"):
        path.unlink()
    content = bytearray(file.read_bytes())
    content[:] = b"no database" if damage == "text" else content
    content[5000:200_000] = b"\xff" * 195_000 if damage == "middle" else b""
    file.unlink()
    file.write_bytes(content)
    said = sync_afresh(root).splitlines()
    assert (root / "mlflow.db.damaged").exists()
    assert len(said) == 1
    assert "mlflow.db.damaged" in said[0]
    assert len(rows(root)) == 1


def test_after_the_folder_was_moved_files_are_readable(root, tmp_path):
    commit(root)
    sync(root)
    moved = tmp_path / "elsewhere" / "runs"
    moved.parent.mkdir()
    root.rename(moved)
    sync(moved)
    (run,) = rows(moved)
    assert files(run)["config.yaml"].read_bytes() == b"model: elman\n"
    assert str(moved) in run.info.artifact_uri


def test_a_copy_has_a_mirror_of_its_own(root, tmp_path):
    commit(root)
    sync(root)
    copied = tmp_path / "copy"
    shutil.copytree(root, copied)
    commit(copied, key=OTHER)
    sync(copied)
    assert len(rows(copied)) == 2
    assert all(str(copied) in run.info.artifact_uri for run in rows(copied))
    sync(root)
    assert len(rows(root)) == 1


def test_names_that_mlflow_refuses_are_changed_and_merged_ones_numbered(root):
    scores = {"error[0]": 0.1, "error(0)": 0.2, "..": 0.3, "Δ": 0.4, "a" * 300: 0.5}
    commit(root, scores=scores, model_fields={"a=b": 1, "a?b": 2})
    assert sync(root)["refused"] == 0
    (run,) = rows(root)
    assert run.data.metrics["final/error_0_"] == 0.1
    assert run.data.metrics["final/error_0__2"] == 0.2
    assert run.data.metrics["final/__"] == 0.3
    assert run.data.metrics["final/Δ"] == 0.4
    assert run.data.params["model.a_b"] == "1"
    assert run.data.params["model.a_b_2"] == "2"
    assert run.data.tags["name.final/error_0__2"] == "error(0)"
    assert run.data.tags["name.model.a_b_2"] == "model.a?b"


def test_values_of_a_diverged_run_stay_on_the_axes(root):
    rows_ = history((10, 20, 30))
    rows_[1] |= {"train_loss": 1e9, "validation_score": -1e9, "gradient_norm": math.inf}
    rows_[2] |= {"train_loss": math.nan}
    commit(root, **DIVERGED, history=rows_)
    sync(root)
    (run,) = rows(root)
    assert run.data.tags["diverged"] == "true"
    assert curve(root, run, "curves/train_loss") == [(10, 0.1), (20, 1.0)]
    assert curve(root, run, "curves/validation_score")[1] == (20, -1.0)
    assert [step for step, _ in curve(root, run, "training/gradient_norm")] == [10, 30]
    assert run.data.metrics["final/test_score"] == -1.0
    assert run.data.metrics["final/test_loss"] == 1.0
    assert "final/validation_loss" not in run.data.metrics


def test_large_values_of_a_run_that_did_not_diverge_stay_as_they_are(root):
    commit(root, scores={"test_score": -50.0})
    sync(root)
    assert rows(root)[0].data.metrics["final/test_score"] == -50.0


def test_a_failed_run_is_failed(root):
    commit(root, record(outcome="failed", scores={}, timings={}, history=[], error="ValueError: no"))
    sync(root)
    (run,) = rows(root)
    assert run.info.status == "FAILED"
    assert run.data.tags["error"] == "ValueError: no"


def test_a_long_history_and_many_settings_are_there_to_the_last_point(root):
    commit(root, history=history(range(1, 1001)), model_fields={f"f{n}": n for n in range(250)})
    sync(root)
    (run,) = rows(root)
    assert len(curve(root, run, "curves/train_loss")) == 1000
    assert run.data.params["model.f249"] == "249"


def test_a_damaged_run_costs_one_line_and_the_others_nothing(root, capfd):
    commit(root)
    commit(root, key=OTHER)
    (root / "demo" / KEY / "record.json").write_text("{")
    mirror = Mirror(Store(root))
    counts = mirror.sync()
    assert counts["written"] == counts["refused"] == 1
    assert capfd.readouterr().err.count("\n") == 1
    assert mirror.sync()["refused"] == 0
    assert [run.data.tags["key"] for run in rows(root)] == [OTHER]


def test_a_run_in_training_is_shown_and_finished(root):
    made = facts()
    claim = Store(root).study("demo").claim(KEY)
    train(root, made, history((10,)))
    assert claim.take()
    mirror = Mirror(Store(root))
    mirror.sync()
    (run,) = rows(root)
    assert run.info.status == "RUNNING"
    assert curve(root, run, "curves/train_loss") == [(10, 0.1)]
    train(root, made, history((10, 20)))
    mirror.sync()
    (run,) = rows(root)
    assert [step for step, _ in curve(root, run, "curves/train_loss")] == [10, 20]
    claim.release()
    commit(root, record(history=history((10, 20, 30)), run=made["run"], began=made["began"]))
    Store(root).study("demo").layout.running(KEY).unlink()
    sync(root)
    (done,) = rows(root)
    assert done.info.run_id == run.info.run_id
    assert done.info.status == "FINISHED"
    assert [step for step, _ in curve(root, done, "curves/train_loss")] == [10, 20, 30]
    assert done.data.tags["outcome"] == "finished"
    assert done.data.metrics["final/test_score"] == 0.9


def test_a_run_that_diverged_is_clipped_though_it_was_shown_with_large_values(root):
    made, large = facts(), history((10, 20))
    large[1] |= {"train_loss": 1e9}
    claim = Store(root).study("demo").claim(KEY)
    train(root, made, large)
    assert claim.take()
    sync(root)
    (run,) = rows(root)
    assert curve(root, run, "curves/train_loss") == [(10, 0.1), (20, 1e9)]
    claim.release()
    Store(root).study("demo").layout.running(KEY).unlink()
    commit(root, record(**DIVERGED, history=large, run=made["run"]))
    sync(root)
    (run,) = rows(root)
    assert curve(root, run, "curves/train_loss") == [(10, 0.1), (20, 1.0)]


def test_what_was_killed_becomes_killed_and_is_replaced_when_trained_again(root):
    claim = Store(root).study("demo").claim(KEY)
    train(root, facts(), history((10,)))
    assert claim.take()
    sync(root)
    claim.release()
    sync(root)
    (run,) = rows(root)
    assert run.info.status == "KILLED"
    sync(root)
    assert len(rows(root)) == 1
    commit(root)
    sync(root)
    (run,) = rows(root)
    assert run.info.status == "FINISHED"


def test_a_short_run_in_training_is_not_shown(root):
    import time

    claim = Store(root).study("demo").claim(KEY)
    train(root, facts(began=time.time()), history((10,)))
    assert claim.take()
    sync(root)
    claim.release()
    assert rows(root) == []


@pytest.mark.parametrize("call", ["create_run", "log_batch", "set_terminated"])
@pytest.mark.parametrize("after", [False, True])
def test_a_writer_that_was_killed_leaves_no_second_row(root, monkeypatch, call, after):
    """Between MLflow's rows and the ledger's lines a kill may come at any point."""
    from mlflow import MlflowClient

    commit(root)
    whole = getattr(MlflowClient, call)

    def killed(*given, **options):
        if after:
            whole(*given, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, call, killed)
        with pytest.raises(KeyboardInterrupt):
            sync(root)
    sync(root)
    (run,) = rows(root)
    assert run.info.status == "FINISHED"


def test_a_run_that_mlflow_refuses_costs_one_line_and_the_others_nothing(root, monkeypatch, capfd):
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

    whole = MlflowClient.log_batch

    def log_batch(self, run_id, metrics, params, tags):
        if any(param.value == "refused" for param in params):
            raise MlflowException("no such value", INVALID_PARAMETER_VALUE)
        whole(self, run_id, metrics, params, tags)

    monkeypatch.setattr(MlflowClient, "log_batch", log_batch)
    commit(root, model_fields={"activation": "refused"})
    commit(root, key=OTHER)
    assert sync(root) == {"written": 1, "refused": 1}
    assert capfd.readouterr().err == f"rnnbench: run demo/{KEY} is not in MLflow: no such value\n"
    assert Mirror(Store(root)).pending("demo") == 0
    assert [run.data.tags["key"] for run in rows(root)] == [OTHER]


def test_two_writers_write_each_run_once(root):
    for number in range(6):
        commit(root, key=f"{number:016x}")
    mirrors = [Mirror(Store(root)) for _ in range(2)]
    threads = [threading.Thread(target=mirror.sync) for mirror in mirrors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows(root)) == 6
