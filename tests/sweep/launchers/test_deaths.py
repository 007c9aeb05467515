"""Commands whose workers are killed, and Ctrl-C, in mid-run."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rnnbench.store import Store
from tests.sweep.launchers import held
from tests.sweep.launchers.runs import SMALL, until
from tests.sweep.launchers.test_bits import LAUNCHERS
from tests.sweep.stored import left_over

LINE = f"run {SMALL} task=held train.updates=2000 train.evaluate_every=100 seeds=4"


@pytest.fixture
def study(folder):
    """The study of a working folder in which trainings crawl while there is a file `hold`."""
    (folder / "rnnbench_plugins").mkdir()
    shutil.copy(held.__file__, folder / "rnnbench_plugins")
    Path("hold").touch()
    return Store("runs").study("default")


def start(name):
    """Start a command in a process group of its own, as a terminal does."""
    return subprocess.Popen(
        [sys.executable, "-m", "rnnbench", *LINE.split(), *LAUNCHERS[name].split(), "tracking.mirror=later"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def in_training(study, number):
    """Whether so many runs are in training, and have drawn their first batches."""
    return len(study.training()) == number == len(list(study.layout.work.glob("*.csv")))


@pytest.mark.parametrize("name", ["joblib", "dask", "submitit_local"])
def test_a_worker_is_killed(name, study, rnnbench):
    process = start(name)
    assert until(lambda: in_training(study, 2)), process.poll()
    claim = min(study.training().values()).read_text().splitlines()
    os.kill(int(dict(line.split("=", 1) for line in claim if "=" in line)["pid"]), signal.SIGKILL)
    # joblib ends all its workers when one dies.
    most = 2 if name == "joblib" else 1
    time.sleep(0.5)
    Path("hold").unlink()
    _, said = process.communicate(timeout=60)
    failed = [summary for summary in study.summaries().values() if not summary.finished]
    assert process.returncode == 1 and 1 <= len(failed) <= most and len(study.keys()) == 4, said
    assert {summary.error for summary in failed} == {
        "the process that trained it died (killed, or out of memory)"
    }
    assert f"{len(failed)} of 4 runs failed" in said and "Traceback" not in said, said
    code, _, err = rnnbench(LINE)
    assert code == 0 and f"{4 - len(failed)} done, {len(failed)} failed" in err
    assert all(summary.finished for summary in study.summaries().values()) and len(study.keys()) == 4


@pytest.mark.parametrize("name", ["basic", "joblib", "dask", "submitit_local"])
def test_interrupted_from_the_terminal(name, study, rnnbench):
    process = start(name)
    at_once = 1 if name == "basic" else 2
    assert until(lambda: in_training(study, at_once)), process.poll()
    os.killpg(process.pid, signal.SIGINT)
    began = time.monotonic()
    _, said = process.communicate(timeout=60)
    assert time.monotonic() - began < 10
    assert process.returncode == 130 and said.splitlines()[-1] == "rnnbench: interrupted", said
    assert "Traceback" not in said and not study.training() and not study.keys()
    assert until(lambda: not group_exists(process.pid), 10)
    Path("hold").unlink()
    code, _, err = rnnbench(LINE)
    assert code == 0 and f"4 to run ({at_once} from " in err, err
    assert len(study.keys()) == 4 and not left_over()


def group_exists(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
