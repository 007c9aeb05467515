"""kill -9 at random moments: what is left goes on, and the table is that of an undisturbed sweep."""

import os
import random
import signal
import subprocess
import time

import pandas as pd
import pytest

from tests.faults.sweeping import RUNS, SWEEP, Folder

pytestmark = pytest.mark.faults
KILLS = 20


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Table and runs of the sweep that nobody disturbs, and the seconds it took."""
    folder = Folder(tmp_path_factory.mktemp("undisturbed"))
    clock = time.monotonic()
    code, _, err = folder.run(SWEEP)
    assert code == 0, err
    return *folder.table(), time.monotonic() - clock


def assert_the_same(folder, undisturbed):
    table, rows, _ = undisturbed
    after, runs = folder.table()
    assert after == table
    pd.testing.assert_frame_equal(runs, rows)
    assert len(runs) == RUNS and folder.statuses().get("FINISHED") == RUNS
    assert not list((folder.path / "runs" / "checkpoints").rglob("*.npz"))


def test_the_process_is_killed_twenty_times(folder, undisturbed):
    # Moments from the start of Python to well inside the training; late ones make sure that it gets on.
    rng = random.Random(0)
    kills = 0
    while kills < KILLS:
        process = folder.start(SWEEP)
        time.sleep(rng.uniform(0.5, 2.0) if rng.random() < 0.3 else rng.uniform(2.0, 5.0))
        if process.poll() is not None:
            break
        folder.kill(process)
        kills += 1
    assert kills >= 10, "the sweep was over too early for this test"
    code, _, err = folder.run(SWEEP)
    assert code == 0, err
    assert folder.run(SWEEP)[0] == 0
    assert_the_same(folder, undisturbed)
    assert "RUNNING" not in folder.statuses()


def workers_of(process):
    """Return the processes below a command that train: the workers of its cluster."""
    found = subprocess.run(
        ["ps", "-o", "pid=,args=", "-g", str(process.pid)], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.split(maxsplit=1) for line in found.splitlines()]
    return [int(pid) for pid, arguments in lines if "spawn_main" in arguments]


def test_workers_are_killed_twenty_times(folder, undisturbed):
    pytest.importorskip("distributed")
    rng = random.Random(1)
    line = f"{SWEEP} hydra/launcher=dask hydra.launcher.workers=2"
    kills, starts = 0, 0
    while starts < 20:
        process = folder.start(line)
        starts += 1
        while process.poll() is None and kills < KILLS:
            time.sleep(rng.uniform(1.0, 3.0))
            if workers := workers_of(process):
                os.kill(rng.choice(workers), signal.SIGKILL)
                kills += 1
        _, err = process.communicate(timeout=300)
        if process.returncode == 0:
            break
        assert "runs failed" in err
    assert process.returncode == 0 and kills >= 5
    assert_the_same(folder, undisturbed)
