"""A working folder with a small sweep, commands in processes of their own, and what is left of them."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from rnnbench.reporting.frame import runs_frame
from rnnbench.store import Store
from tests.sweep.stored import bits, left_over

ROOT = Path(__file__).resolve().parents[2]
STUDY = "faults"
TRAIN = (
    f"study.name={STUDY} model.hidden=8 train.updates=2000 train.evaluate_every=500 "
    "train.stop_when_solved=false train.checkpoint_every=0.2 train.threads=2"
)
#: Twelve runs of a second or more.
LONG = f"run -m model=elman,narx task=paced task.length=20,30 seeds=3 {TRAIN}"
#: Six of them.
SHORT = f"run -m model=elman,narx task=paced task.length=20 seeds=3 {TRAIN}"
#: MLflow is left out, except where it is written amid the faults.
LATER = "tracking.mirror=later"
#: By this every process that a command has started is found, in whatever session it is.
MARK = "RNNBENCH_TEST_FOLDER"
#: Parts of the names of columns that say how long something took, or how often it was interrupted.
NOT_THE_SAME = ("seconds", "resumed", "launcher", "busy", "ended", "began")


class Folder:
    """Commands in one working folder, each in a session of its own.

    `inside` is put before every command: what brings it into a name space, say.
    """

    def __init__(self, path, inside=()):
        self.path, self._inside = Path(path), tuple(inside)
        self.runs = self.path / "runs"
        self._processes = []
        plugins = self.path / "rnnbench_plugins"
        plugins.mkdir(exist_ok=True)
        shutil.copy(Path(__file__).with_name("paced.py"), plugins)

    def start(self, line, python=("-m", "rnnbench"), mirror=LATER):
        """Start a command of rnnbench, or (`python=None`) one of the shell, and return its process."""
        words = [sys.executable, *python, *line.split(), mirror] if python else ["sh", "-c", line]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_DISABLE_TELEMETRY": "true"}
        process = subprocess.Popen(
            [*self._inside, *words],
            cwd=self.path,
            env=environment | {MARK: str(self.path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._processes.append(process)
        return process

    def run(self, line, timeout=240, **how):
        """Run a command to its end; return exit code, stdout and stderr."""
        return ended(self.start(line, **how), timeout)

    def kill(self, process):
        """Kill a command and wait for its end."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait(20)

    def kill_all(self):
        """Leave nothing behind."""
        for process in self._processes:
            if process.poll() is None:
                self.kill(process)
            process.stdout.close()
            process.stderr.close()
        for number in self.processes():
            os.kill(number, signal.SIGKILL)

    def processes(self):
        """Return the numbers of all processes that commands have started and that are there still."""
        mark, found = f"{MARK}={self.path}".encode(), []
        for place in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (place / "environ").read_bytes().split(b"\0"):
                    found.append(int(place.name))
            except OSError:
                continue
        return found

    @property
    def study(self):
        """The study, read from here."""
        return Store(self.runs).study(STUDY)

    def checkpoints(self):
        """Return the keys of runs that have a checkpoint."""
        return {path.name.partition(".")[0] for path in self.study.layout.work.glob("*.checkpoint.npz")}

    def in_mid_run(self, stored=1):
        """Whether so many runs are stored and another one has a checkpoint."""
        keys = self.study.keys()
        return len(keys) >= stored and bool(self.checkpoints() - keys)

    def trained_since(self, moment):
        """Whether a run has written a checkpoint after a moment of the clock."""
        times = [_time(path) for path in self.study.layout.work.glob("*.checkpoint.npz")]
        return max(times, default=0.0) > moment

    def begun(self):
        """Return how many trainings have begun, be it from a checkpoint."""
        return len((self.path / "begun").read_text().splitlines())

    def outcome(self):
        """Return what must be the same whatever happened: a table of the runs, each bit of the weights."""
        frame = runs_frame(list(self.study.records())).sort_values("key", ignore_index=True)
        same = [name for name in frame.columns if not any(part in name for part in NOT_THE_SAME)]
        return frame[same], bits(STUDY, self.runs)


def _time(path):
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def ended(process, timeout=240):
    """Wait for a command; return exit code, stdout and stderr, but for what slowness and `LATER` add."""
    out, err = process.communicate(timeout=timeout)
    expected = ("compiling the kernels", "not in MLflow yet")
    lines = err.splitlines(keepends=True)
    return process.returncode, out, "".join(x for x in lines if not any(text in x for text in expected))


def until(met, seconds=60.0):
    """Wait for something to be true, and return what it is."""
    end = time.monotonic() + seconds
    while not (found := met()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


def assert_undisturbed(folder, reference):
    """Every run is there with the bits of a sweep that nobody disturbed, and nothing else is left."""
    table, runs = folder.outcome()
    pd.testing.assert_frame_equal(table, reference[0])
    assert runs == reference[1]
    left = left_over(STUDY, folder.runs)
    assert not left, left
