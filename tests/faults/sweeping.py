"""A working folder with a small sweep, commands in processes of their own, and ways to kill them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from rnnbench.tracking import Store

ROOT = Path(__file__).resolve().parents[2]
#: Three models on two lengths with three seeds: 18 runs of about a second each.
SWEEP = (
    "run -m model=elman,rnn,narx task=adding task.length=20,30 model.hidden=8 seeds=3 study.name=kills "
    "train.updates=4000 train.evaluate_every=500 train.stop_when_solved=false train.checkpoint_every=0.2"
)
RUNS = 18
#: Columns of runs.csv that say how long something took, or where and when it ran.
NOT_THE_SAME = ("seconds", "run_id", "resumed", "launcher", "busy", "began", "threads", "processor")


class Folder:
    """Commands in one working folder, each in its own group of processes."""

    def __init__(self, path):
        self.path = path
        self._processes = []

    def start(self, line):
        """Start a command and return its process."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_DISABLE_TELEMETRY": "true"}
        process = subprocess.Popen(
            [sys.executable, "-m", "rnnbench", *line.split()],
            cwd=self.path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._processes.append(process)
        return process

    def run(self, line, timeout=300):
        """Run a command to its end; return exit code, stdout and stderr."""
        process = self.start(line)
        out, err = process.communicate(timeout=timeout)
        return process.returncode, out, err

    def kill(self, process):
        """Kill a command and all that it started, and wait for its end."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return process.communicate()

    def kill_all(self):
        """Leave nothing behind."""
        for process in self._processes:
            if process.poll() is None:
                self.kill(process)

    @property
    def store(self):
        """The store of this folder."""
        return Store(root=self.path / "runs")

    def statuses(self, study="kills"):
        """Return how many runs there are in each of MLflow's states, deleted ones left out."""
        client = self.store._connect()
        experiment = client.get_experiment_by_name(study).experiment_id
        return pd.Series([r.info.status for r in client.search_runs([experiment])]).value_counts().to_dict()

    def table(self, study="kills"):
        """Return the report's table as text, and the rows of runs.csv without what depends on the clock."""
        code, _, err = self.run(f"report {study}")
        assert code == 0, err
        page = self.path / "reports" / study
        rows = pd.read_csv(page / "runs.csv").sort_values("key").reset_index(drop=True)
        rows = rows[[c for c in rows.columns if not any(part in c for part in NOT_THE_SAME)]]
        return (page / "table.csv").read_text(), rows

    def wait_for(self, what, process, seconds=60):
        """Wait until something is true while a process runs; False when the process ends before."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if what():
                return True
            if process.poll() is not None:
                return False
            time.sleep(0.05)
        raise AssertionError("it did not come true")
