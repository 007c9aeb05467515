"""The launcher `dask`: workers of Dask's `distributed`, on this machine or of a running scheduler."""

import logging
import signal
import sys
from asyncio import CancelledError
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from rnnbench.sweep.command import Command
from rnnbench.sweep.launchers.batches import MOST, remove, stop, write_batches
from rnnbench.sweep.launchers.contract import Launcher, LauncherError, PlannedRun
from rnnbench.sweep.launchers.job import train_batch
from rnnbench.sweep.launchers.threads import compile_kernels
from rnnbench.training.threads import processors

#: Seconds in which a scheduler must answer, jobs must stop after Ctrl-C, and workers must have ended.
ANSWER, PATIENCE, CLOSING = 8.0, 20.0, 60.0
#: Of Dask: a batch that was on a worker that died is not tried again by the scheduler of this machine.
CONFIGURATION = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.worker.profile.enabled": False,
    "logging": {"distributed": "critical"},
}
#: Of workers of this machine: no other user can give them tasks, as they do what they are told; and they take
#: the memory that their runs take, as threads do.
WORKERS = {
    "threads_per_worker": 1,
    "host": "tls://127.0.0.1",
    "security": True,
    "dashboard_address": None,
    "silence_logs": logging.CRITICAL,
    "memory_limit": 0,
    "preload": [__name__],
}


class Dask(Launcher):
    """Trains batches of runs as tasks of Dask.

    Parameters
    ----------
    settings : mapping
        "address" of a scheduler, None starts workers here; "workers" at a time, None is all.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._address, self._most = settings.get("address"), settings.get("workers")
        self._client: Any = None

    def _connect(self) -> None:
        """Start workers on this machine, or connect to a scheduler; once for a command.

        Raises
        ------
        LauncherError
            The workers do not start, or no scheduler answers.
        """
        import dask

        # Before `distributed` is imported, which reads how it is to log.
        dask.config.set(CONFIGURATION)
        from distributed import Client

        started = WORKERS | {"n_workers": self._most or processors()}
        place = started if self._address is None else {"address": self._address}
        try:
            self._client = Client(timeout=ANSWER, **place)
        except (OSError, RuntimeError, ValueError, TypeError, ImportError) as error:
            what = "its workers do not start" if self._address is None else "no Dask scheduler answers there"
            raise LauncherError(f"hydra/launcher=dask: address={self._address}: {what}") from error

    def __exit__(self, *error: object) -> None:
        """Disconnect, and end the workers that were started here."""
        if self._client is not None:
            self._client.close(timeout=CLOSING)

    def launch(self, runs: Sequence[PlannedRun], command: Command) -> str:
        """Train runs; see `Launcher.launch`."""
        from distributed import as_completed, wait

        if self._client is None:
            self._connect()
        if self._address is None:
            compile_kernels(runs)
        elif not self._client.nthreads():
            print(f"waiting for workers at {self._address} ...", file=sys.stderr, flush=True)
            self._client.wait_for_workers(1)
        workers = min(sum(self._client.nthreads().values()), self._most or MOST)
        # So many batches at a time are trained as there are: of a scheduler, not more than are asked for.
        files = write_batches(runs, command, workers, (self._address and self._most) or MOST)
        futures = [self._client.submit(train_batch, path, command.figures, pure=False) for path in files]
        try:
            reasons = [_reason(future) for future in as_completed(futures)]
        except KeyboardInterrupt:
            stop(files)
            with suppress(Exception):
                wait(futures, timeout=PATIENCE)
            raise
        finally:
            remove(files)
        for given in filter(None, reasons):
            raise LauncherError(given)
        return ""


def dask_setup(worker: Any) -> None:
    """Let a worker not hear Ctrl-C, which the terminal sends to all processes; Dask calls it at the start."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _reason(future: Any) -> str:
    """Return why a batch was given up; "" where it was trained, or its worker died."""
    from distributed import KilledWorker

    try:
        return str(future.result(timeout=ANSWER))
    except KilledWorker:
        return ""
    except (Exception, CancelledError) as error:
        said = " ".join(str(error).split())[:200]
        return f"hydra/launcher=dask: a worker cannot train: {type(error).__name__}: {said}"
