"""Configurations to launch, and what is compared of their runs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from rnnbench.experiment.launchers import launcher, settings
from tests.experiment.composing import configured

ROOT = Path(__file__).resolve().parents[3]
SMALL = "model=elman model.hidden=4 task=adding task.length=8 train.updates=30 train.evaluate_every=10"
#: Trains for hours.
ENDLESS = "model=elman model.hidden=8 task=adding task.length=50 train.updates=100000000 train.lr=1e-6"


def small(more="", seeds=1):
    return configured(f"{SMALL} seeds={seeds} {more}")


def endless(seeds=1):
    return configured(f"{ENDLESS} train.evaluate_every=200 seeds={seeds}")


def opened(kind, threads=2, **given):
    """Return a launcher by its name, with the folder of runs below the working folder."""
    return launcher(settings.read(kind, given), threads, Path("runs"))


def bits(executed):
    """Return everything of a run that must be the same wherever it trained."""
    result = executed.result
    history = [{k: v for k, v in record.items() if "seconds" not in k} for record in result.history]
    arrays = {name: array.tobytes() for name, array in result.predictions.items()}
    return (
        result.parameters.vector.tobytes(), repr(history), repr(result.scores), arrays,
        result.outcome, result.solved_at, result.updates, result.seed, repr(executed.seen),
    )  # fmt: skip


def until(met, seconds=20.0):
    """Wait for something to be true, and return whether it is."""
    end = time.monotonic() + seconds
    while not (found := met()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def descendants(pid):
    """Process ids of everything that a process has started, in whatever session."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            tail = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if tail[0] != "Z":
            parents[int(path.parent.name)] = int(tail[1])
    found, new = set(), {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return found


def alive(pids):
    """Those of some processes that are still there."""

    def is_there(pid):
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    return {pid for pid in pids if is_there(pid)}


#: A sweep of endless runs that says what it does. `{kind}` is the launcher, `{given}` its settings.
SCRIPT = """
import sys
from tests.experiment.launchers.runs import endless, opened

if __name__ == "__main__":
    try:
        with opened("{kind}", **{given}) as open_one:
            training = open_one.start(
                endless(3), (0, 1, 2),
                on_start=lambda seed: print("started", seed, flush=True),
                on_record=lambda *pair: print("record", flush=True),
            )
            training.results()
    except KeyboardInterrupt:
        print(*[f.exception() for f in training.futures], sep=", ", flush=True)
        sys.exit(130)
"""


def sweep(kind, folder, **given):
    """Start a sweep of endless runs as a process that leads a group, as a terminal would."""
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(kind=kind, given=given)],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def interrupt(process):
    """Send Ctrl-C to a process and everything in its group."""
    os.killpg(process.pid, signal.SIGINT)
