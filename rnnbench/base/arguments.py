"""Checks of arguments. Each returns the value in its plain type or raises "KEY=VALUE: must ..."."""

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

from rnnbench.base.suggestions import did_you_mean


def is_whole(value: Any) -> bool:
    """Return whether a value is an integer, Python's or NumPy's; True and False are not."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def whole_number(key: str, value: Any, minimum: int, maximum: int | None = None) -> int:
    """Check an integer.

    Parameters
    ----------
    key : str
        Name of the argument as the user knows it, such as "task.length"; the message begins with it.
    value : object
        What was given.
    minimum, maximum : int
        The range, both ends included; None is no upper limit.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        Not an integer (a bool is none), or out of range.
    """
    if not is_whole(value) or value < minimum or (maximum is not None and value > maximum):
        allowed = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
        raise ValueError(f"{key}={value}: must be a whole number {allowed}")
    return int(value)


def number(key: str, value: Any, minimum: float = -math.inf, maximum: float = math.inf) -> float:
    """Check a finite number.

    Parameters
    ----------
    key : str
        Name of the argument.
    value : object
        What was given.
    minimum, maximum : float
        The range, both ends included; infinite: no limit.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Not a number (a bool is none), NaN, infinite, or out of range.
    """
    given = _as_float(value)
    # NaN fails every comparison.
    if math.isfinite(given) and minimum <= given <= maximum:
        return given
    raise ValueError(f"{key}={value}: must be {_range(minimum, maximum)}")


def _range(minimum: float, maximum: float) -> str:
    if minimum == -math.inf:
        return "a finite number" if maximum == math.inf else f"a finite number of at most {maximum:g}"
    if maximum == math.inf:
        return f"a finite number of at least {minimum:g}"
    return f"a number from {minimum:g} to {maximum:g}"


def share(key: str, value: Any) -> float:
    """Return a number in [0, 1) as a float, or raise ValueError."""
    given = _as_float(value)
    if not 0 <= given < 1:
        raise ValueError(f"{key}={value}: must lie in [0, 1)")
    return given


def bound(key: str, value: Any, without: str = "or none for no clipping") -> float:
    """Return an upper bound as a float.

    Parameters
    ----------
    key : str
        Name of the argument.
    value : float or None
        A number above 0; None is no bound, infinity.
    without : str
        What the message says of None.

    Raises
    ------
    ValueError
        Not a number above 0.
    """
    if value is None:
        return math.inf
    given = _as_float(value)
    if not given > 0:
        raise ValueError(f"{key}={value}: must be a number above 0, {without}")
    return given


def switch(key: str, value: Any) -> bool:
    """Return True or False as it is, or raise ValueError."""
    if not isinstance(value, bool):
        raise ValueError(f"{key}={value}: must be true or false")
    return value


def choice(key: str, value: Any, allowed: Iterable[str]) -> str:
    """Return one of the allowed words as it is, or raise ValueError, which suggests the nearest one."""
    words = list(allowed)
    if not isinstance(value, str) or value not in words:
        near = did_you_mean(str(value), words)
        raise ValueError(f"{key}={value}: must be one of {', '.join(words)}{near}")
    return value


def _as_float(value: Any) -> float:
    """Return a number as a float; NaN for anything else, bools included, and for too large integers."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan
