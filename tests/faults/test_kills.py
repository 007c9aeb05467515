"""kill -9 at random moments: what is left goes on, and the table is that of an undisturbed sweep."""

import os
import random
import signal
import time
from contextlib import suppress
from functools import partial

import pytest

from tests.faults.sweeping import LONG, SHORT, STUDY, assert_undisturbed, ended, until

pytestmark = pytest.mark.faults
KILLS = 20


def test_the_process_is_killed_twenty_times(folder, long):
    # From the start of Python to the midst of training and storing; late enough on the whole to get on.
    rng = random.Random(0)
    kills = 0
    for _ in range(KILLS):
        process = folder.start(LONG)
        time.sleep(rng.uniform(0.2, 2.0) if rng.random() < 0.2 else rng.uniform(2.0, 3.5))
        if process.poll() is not None:
            break
        folder.kill(process)
        kills += 1
    code, _, err = folder.run(LONG)
    assert code == 0, err
    assert "Traceback" not in err
    assert kills == KILLS, f"the sweep was over after {kills}"
    assert_undisturbed(folder, long)


def test_workers_are_killed_twenty_times(folder, long):
    pytest.importorskip("distributed")
    rng = random.Random(1)
    line = f"{LONG} hydra/launcher=dask hydra.launcher.workers=2"
    kills, lost, code = 0, 0, 1
    while code:
        began = time.time()
        process = folder.start(line)
        while process.poll() is None and kills < KILLS:
            # One in four may hit a cluster that is only starting.
            if rng.random() < 0.75:
                until(partial(trained_since, folder, began, process), 20)
            time.sleep(rng.uniform(0.1, 1.2))
            if workers := folder.processes("spawn_main"):
                os.kill(rng.choice(workers), signal.SIGKILL)
                kills += 1
        code, _, err = ended(process)
        lost += "runs failed" in err
        assert code == 0 or "runs failed" in err or "the workers do not start" in err.splitlines()[-1], err
    # On a quick machine the sweep may be over before the last of them.
    assert kills >= KILLS // 2, f"the sweep was over after {kills}"
    assert lost, "no worker was killed while it trained"
    assert_undisturbed(folder, long)
    assert folder.nobody()


def trained_since(folder, began, process):
    """Whether there is a checkpoint newer than a moment, or a process has ended."""
    if process.poll() is not None:
        return True
    for path in folder.checkpoints():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime > began:
                return True
    return False


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
