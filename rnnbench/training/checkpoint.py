"""Checkpoints: the state of a training in one file, from which it continues to the same bits."""

import hashlib
import io
import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.base.files import remove_drafts, write_whole

#: Increased whenever the content of a state changes; files of other versions are not read.
FORMAT = 1
#: Key of the JSON object that stands for an array; its value is the number of the array.
ARRAY = "array of the file"

#: Folders into which a write has failed: on a full disk one of a hundred runs says so, not all.
_REFUSING: set[Path] = set()
_SAYING = threading.Lock()

State = dict[str, Any]


class Checkpoint:
    """A file that holds the state of one training: plain data and arrays, a key and a checksum.

    The file is always whole: a new state is written to a file beside it, flushed to the disk and then
    renamed. A file that is damaged or belongs to another key is reported on the error stream and moved aside;
    the training then starts from the beginning. Where the file cannot be written, training goes on without
    checkpoints.

    Parameters
    ----------
    path : path
        The file, ``.npz``; its folder is created when the first state is written.
    every : float, optional
        Seconds between two checkpoints; None: only when the training is interrupted.
    key : str
        Identifies the training; a file of another key is not read.
    """

    def __init__(self, path: str | Path, every: float | None, key: str) -> None:
        self.path, self.every, self.key = Path(path), every, key
        self._wait()

    @property
    def due(self) -> bool:
        """Whether `every` seconds have passed since the last checkpoint, or since this object was created."""
        return time.monotonic() >= self._next

    def _wait(self) -> None:
        # A clock that cannot be set back.
        self._next = float("inf") if self.every is None else time.monotonic() + self.every

    def save(self, state: State) -> None:
        """Write a state; where that fails, a line on the error stream says so, and no error is raised.

        Parameters
        ----------
        state : dict
            Dicts, lists, numbers, strings, None and arrays, nested.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, _packed(state, self.key), durable=True)
        except OSError as error:
            with _SAYING:
                first = self.path.parent not in _REFUSING
                _REFUSING.add(self.path.parent)
            if first:
                _say(f"checkpoint {self.path}: not written ({_reason(error)}); training goes on without it")
        self._wait()

    def load(self) -> State | None:
        """Return the state in the file, or None where there is no whole file of this key."""
        self._wait()
        try:
            return _unpacked(self.path.read_bytes(), self.key)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            self.set_aside(_reason(error))
            return None

    def set_aside(self, reason: str) -> None:
        """Rename an unusable file to ``.damaged``, and say so on the error stream."""
        aside = self.path.with_name(self.path.name + ".damaged")
        try:
            os.replace(self.path, aside)
            where = f"moved to {aside.name}"
        except OSError as error:
            where = f"cannot be moved aside ({_reason(error)})"
        _say(f"checkpoint {self.path}: {reason}; {where}, training starts from the beginning")

    def remove(self) -> None:
        """Delete the file and its drafts; called when the run has been stored."""
        self.path.unlink(missing_ok=True)
        remove_drafts(self.path)


def overwrite(array: NDArray[Any], kept: Any) -> None:
    """Copy a stored array into one of the same shape and type; ValueError where they differ."""
    if not isinstance(kept, np.ndarray) or (kept.shape, kept.dtype) != (array.shape, array.dtype):
        raise ValueError(f"it holds other arrays than {array.shape} of {array.dtype}")
    array[...] = kept


def _packed(state: State, key: str) -> bytes:
    """Return the bytes of a file: arrays as they are, everything else as JSON."""
    arrays: list[NDArray[Any]] = []
    text = json.dumps({"format": FORMAT, "key": key, "state": _plain(state, arrays)}).encode()
    file = io.BytesIO()
    named: dict[str, Any] = {str(number): array for number, array in enumerate(arrays)}
    digest = np.frombuffer(_digest(text, arrays), np.uint8)
    np.savez(file, text=np.frombuffer(text, np.uint8), digest=digest, **named)
    return file.getvalue()


def _unpacked(raw: bytes, key: str) -> State:
    """Return the state in the bytes of a file; the message of a ValueError says what is wrong with them."""
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as file:
            text, digest = file["text"].tobytes(), file["digest"].tobytes()
            arrays = [file[str(number)] for number in range(len(file.files) - 2)]
    except Exception as error:  # zipfile, zlib and NumPy raise many kinds of errors for damaged bytes
        raise ValueError("is damaged") from error
    if _digest(text, arrays) != digest:
        raise ValueError("is damaged")
    held = json.loads(text)
    if held.get("format") != FORMAT:
        raise ValueError("is of another version of rnnbench")
    if held.get("key") != key:
        raise ValueError(f"belongs to another run ({held.get('key')}, not {key})")
    state: State = _restored(held["state"], arrays)
    return state


def _plain(value: Any, arrays: list[NDArray[Any]]) -> Any:
    """Return a value as plain data; arrays are appended to a list and replaced by their number."""
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {ARRAY: len(arrays) - 1}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {name: _plain(part, arrays) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part, arrays) for part in value]
    return value


def _restored(value: Any, arrays: list[NDArray[Any]]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {ARRAY}:
            return arrays[value[ARRAY]]
        return {name: _restored(part, arrays) for name, part in value.items()}
    return [_restored(part, arrays) for part in value] if isinstance(value, list) else value


def _digest(text: bytes, arrays: list[NDArray[Any]]) -> bytes:
    digest = hashlib.sha256(text)
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _say(line: str) -> None:
    # One write call, so that lines of other threads are not mixed in.
    sys.stderr.write(f"rnnbench: {line}\n")
