"""Room on the disk that is set aside while there is some, and given up when there is none."""

import os
from contextlib import suppress
from pathlib import Path

SIZE = 8 * 2**20


class Reserve:
    """A file that holds nothing but its place.

    Parameters
    ----------
    path : Path
        Where it lies.
    size : int
        Bytes.
    """

    def __init__(self, path: Path, size: int = SIZE) -> None:
        self._path, self._size = path, size

    def set_aside(self) -> bool:
        """Make the file if it is missing; returns whether it is there."""
        if self._path.exists():
            return True
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with open(draft, "wb") as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, self._size)
                else:
                    file.write(bytes(self._size))
            os.replace(draft, self._path)
        except OSError:
            with suppress(OSError):
                draft.unlink()
            return False
        return True

    def give_up(self) -> bool:
        """Remove the file; returns whether there was one."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
