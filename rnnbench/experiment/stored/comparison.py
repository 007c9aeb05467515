"""How far two runs lie apart: weights, scores and histories, bit by bit and in the largest difference."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnbench.experiment.record import as_json

Array = NDArray[Any]
#: What a clock measured: different in every run.
CLOCKS = frozenset({"seconds", "compiled_seconds", "seconds_to_solve"})


class Part(NamedTuple):
    """What became of one part of two runs.

    Attributes
    ----------
    name : str
        "weights", "scores", "history" or "outcome".
    same_bits : bool
        Whether every number is the same to the last bit.
    largest : float
        The largest difference |a - b| / max(1, |a|), a what is stored; infinite where one has what the other
        lacks, or a number faces one that is none.
    where : str
        Where that is; "" where there is none.
    extent : str
        How much was compared, in a few words.
    """

    name: str
    same_bits: bool
    largest: float
    where: str
    extent: str


def compare_weights(stored: Mapping[str, Array], now: Mapping[str, Array]) -> Part:
    """Compare weights by name; other names, shapes or types are an infinite difference."""
    count = sum(array.size for array in stored.values())
    extent = f"{count:,} numbers"
    if odd := [name for name in {**stored, **now} if not _alike(stored.get(name), now.get(name))]:
        return Part("weights", False, math.inf, f"{odd[0]}, of another shape or type", extent)
    same = all(stored[name].tobytes() == now[name].tobytes() for name in stored)
    found = [_largest_of(name, stored[name], now[name]) for name in stored if stored[name].size]
    largest, where = max(found, key=lambda one: one[0], default=(0.0, ""))
    return Part("weights", same, largest, where if largest else "", extent)


def _alike(one: Array | None, other: Array | None) -> bool:
    if one is None or other is None:
        return False
    return one.shape == other.shape and one.dtype == other.dtype


def _largest_of(name: str, stored: Array, now: Array) -> tuple[float, str]:
    a, b = stored.astype(np.float64), now.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(a - b) / np.maximum(1.0, np.abs(a))
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    apart = np.where(same, 0.0, np.where(np.isnan(apart), np.inf, apart))
    place = np.unravel_index(int(apart.argmax()), apart.shape)
    return float(apart[place]), f"{name}[{', '.join(map(str, place))}]"


def compare_numbers(name: str, pairs: Iterable[tuple[str, Any, Any]], extent: str) -> Part:
    """Compare numbers, given as (what, stored, now); None stands for one that is not finite or not there."""
    same, largest, where = True, 0.0, ""
    for what, a, b in pairs:
        if a == b:
            continue
        same = False
        number = isinstance(a, int | float) and isinstance(b, int | float)
        apart = abs(a - b) / max(1.0, abs(a)) if number else math.inf
        if apart > largest:
            largest, where = apart, what if number else f"{what}: {a} stored, {b} now"
    return Part(name, same, largest, where, extent)


def compare_scores(stored: Mapping[str, Any], now: Mapping[str, Any]) -> Part:
    """Compare what was stored; a score that is new since then has nothing to be compared with."""
    return compare_numbers("scores", ((n, s, now.get(n)) for n, s in stored.items()), f"{len(stored)} scores")


def compare_histories(stored: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> Part:
    """Compare all that evaluations recorded, but for the clock."""
    extent = f"{len(stored)} evaluations"
    if len(stored) != len(now):
        return Part("history", False, math.inf, f"{len(stored)} evaluations stored, {len(now)} now", extent)
    pairs = (
        (f"{name} at update {old['update']}", value, new.get(name))
        for old, new in zip(stored, now, strict=True)
        for name, value in old.items()
        if name not in CLOCKS
    )
    return compare_numbers("history", pairs, extent)


def agree_until(
    stored: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]], tolerance: float
) -> int:
    """Return the last update up to which two histories agree within a tolerance; 0 where they never do."""
    until = 0
    for old, new in zip(stored, now, strict=False):
        if compare_histories([old], [new]).largest > tolerance:
            break
        until = int(old["update"])
    return until


def plain(value: Any) -> Any:
    """Return what a value is once it has been stored as JSON: None where a number is not finite."""
    return json.loads(as_json(value))
