"""What a field of a task may hold: each check names key, value and what is allowed."""

import difflib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def check_whole(key: str, value: Any, low: int, high: int | None = None) -> None:
    """Refuse a field that is not a whole number in low..high, naming key, value and what is allowed."""
    allowed = f"at least {low}" if high is None else f"between {low} and {high}"
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ValueError(f"task.{key}={value!r}: must be a whole number, {allowed}")
    if value < low or (high is not None and value > high):
        raise ValueError(f"task.{key}={value}: must be {allowed}")


def check_number(key: str, value: Any, low: float, high: float = math.inf) -> None:
    """Refuse a field that is not a finite number in low..high."""
    allowed = f"at least {low:g}" if math.isinf(high) else f"between {low:g} and {high:g}"
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise ValueError(f"task.{key}={value!r}: must be a number, {allowed}")
    if not (math.isfinite(value) and low <= value <= high):
        raise ValueError(f"task.{key}={value}: must be {allowed}")


def check_choice(key: str, value: Any, choices: Sequence[str]) -> None:
    """Refuse a field that is none of the choices; the nearest one is suggested."""
    if value not in choices:
        near = difflib.get_close_matches(str(value), choices, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"task.{key}={value}: must be one of {', '.join(choices)}{hint}")


def read_split(value: Any) -> tuple[float, float, float]:
    """Return three positive fractions that sum to 1; refuses anything else."""
    allowed = "must be three positive numbers that sum to 1: training, validation, test"
    try:
        a, b, c = (float(part) for part in value)
    except (TypeError, ValueError):
        raise ValueError(f"task.split={value}: {allowed}") from None
    if not (min(a, b, c) > 0.0 and abs(a + b + c - 1.0) < 1e-6):
        raise ValueError(f"task.split={value}: {allowed}")
    return a, b, c
