"""Differences of two runs in weights, scores and history: whether all bits are the same, and how large."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
#: Measured by a clock, so different in every run.
CLOCKS = frozenset({"seconds", "compiled_seconds", "seconds_to_solve"})
History = Sequence[Mapping[str, Any]]


class Part(NamedTuple):
    """The comparison of one part of two runs.

    Attributes
    ----------
    name : str
        "weights", "scores", "history" or "outcome".
    same_bits : bool
        Whether every value is the same to the last bit.
    largest : float
        The largest difference |a - b| / max(1, |a|), where a is the stored value; infinite where only one run
        has a value, or only one value is a finite number.
    where : str
        Where the largest difference is; "" if there is none.
    values : int
        How many values the stored run has.
    """

    name: str
    same_bits: bool
    largest: float
    where: str
    values: int


def compare(part: str, stored: Mapping[str, Any], now: Mapping[str, Any]) -> Part:
    """Compare arrays, numbers or texts by name; another shape or type is an infinite difference."""
    arrays = {name: np.asarray(value) for name, value in stored.items()}
    same, largest, where = True, 0.0, ""
    for name in {**arrays, **now}:
        a, b = arrays.get(name, np.asarray(None)), np.asarray(now.get(name))
        alike = (a.shape, a.dtype) == (b.shape, b.dtype)
        if alike and a.tobytes() == b.tobytes():
            continue
        same = False
        if alike and a.dtype.kind == "f":
            differences = _relative(a.astype(np.float64), b.astype(np.float64))
            place = np.unravel_index(int(differences.argmax()), a.shape)
            size = float(differences[place])
            text = f"{name}[{', '.join(map(str, place))}]" if place else name
        else:
            size, text = np.inf, f"{name}: {_in_short(a)} stored, {_in_short(b)} now"
        if size > largest:
            largest, where = size, text
    return Part(part, same, largest, where, sum(a.size for a in arrays.values()))


def _relative(a: Array, b: Array) -> Array:
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(a - b) / np.maximum(1.0, np.abs(a))
    return np.where(same, 0.0, np.where(np.isnan(apart), np.inf, apart))


def _in_short(array: Array) -> str:
    return f"{array.dtype} {array.shape}" if array.ndim else str(array)


def columns(history: History, names: Iterable[str]) -> dict[str, Array]:
    """Return what the evaluations recorded under some names, except for times; NaN for what is not finite."""
    return {name: numbers([row.get(name) for row in history]) for name in names if name not in CLOCKS}


def numbers(values: Any) -> Array:
    """Return numbers, or one, as an array in which NaN stands for None and for what is not finite."""
    found = np.asarray(values, np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def agree_until(stored: History, now: History, tolerance: float) -> int:
    """Return the last update up to which two histories agree within a tolerance, or 0."""
    alike = takewhile(
        lambda pair: compare("history", *(columns([row], pair[0]) for row in pair)).largest <= tolerance,
        zip(stored, now, strict=False),
    )
    return max((int(old["update"]) for old, _ in alike), default=0)
