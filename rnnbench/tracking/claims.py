"""Who trains which run: two sweeps of one study share its runs out between them."""

import os
from pathlib import Path
from typing import Self

from rnnbench.tracking.faults import StoreError, reason
from rnnbench.tracking.lock import acquired, allow_files, same_file


class Claims:
    """The runs of a study that this process has taken.

    A claim is a locked file, so whoever dies, by whatever signal, lets go of his claims.

    Parameters
    ----------
    root : str or Path
        Folder of the store; claims lie in `claims/<study>` below it. It must be one that all sweeps see.
    study : str
        Name of the study.

    Notes
    -----
    Who gets a claim looks whether the run is stored: its holder before may have run it.
    """

    def __init__(self, root: str | Path, study: str) -> None:
        self._folder = Path(root).absolute() / "claims" / study
        self._held: dict[str, int] = {}
        # All runs of a configuration are claimed at once; a process may usually have 1,024 files.
        allow_files()
        if self._folder.is_dir():
            self._clear()

    def __enter__(self) -> Self:
        """Return the claims."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Give all runs back."""
        self.close()

    def take(self, key: str) -> bool:
        """Claim a run; returns at once, False where another process (or another `Claims`) holds it.

        Raises
        ------
        StoreError
            If the file cannot be made.
        """
        if key in self._held:
            return True
        path = self._folder / key
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            while True:
                handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
                if not acquired(handle):
                    os.close(handle)
                    return False
                if same_file(handle, path):
                    self._held[key] = handle
                    return True
                # Its holder released and removed it after we had opened it.
                os.close(handle)
        except OSError as error:
            raise StoreError(f"{path}: the run cannot be claimed ({reason(error)})") from error

    def release(self, key: str) -> None:
        """Give a run back; one that is not held is left alone."""
        handle = self._held.pop(key, None)
        if handle is None:
            return
        try:
            # While it is locked: whoever waits for its name makes a new one.
            (self._folder / key).unlink(missing_ok=True)
        except OSError:
            pass  # Windows removes no open file; an empty file is in nobody's way.
        finally:
            os.close(handle)

    def _clear(self) -> None:
        """Remove the files of processes that were killed."""
        for path in self._folder.iterdir():
            if self.take(path.name):
                self.release(path.name)

    def close(self) -> None:
        """Give all runs back."""
        for key in list(self._held):
            self.release(key)
