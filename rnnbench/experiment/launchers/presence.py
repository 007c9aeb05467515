"""The file by which jobs far away know what their sweep wants, and that it is there; light, as `remote`."""

import os
import socket
from contextlib import suppress
from pathlib import Path
from time import monotonic

#: Name of the file in the sweep's own folder.
NAME = "sweep"
#: Seconds between two signs of life of a sweep, and without one until its jobs take it for dead.
BEAT, SILENCE = 15.0, 300.0
_STOP, _JOB = "stop", "job "


class Presence:
    """A sweep's own file: locked while the sweep is there, touched now and then, with an order and its jobs.

    Parameters
    ----------
    folder : Path
        The sweep's own; made if missing.
    """

    def __init__(self, folder: Path) -> None:
        from rnnbench.tracking.lock import acquired

        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / NAME
        self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        acquired(self._handle)
        self._write(socket.gethostname())
        self._beaten = monotonic()

    def close(self) -> None:
        """Remove the file."""
        with suppress(OSError):
            self.path.unlink()
        os.close(self._handle)

    def stop(self) -> None:
        """Let every job end at its next block."""
        self._write(_STOP)

    def sent(self, job: str) -> None:
        """Note a job, for whoever finds the file of a sweep that was killed."""
        self._write(f"{_JOB}{job}")

    def beat(self) -> None:
        """Give a sign of life, where it is time to."""
        if monotonic() - self._beaten >= BEAT:
            self._beaten = monotonic()
            with suppress(OSError):
                os.utime(self.path)

    def _write(self, line: str) -> None:
        with suppress(OSError):
            os.write(self._handle, f"{line}\n".encode())

    def dead(self) -> dict[Path, list[str]]:
        """Return the folders of sweeps that were killed, beside this one's, and the jobs they had sent.

        Where a file system does not share its locks, a sweep of another machine may look dead: it must be
        silent too.
        """
        found = {}
        for path in self.path.parent.parent.glob(f"*/{NAME}"):
            with suppress(OSError):
                if path != self.path and self._is_dead(path):
                    lines = path.read_text().splitlines()
                    found[path.parent] = [line[len(_JOB) :] for line in lines if line.startswith(_JOB)]
        return found

    def _is_dead(self, path: Path) -> bool:
        from rnnbench.tracking.lock import acquired

        handle = os.open(path, os.O_RDWR)
        try:
            if not acquired(handle):
                return False
            here = path.read_text().splitlines()[:1] == [socket.gethostname()]
            # Both times are the file system's own: no two clocks are compared.
            return here or self.path.stat().st_mtime - path.stat().st_mtime > SILENCE
        finally:
            os.close(handle)


class Watched:
    """The file of a sweep as a job of it sees it.

    Parameters
    ----------
    path : str or Path
        Of the file.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._changed, self._heard = 0, monotonic()

    @property
    def stops(self) -> bool:
        """Whether the sweep wants its jobs to end."""
        try:
            return _STOP in self._path.read_text().splitlines()
        except OSError:
            return False

    @property
    def silent(self) -> bool:
        """Whether there was no sign of life for so long that the sweep must be dead."""
        with suppress(OSError):
            changed = self._path.stat().st_mtime_ns
            if changed != self._changed:
                self._changed, self._heard = changed, monotonic()
        return monotonic() - self._heard > SILENCE
