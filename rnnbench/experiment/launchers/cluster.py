"""The cluster of this machine, seen from the process that needs it."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from time import monotonic
from typing import IO, Any

from rnnbench.experiment.launchers import remote
from rnnbench.experiment.launchers.contract import LauncherError

#: Seconds until the cluster must be up, and until it must be gone.
START, END = 60.0, 6.0


class Cluster:
    """Scheduler and workers on this machine, one thread each; encrypted, so that they serve nobody else.

    Parameters
    ----------
    workers : int
        How many.
    log : Path
        File to which Dask's warnings and all that workers print are added; removed at the end where empty.

    Raises
    ------
    LauncherError
        The cluster does not start.
    """

    def __init__(self, workers: int, log: Path) -> None:
        from distributed.security import Security

        self._log = log
        self.security = Security.temporary()
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "rnnbench.experiment.launchers.host"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
                env={**os.environ, **remote.environment()},
            )
        try:
            self.address = self._begin(workers)
        except BaseException:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether the process of the cluster is there."""
        return self._process.poll() is None

    def close(self) -> None:
        """End scheduler and workers; what does not end by itself is killed."""
        with suppress(OSError):
            _pipe(self._process.stdin).close()
        try:
            self._process.wait(END)
        except subprocess.TimeoutExpired:
            pass
        finally:
            # The process leads a group of its own, in which all workers are.
            with suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            _pipe(self._process.stdout).close()
            with suppress(OSError):
                if not self._log.stat().st_size:
                    self._log.unlink()

    def _begin(self, workers: int) -> str:
        stdin, stdout = _pipe(self._process.stdin), _pipe(self._process.stdout)
        order = {"workers": workers, "security": _fields(self.security)}
        with suppress(BrokenPipeError):
            stdin.write(json.dumps(order) + "\n")
            stdin.flush()
        until = monotonic() + START
        while monotonic() < until and not _says(stdout, 0.5):
            if not self.alive:
                break
        line = stdout.readline() if _says(stdout, 0.0) else ""
        if not line:
            raise LauncherError(f"hydra/launcher=dask: the workers do not start; see {self._log}")
        return str(json.loads(line)["address"])


def _fields(security: Any) -> dict[str, Any]:
    names = ["require_encryption", "tls_ca_file"]
    names += [f"tls_{who}_{what}" for who in ("client", "scheduler", "worker") for what in ("key", "cert")]
    return {name: getattr(security, name) for name in names}


def _says(stream: IO[str], seconds: float) -> bool:
    """Whether there is something to read, after so many seconds at most; unlike `select`, of any file."""
    with DefaultSelector() as selector:
        selector.register(stream, EVENT_READ)
        return bool(selector.select(seconds))


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
