"""Checking the arguments of training; every refusal names the key, the value and what is allowed."""

import difflib
import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any


def whole_number(key: str, value: Any, minimum: int) -> int:
    """Return `value` as an int of at least `minimum`; anything else is a ValueError."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < minimum:
        raise ValueError(f"{key}={value}: must be a whole number of at least {minimum}")
    return int(value)


def number(key: str, value: Any, allowed: str, low: float, high: float = math.inf) -> float:
    """Return `value` as a float in [low, high), which `allowed` says in words, or raise ValueError."""
    # The comparison is written so that NaN fails it.
    if isinstance(value, bool) or not isinstance(value, Real) or not low <= float(value) < high:
        raise ValueError(f"{key}={value}: must {allowed}")
    return float(value)


def bound(key: str, value: Any, without: str = "or none for no clipping") -> float:
    """Return a bound as a float above 0, infinity for None; anything else is a ValueError."""
    if value is None:
        return math.inf
    if isinstance(value, bool) or not isinstance(value, Real) or not float(value) > 0:
        raise ValueError(f"{key}={value}: must be a number above 0, {without}")
    return float(value)


def switch(key: str, value: Any) -> bool:
    """Return `value` when it is True or False; anything else is a ValueError."""
    if not isinstance(value, bool):
        raise ValueError(f"{key}={value}: must be true or false")
    return value


def choice(key: str, value: Any, allowed: Iterable[str]) -> str:
    """Return `value` when it is one of the allowed words, or raise ValueError with the nearest one."""
    words = list(allowed)
    if value not in words:
        near = difflib.get_close_matches(str(value), words, n=1)
        suggestion = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"{key}={value}: must be one of {', '.join(words)}{suggestion}")
    return str(value)
