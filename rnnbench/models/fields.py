"""Reading and checking the fields of models; every refusal names the key, the value and what is allowed."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from rnnbench.network.description import ACTIVATIONS

INITIALS = ("zero", "learned")
LOOPS = ("closed", "open")


def whole_number(key: str, value: Any, minimum: int) -> int:
    """Return `value` as an int of at least `minimum`; anything else is a ValueError."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < minimum:
        raise ValueError(f"{key}={value}: must be a whole number of at least {minimum}")
    return int(value)


def share(key: str, value: Any) -> float:
    """Return `value` as a float in [0, 1); anything else is a ValueError."""
    # The comparison is written so that NaN fails it.
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) < 1:
        raise ValueError(f"{key}={value}: must lie in [0, 1)")
    return float(value)


def switch(key: str, value: Any) -> bool:
    """Return `value` when it is True or False; anything else is a ValueError."""
    if not isinstance(value, bool):
        raise ValueError(f"{key}={value}: must be true or false")
    return value


def choice(key: str, value: Any, allowed: Sequence[str]) -> str:
    """Return `value` when it is one of the allowed words; anything else is a ValueError."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{key}={value}: must be one of {', '.join(allowed)}")
    return value


def lags(key: str, value: Any, first: int) -> tuple[int, ...]:
    """Return the lags that a field of taps stands for.

    Parameters
    ----------
    key : str
        Name of the field, for the message.
    value : int or sequence of int
        A number n stands for all lags from `first` to n; a list names each lag. With `first=1`, 0 or an empty
        list stand for no lags at all.
    first : int
        The smallest lag: 0 for inputs, 1 for outputs that are fed back.

    Returns
    -------
    tuple of int
        The lags, ascending.

    Raises
    ------
    ValueError
        Any other form, a lag below `first`, a lag named twice, or no input lag.
    """
    if _is_lag(value, 0):
        return tuple(range(first, int(value) + 1))
    listed = isinstance(value, Sequence) and not isinstance(value, str)
    if listed and all(_is_lag(lag, first) for lag in value):
        ascending = tuple(sorted(int(lag) for lag in value))
        if len(set(ascending)) == len(ascending) >= 1 - first:
            return ascending
    shown = list(value) if listed else value
    raise ValueError(
        f"{key}={shown}: must be a number n >= 0 (lags {first} to n) or a list of different lags >= {first}, "
        f"such as [{first}, {first + 2}]"
    )


def _is_lag(value: Any, first: int) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= first


def check_layer(hidden: Any, activation: Any, initial: Any) -> None:
    """Refuse a width, an activation or a kind of initial values that no model accepts."""
    whole_number("model.hidden", hidden, 1)
    choice("model.activation", activation, ACTIVATIONS)
    choice("model.initial", initial, INITIALS)
