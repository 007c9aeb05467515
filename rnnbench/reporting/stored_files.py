"""Files of runs that a report shows parts of; a damaged one is left out."""

import io
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from rnnbench.store.errors import StoreError

T = TypeVar("T")
#: Returns one of a run's stored files by name; raises StoreError where there is none.
ReadFile = Callable[[Mapping[str, Any], str], bytes]


def read_samples(record: Mapping[str, Any], read_file: ReadFile) -> dict[str, str] | None:
    """Return what a character model wrote; None, and a line on stderr, where it is missing or damaged."""
    return _read(record, "samples.json", read_file, lambda raw: dict(json.loads(raw)))


def read_arrays(record: Mapping[str, Any], read_file: ReadFile) -> dict[str, np.ndarray] | None:
    """Return a run's predictions by name; None, and a line on stderr, where they are missing or damaged."""
    return _read(record, "predictions.npz", read_file, _arrays)


def _arrays(raw: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(raw), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _read(record: Mapping[str, Any], name: str, read_file: ReadFile, parse: Callable[[bytes], T]) -> T | None:
    try:
        raw = read_file(record, name)
    except StoreError as error:
        problem = str(error)
    else:
        try:
            return parse(raw)
        except Exception:  # zipfile, zlib and NumPy raise many kinds for damaged bytes
            problem = f"run {record['study']}/{record['key']}: {name} is damaged"
    print(f"rnnbench: {problem}; the report leaves it out", file=sys.stderr)
    return None
