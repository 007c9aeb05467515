"""Batches: how runs are divided, and whose files are trusted."""

import json
import os

import numpy as np
import pytest

from rnnbench.store import StoreError
from rnnbench.sweep.launchers import LauncherError
from rnnbench.sweep.launchers.batches import in_batches, write_batches
from rnnbench.sweep.launchers.job import train_batch
from tests.sweep.launchers.runs import command, launch, planned, study_of, weights


def test_of_unknown_runs_every_worker_gets_several_batches():
    sizes = [len(batch) for batch in in_batches(planned("seeds=100"), np.full(100, np.nan), 2)]
    assert sum(sizes) == 100 and len(sizes) == 16


def test_known_runs_fill_the_seconds_of_a_batch():
    runs, seconds = planned("seeds=12"), np.full(12, 10.0)
    assert [len(batch) for batch in in_batches(runs, seconds, 2)] == [3, 3, 3, 3]
    assert [len(batch) for batch in in_batches(runs, seconds, 12)] == [1] * 12
    assert [run for batch in in_batches(runs, seconds, 2) for run in batch] == runs
    assert [len(batch) for batch in in_batches(runs, seconds, 2, most=2)] == [6, 6]


def test_of_very_many_runs_there_are_no_more_batches_than_slurm_takes():
    assert len(in_batches(planned("seeds=2500"), np.full(2500, 100.0), 2)) <= 1000


@pytest.fixture
def batch():
    runs = planned("train.updates=20 seeds=1")
    study_of(runs)
    return write_batches(runs, command(), 1)[0], runs


def test_a_batch_holds_no_code(batch):
    path, runs = batch
    ((_, seeds),) = json.loads(path.read_text())["runs"]
    assert seeds == [[0, runs[0].key]]
    assert path.parent.stat().st_mode & 0o777 == path.parent.parent.stat().st_mode & 0o777 == 0o700
    assert train_batch(path) == ""
    assert list(weights(runs)) == [0]


def test_a_folder_that_others_may_write_to_is_refused(batch):
    path, runs = batch
    jobs = path.parent.parent
    jobs.chmod(0o770)
    with pytest.raises(StoreError, match=f"others may not write to; remove it or chmod 700 {jobs}"):
        launch("joblib", runs)


def test_a_link_in_place_of_the_folder_is_refused(batch, tmp_path):
    path, runs = batch
    jobs = path.parent.parent
    jobs.rename(tmp_path / "elsewhere")
    jobs.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="must be a folder of your own, no link"):
        launch("joblib", runs)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_folder_of_another_user_is_refused(batch):
    path, runs = batch
    os.chown(path.parent.parent, 12345, 12345)
    with pytest.raises(StoreError, match="must be a folder of your own"):
        launch("joblib", runs)


def test_a_job_that_does_not_see_the_folder_says_so(batch):
    path, _ = batch
    gone = path.parent.parent / "gone" / path.name
    assert train_batch(gone).startswith(f"a job does not see {gone}: ")


def test_a_plugin_that_a_worker_does_not_have_is_no_failed_run(batch):
    path, runs = batch
    path.write_text(path.read_text().replace('"adding"', '"addling"'))
    assert "addling" in train_batch(path)
    assert study_of(runs).summary(runs[0].key) is None


def test_a_configuration_that_is_another_one_in_the_job_is_refused(batch):
    path, runs = batch
    path.write_text(path.read_text().replace(runs[0].key, "0" * len(runs[0].key)))
    assert "rnnbench or a plugin is not the same there" in train_batch(path)
    assert study_of(runs).summary(runs[0].key) is None


def test_no_dask_scheduler_answers():
    runs = planned("seeds=1")
    with pytest.raises(LauncherError, match=r"address=tcp://127.0.0.1:9: no Dask scheduler answers"):
        launch("dask", runs, address="tcp://127.0.0.1:9")
