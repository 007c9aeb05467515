"""A working folder with a small sweep, commands in processes of their own, and what is left of them."""

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from mlflow.entities import ViewType

from rnnbench.reporting import report
from rnnbench.tracking import Store

ROOT = Path(__file__).resolve().parents[2]
STUDY = "faults"
TRAIN = (
    f"study.name={STUDY} train.updates=4000 train.evaluate_every=500 train.stop_when_solved=false "
    "train.checkpoint_every=0.2"
)
#: 18 runs of two seconds or more.
LONG = f"run -m model=elman,rnn,narx task=paced task.length=20,30 model.hidden=8 seeds=3 {TRAIN}"
#: Six of them.
SHORT = f"run -m model=elman,narx task=paced task.length=20 model.hidden=8 seeds=3 {TRAIN}"
#: Four runs of three seconds or more, each a configuration of its own.
SLOW = (
    SHORT.replace("elman,narx", "elman,narx,rnn,jordan").replace("seeds=3", "seeds=1").replace("4000", "6000")
)
#: Parts of the names of columns that say how long something took, or how often it was interrupted.
NOT_THE_SAME = ("seconds", "resumed", "launcher")
#: By this every process that a command has started is found, in whatever session it is.
MARK = "RNNBENCH_TEST_FOLDER"


class Outcome(NamedTuple):
    """What must be the same whatever happened to a sweep."""

    table: pd.DataFrame
    runs: pd.DataFrame
    weights: dict


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

    def start(self, line, python=("-m", "rnnbench")):
        """Start a command of rnnbench, or (`python=None`) one of the shell, and return its process."""
        command = ["sh", "-c", line] if python is None else [sys.executable, *python, *line.split()]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_DISABLE_TELEMETRY": "true"}
        process = subprocess.Popen(
            [*self._inside, *command],
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
        """Kill a command, but not what it has started elsewhere, and wait for its end."""
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

    def processes(self, argument=""):
        """Return the numbers of all processes that commands have started and that are there still."""
        mark, found = f"{MARK}={self.path}".encode(), []
        for place in Path("/proc").glob("[0-9]*"):
            try:
                ours = mark in (place / "environ").read_bytes().split(b"\0")
                if ours and argument.encode() in (place / "cmdline").read_bytes():
                    found.append(int(place.name))
            except OSError:
                continue
        return found

    def nobody(self, seconds=15):
        """Whether all processes end within so many seconds."""
        return until(lambda: not self.processes(), seconds)

    def store(self, uri=None):
        """The store, seen from here."""
        return Store(uri, root=self.runs)

    def checkpoints(self):
        """Return the checkpoints there are."""
        return list((self.runs / "checkpoints").rglob("*.npz"))

    def trained_since(self, moment):
        """Whether a run has written a checkpoint after a moment of the clock."""
        for path in self.checkpoints():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime > moment:
                    return True
        return False

    def stored(self):
        """Return how many runs the local store holds as finished, though it be in use."""
        return len(list(self.runs.glob(f"artifacts/{STUDY}/*/record.json")))

    def begun(self):
        """Return the keys of runs that have a checkpoint and are not stored."""
        stored = {path.parent.name for path in self.runs.glob(f"artifacts/{STUDY}/*/record.json")}
        return {path.stem for path in self.checkpoints()} - stored

    def statuses(self, uri=None, view=ViewType.ACTIVE_ONLY):
        """Return how many runs there are in each of MLflow's states."""
        client = self.store(uri)._connect()
        experiment = client.get_experiment_by_name(STUDY).experiment_id
        return Counter(run.info.status for run in client.search_runs([experiment], run_view_type=view))

    def outcome(self, uri=None):
        """Return the report's tables without times, and every bit of the weights by key."""
        store = self.store(uri)
        page = report(STUDY, store, self.path / "reports").parent
        weights = {r["key"]: arrays(store.read_file(r, "weights.npz")) for r in store.runs(STUDY)}
        runs = pd.read_csv(page / "runs.csv").sort_values("key", ignore_index=True)
        return Outcome(without_times(pd.read_csv(page / "table.csv")), without_times(runs), weights)

    def left_over(self):
        """Return what no sweep may leave: claims, checkpoints, files that wait or are half-written."""
        found = [
            path for part in ("claims", "checkpoints", "spool") for path in (self.runs / part).rglob("*")
        ]
        found += [*self.runs.rglob("*.draft"), *self.runs.rglob("*.part"), *self.runs.glob("submitit/*")]
        return [path for path in found if path.is_file() and path.name != ".lock"]


def ended(process, timeout=240):
    """Wait for a command; return exit code, stdout and stderr, but for what slowness adds."""
    out, err = process.communicate(timeout=timeout)
    said = [line for line in err.splitlines(keepends=True) if not line.startswith("compiling the kernels")]
    return process.returncode, out, "".join(said)


def until(met, seconds=60.0):
    """Wait for something to be true, and return what it is."""
    end = time.monotonic() + seconds
    while not (found := met()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


def arrays(content):
    """Return the arrays of an .npz as bytes."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {name: file[name].tobytes() for name in file.files}


def without_times(table):
    """Return a table without what depends on the clock."""
    return table[[name for name in table.columns if not any(part in name for part in NOT_THE_SAME)]]


def assert_undisturbed(folder, reference, uri=None):
    """Every run exactly once, with the bits of a sweep that nobody disturbed, and nothing else is left."""
    found = folder.outcome(uri)
    pd.testing.assert_frame_equal(found.table, reference.table)
    pd.testing.assert_frame_equal(found.runs, reference.runs)
    assert found.weights == reference.weights
    assert folder.statuses(uri) == {"FINISHED": len(reference.runs)}
    left = folder.left_over()
    assert not left, left
