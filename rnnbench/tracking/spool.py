"""Where finished runs wait while the store cannot take them.

A run that waits is a folder of its own, `<root>/spool/<study>/<key>/`: its files, and `parcel.json` with its
record, when it ended, and the hashes of the files. It appears whole or not at all.
"""

import errno
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from rnnbench.tracking.faults import StoreError, is_disk_full, reason
from rnnbench.tracking.lock import locked
from rnnbench.tracking.reserve import Reserve

PARCEL = "parcel.json"
#: Seconds after which a folder that is not whole is taken for one whose writer was killed.
ABANDONED = 3600.0
#: Attempts at a folder whose name, or whose parent, other processes take away at the same moment.
ATTEMPTS = 10


class Parcel(NamedTuple):
    """A run that waits, read back."""

    folder: Path
    record: dict[str, Any]
    files: dict[str, bytes]
    ended: float


class Spool:
    """Runs that wait for the store, and room for them.

    Parameters
    ----------
    root : Path
        Folder of the store.
    """

    def __init__(self, root: Path) -> None:
        self.folder = root / "spool"
        self.reserve = Reserve(root / ".reserve")

    def put(self, record: Mapping[str, Any], files: Mapping[str, bytes]) -> Path:
        """Keep a run until the store can take it, and return where; a full disk gives up the room set aside.

        Raises
        ------
        StoreError
            If there is no room at all, or the folder cannot be written.
        """
        ended, left = time.time(), ATTEMPTS
        while True:
            try:
                return self._put(record, files, ended)
            except OSError as error:
                left -= 1
                # Another process took the name first, or stored what waited and removed the study's folder.
                meanwhile = left > 0 and error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOENT)
                if not meanwhile and not (is_disk_full(error) and self.reserve.give_up()):
                    raise StoreError(f"{self.folder} cannot be written: {reason(error)}") from error

    def waiting(self) -> Iterator[Parcel]:
        """Yield all runs that wait, in the order in which they ended; damaged ones are moved aside."""
        found: list[tuple[float, Path]] = []
        for folder in sorted(self.folder.glob("*/*")):
            if folder.name.startswith("."):
                self._clear(folder)
            elif folder.is_dir() and folder.suffix != ".damaged":
                with suppress(_Damaged):
                    found.append((_contents(folder)["ended"], folder))
        for _, folder in sorted(found):
            with suppress(_Damaged):
                yield self._read(folder)

    def alone(self) -> AbstractContextManager[None]:
        """Hold the spool in a `with` block: of several processes that start, one sends what waits."""
        return locked(self.folder / ".lock")

    def take_out(self, parcel: Parcel) -> None:
        """Remove a run that is stored."""
        gone = parcel.folder.with_name(f".{parcel.folder.name}.gone")
        # A kill may have left one of that name.
        shutil.rmtree(gone, ignore_errors=True)
        os.replace(parcel.folder, gone)
        shutil.rmtree(gone, ignore_errors=True)
        with suppress(OSError):
            parcel.folder.parent.rmdir()

    def _put(self, record: Mapping[str, Any], files: Mapping[str, bytes], ended: float) -> Path:
        study = self.folder / record["study"]
        study.mkdir(parents=True, exist_ok=True)
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        about = {"record": dict(record), "ended": ended, "files": hashes}
        draft = Path(tempfile.mkdtemp(dir=study, prefix=f".{record['key']}."))
        try:
            for name, content in {**files, PARCEL: json.dumps(about).encode()}.items():
                _write_through(draft / name, content)
            place = _free(study, record["key"])
            os.replace(draft, place)
            return place
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise

    def _read(self, folder: Path) -> Parcel:
        about = _contents(folder)
        files: dict[str, bytes] = {}
        for name, expected in about["files"].items():
            try:
                files[name] = (folder / name).read_bytes()
            except OSError as error:
                raise _damaged(folder, reason(error)) from error
            if hashlib.sha256(files[name]).hexdigest() != expected:
                raise _damaged(folder, f"{name} is not what was written")
        return Parcel(folder, about["record"], files, about["ended"])

    @staticmethod
    def _clear(folder: Path) -> None:
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > ABANDONED:
                shutil.rmtree(folder, ignore_errors=True)


class _Damaged(Exception):
    """A waiting run that cannot be read; it has been moved aside and told of."""


def _damaged(folder: Path, why: str) -> _Damaged:
    aside = _free(folder.parent, f"{folder.name}.damaged")
    with suppress(OSError):
        os.replace(folder, aside)
    print(f"rnnbench: {folder} cannot be read ({why}); moved to {aside.name}", file=sys.stderr)
    return _Damaged(why)


def _contents(folder: Path) -> dict[str, Any]:
    try:
        about: dict[str, Any] = json.loads((folder / PARCEL).read_bytes())
        about["record"]["key"], about["record"]["study"], about["files"].items(), float(about["ended"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(folder, f"{PARCEL}: {error}") from error
    return about


def _free(folder: Path, name: str) -> Path:
    """Return a path that is not taken: the name, or with a number; two runs of one key may wait."""
    path, number = folder / name, 1
    while path.exists():
        number += 1
        stem, suffix = os.path.splitext(name)
        path = folder / f"{stem}-{number}{suffix}"
    return path


def _write_through(path: Path, content: bytes) -> None:
    """Write a file down to the disk: a full one may say so only then."""
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
