"""What a job of a process or cluster launcher does: it trains the runs of a batch."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from rnnbench.base.refusals import Refused
from rnnbench.config.construction import from_plain
from rnnbench.config.identity import run_key
from rnnbench.network.warming import warm_up
from rnnbench.store.errors import reason
from rnnbench.sweep.command import Command, Figures
from rnnbench.sweep.interruption import Interrupted
from rnnbench.sweep.launchers.contract import LauncherError
from rnnbench.sweep.run import train_run

#: Seconds between two looks at whether the file of a batch is still there.
LOOK = 0.5
#: Signals that submitit has handlers for: its own, and what `scancel` and a preemption send.
SIGNALS = [getattr(signal, name) for name in ("SIGUSR1", "SIGUSR2", "SIGTERM") if hasattr(signal, name)]


def train_batch(path: Path, figures: Figures | None = None) -> str:
    """Train the runs of a batch one after another.

    Runs that have ended or that others train are left out. When the file of the batch is removed, or a signal
    comes, the job stops at its next block of updates, after a checkpoint.

    Parameters
    ----------
    path : Path
        The file of the batch.
    figures : callable or None
        Draws diagnostics.

    Returns
    -------
    str
        Why the batch was given up, "" where it was not. As a value, because launchers treat exceptions in
        different ways.

    Raises
    ------
    SystemExit, or an exception of submitit
        A signal ended the job; submitit may have queued it again.
    """
    came: list[int] = []
    try:
        with _noted_signals(came):
            _train(path, figures, came)
    except Interrupted:
        if signal.SIGTERM in came:
            raise SystemExit(128 + signal.SIGTERM) from None
        if came:
            # For submitit's own handler, which is back in place.
            signal.raise_signal(came[0])
    except FileNotFoundError as error:
        return f"a job does not see {error.filename}: workers need the same folders, under the same names"
    except (LauncherError, Refused) as error:
        return str(error)
    except Exception as error:
        return f"a job cannot train: {type(error).__name__}: {reason(error)}"
    return ""


def _train(path: Path, figures: Figures | None, came: list[int]) -> None:
    content = json.loads(path.read_bytes())
    # Plugins and data are found from the working folder of the command.
    os.chdir(content["folder"])
    root = Path(content["command"].pop("root"))
    command = Command(root=root, figures=figures, **content["command"])

    def may_go_on() -> None:
        if came or not _is_there(path, int(time.monotonic() / LOOK)):
            raise Interrupted

    for message, runs in content["runs"]:
        configuration = from_plain(message)
        warm_up(configuration.train.dtype)
        for seed, key in runs:
            if run_key(configuration, seed) != key:
                raise LauncherError(
                    f"{configuration.name}: a job makes another configuration of it: "
                    "rnnbench or a plugin is not the same there"
                )
            may_go_on()
            train_run(configuration, seed, command, may_go_on)


@lru_cache
def _is_there(path: Path, moment: int) -> bool:
    """Whether a file exists; looked up once for each moment."""
    return path.exists()


@contextmanager
def _noted_signals(came: list[int]) -> Iterator[None]:
    """Note those of `SIGNALS` that have a handler, instead of calling it in the midst of an update.

    Ctrl-C, which a terminal sends to jobs too, is ignored: the command stops them. Nothing is done outside
    the main thread, where no signal arrives.
    """
    numbers = [signal.SIGINT, *SIGNALS] if threading.current_thread() is threading.main_thread() else []
    taken = {number: handler for number in numbers if callable(handler := signal.getsignal(number))}
    for number in taken:
        signal.signal(
            number, signal.SIG_IGN if number == signal.SIGINT else lambda number, frame: came.append(number)
        )
    try:
        yield
    finally:
        for number, handler in taken.items():
            signal.signal(number, handler)
