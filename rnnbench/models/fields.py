"""Reading and checking the fields of models; every refusal names the key, the value and what is allowed."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from rnnbench.network.description import ACTIVATIONS

INITIALS = ("zero", "learned")
LOOPS = ("closed", "open")
#: Layers, and arrows of one kind, that a model makes at most: beyond, building it is all that would happen.
MOST_LAYERS = 100
MOST_ARROWS = 100_000
#: What a field `gradient` may say beside a number of steps, and the gate of the arrow it stands for.
GRADIENTS = {"blocked": 1, "full": 0}


def whole_number(key: str, value: Any, minimum: int, maximum: int | None = None) -> int:
    """Return `value` as an int of at least `minimum` (and at most `maximum`); all else is a ValueError."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < minimum:
        raise ValueError(f"{key}={value}: must be a whole number of at least {minimum}")
    if maximum is not None and int(value) > maximum:
        raise ValueError(f"{key}={value}: must be a whole number from {minimum} to {maximum}")
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
        return tuple(range(first, whole_number(key, value, 0, MOST_ARROWS) + 1))
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


def gate(key: str, value: Any) -> int:
    """Return the `cut_every` of an arrow that a field `gradient` stands for.

    Parameters
    ----------
    key : str
        Name of the field, for the message.
    value : "blocked", "full" or int
        No gradient over the arrow; all of it (back-propagation through time); or within chunks of K steps
        (truncated in chunks), where 1 is the same as blocked.

    Raises
    ------
    ValueError
        Anything else.
    """
    if isinstance(value, str) and value in GRADIENTS:
        return GRADIENTS[value]
    if _is_lag(value, 1):
        return int(value)
    raise ValueError(f"{key}={value}: must be one of {', '.join(GRADIENTS)}, or a number of steps from 1 on")


def switch_step(key: str, value: Any) -> str | int:
    """Return how a network with output feedback is trained: "closed", "open", or the step of the switch.

    Raises
    ------
    ValueError
        Anything else than these words or a whole number of at least 0.
    """
    if _is_lag(value, 0):
        return int(value)
    if isinstance(value, str) and value in LOOPS:
        return value
    raise ValueError(f"{key}={value}: must be one of {', '.join(LOOPS)}, or the step at which targets end")


def widths(value: Any, layers: Any = 1, key: str = "model.layers") -> tuple[int, ...]:
    """Return the width of each layer that a field `hidden` stands for.

    Parameters
    ----------
    value : int or sequence of int
        One width for all layers, or a list with a width for each.
    layers : int
        Number of layers. A list of widths gives the number itself where this is 1.
    key : str
        Name of the field that gives the number of layers, for the message.

    Raises
    ------
    ValueError
        A width below 1, no width, or another number of widths than of layers.
    """
    count = whole_number(key, layers, 1, MOST_LAYERS)
    if not isinstance(value, Sequence) or isinstance(value, str):
        return (whole_number("model.hidden", value, 1),) * count
    for width in value:
        if not _is_lag(width, 1):
            raise ValueError(f"model.hidden={list(value)}: every width must be a whole number of at least 1")
    if not value or count not in (1, len(value)):
        wanted = "one or more widths" if count == 1 else f"one width, or a list of {count} ({key}={count})"
        raise ValueError(f"model.hidden={list(value)}: must be {wanted}")
    return tuple(int(width) for width in value)


def check_layer(hidden: Any, activation: Any, initial: Any, embedding: Any = 0) -> None:
    """Refuse a width, an activation, a kind of initial values or an embedding that no model accepts."""
    whole_number("model.hidden", hidden, 1)
    check_common(activation, initial, embedding)


def check_common(activation: Any, initial: Any, embedding: Any) -> None:
    """Refuse an activation, a kind of initial values or an embedding that no model accepts."""
    choice("model.activation", activation, ACTIVATIONS)
    choice("model.initial", initial, INITIALS)
    whole_number("model.embedding", embedding, 0)
