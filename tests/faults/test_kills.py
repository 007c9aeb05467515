"""kill -9 at random moments: what is left goes on, and the table is that of an undisturbed sweep."""

import os
import random
import signal
import time

import pytest

from tests.faults.sweeping import LONG, SHORT, STUDY, assert_undisturbed, ended, until

pytestmark = pytest.mark.faults
KILLS = 20


def test_the_process_is_killed_twenty_times(folder, long):
    # From the start of Python to the midst of training and storing.
    rng = random.Random(0)
    for _ in range(KILLS):
        began, process = time.time(), folder.start(LONG)
        if rng.random() < 0.2:
            time.sleep(rng.uniform(0.0, 2.0))
        else:
            trains_a_little(folder, began, process, rng)
        assert process.poll() is None, ended(process)
        folder.kill(process)
    code, _, err = folder.run(LONG)
    assert code == 0, err
    assert "Traceback" not in err
    assert_undisturbed(folder, long)


def test_workers_are_killed_twenty_times(folder, long):
    pytest.importorskip("distributed")
    rng = random.Random(1)
    line = f"{LONG} hydra/launcher=dask hydra.launcher.workers=2"
    kills, lost, code = 0, 0, 1
    while code:
        killed, process = time.time(), folder.start(line)
        while process.poll() is None and kills < KILLS:
            # One in four may hit a cluster or a worker that is only starting.
            if rng.random() < 0.75:
                trains_a_little(folder, killed, process, rng)
            else:
                time.sleep(rng.uniform(0.0, 1.0))
            if workers := folder.processes("spawn_main"):
                killed = time.time()
                os.kill(rng.choice(workers), signal.SIGKILL)
                kills += 1
        code, _, err = ended(process)
        lost += "runs failed" in err
        assert code == 0 or "runs failed" in err or "the workers do not start" in err.splitlines()[-1], err
    assert kills == KILLS, f"the sweep was over after {kills}"
    assert lost, "no worker was killed while it trained"
    assert_undisturbed(folder, long)
    assert folder.nobody()


def trains_a_little(folder, moment, process, rng):
    """Wait until a run trains that was begun or went on after a moment, and a random while.

    Twenty times the longest of such whiles, by two runs at a time, are shorter than the pace lets `LONG` be.
    """
    assert until(lambda: process.poll() is not None or folder.trained_since(moment))
    time.sleep(rng.uniform(0.0, 0.3))


def test_what_was_written_last_is_lost_with_the_power(folder, short):
    """A kill -9 leaves SQLite's log; half of it gone, as after a power cut, is some runs less."""
    process = folder.start(SHORT)
    assert until(lambda: folder.stored() >= 3)
    folder.kill(process)
    log = folder.runs / "mlflow.db-wal"
    os.truncate(log, log.stat().st_size // 2)
    stored = folder.stored()
    known = len(folder.store().states(STUDY))
    assert known < stored
    code, _, err = folder.run(SHORT)
    assert code == 0, err
    assert f"{known} done, " in err
    assert_undisturbed(folder, short)
