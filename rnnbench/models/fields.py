"""Reading and checking the fields that several models share; errors name key, value and what is allowed."""

from collections.abc import Sequence
from typing import Any

from rnnbench.base.arguments import choice, is_whole, whole_number
from rnnbench.base.suggestions import did_you_mean
from rnnbench.network.description import ACTIVATIONS

INITIALS = ("zero", "learned")
LOOPS = ("closed", "open")
#: Limits on the layers of a model and on its arrows of one kind: beyond them, building the network would take
#: too long.
MOST_LAYERS = 100
MOST_ARROWS = 100_000
#: The words a field `gradient` accepts beside a number of steps, and the `cut_every` each stands for.
GRADIENTS = {"blocked": 1, "full": 0}


def lags(key: str, value: Any, first: int) -> tuple[int, ...]:
    """Return the lags that a field such as `input_taps` stands for.

    Parameters
    ----------
    key : str
        Name of the field, for the message.
    value : int or sequence of int
        A number n stands for all lags from `first` to n; a list names each lag. With `first=1`, 0 and an
        empty list stand for no lags at all.
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
    if _at_least(value, 0):
        return tuple(range(first, whole_number(key, value, 0, MOST_ARROWS) + 1))
    listed = isinstance(value, Sequence) and not isinstance(value, str)
    if listed and all(_at_least(lag, first) for lag in value):
        ascending = tuple(sorted(int(lag) for lag in value))
        if len(set(ascending)) == len(ascending) >= 1 - first:
            return ascending
    shown = list(value) if listed else value
    raise ValueError(
        f"{key}={shown}: must be a number n >= 0 (lags {first} to n) or a list of different lags >= {first}, "
        f"such as [{first}, {first + 2}]"
    )


def _at_least(value: Any, minimum: int) -> bool:
    return is_whole(value) and int(value) >= minimum


def gate(key: str, value: Any) -> int:
    """Return the `cut_every` of an arrow that a field `gradient` stands for.

    Parameters
    ----------
    key : str
        Name of the field, for the message.
    value : "blocked", "full" or int
        No gradient over the arrow; the full gradient (back-propagation through time); or the gradient within
        chunks of K steps (truncated), where 1 is the same as blocked.

    Raises
    ------
    ValueError
        Anything else.
    """
    if isinstance(value, str) and value in GRADIENTS:
        return GRADIENTS[value]
    if _at_least(value, 1):
        return int(value)
    near = did_you_mean(str(value), GRADIENTS)
    raise ValueError(
        f"{key}={value}: must be one of {', '.join(GRADIENTS)}, or a number of steps from 1 on{near}"
    )


def switch_step(key: str, value: Any) -> str | int:
    """Return how a network with output feedback is trained: "closed", "open", or the step of the switch.

    Raises
    ------
    ValueError
        Anything but these words or a whole number of at least 0.
    """
    if _at_least(value, 0):
        return int(value)
    if isinstance(value, str) and value in LOOPS:
        return value
    near = did_you_mean(str(value), LOOPS)
    raise ValueError(
        f"{key}={value}: must be one of {', '.join(LOOPS)}, or the step at which targets end{near}"
    )


def widths(value: Any, layers: Any = 1, key: str = "model.layers") -> tuple[int, ...]:
    """Return the width of each layer that a field `hidden` stands for.

    Parameters
    ----------
    value : int or sequence of int
        One width for all layers, or a list with a width for each.
    layers : int
        Number of layers. Where it is 1, a list of widths gives the number.
    key : str
        Name of the field that gives the number of layers, for the message.

    Raises
    ------
    ValueError
        A width below 1, no width, or a number of widths that is not the number of layers.
    """
    count = whole_number(key, layers, 1, MOST_LAYERS)
    if not isinstance(value, Sequence) or isinstance(value, str):
        return (whole_number("model.hidden", value, 1),) * count
    for width in value:
        if not _at_least(width, 1):
            raise ValueError(f"model.hidden={list(value)}: every width must be a whole number of at least 1")
    if not value or count not in (1, len(value)):
        wanted = "one or more widths" if count == 1 else f"one width, or a list of {count} ({key}={count})"
        raise ValueError(f"model.hidden={list(value)}: must be {wanted}")
    return tuple(int(width) for width in value)


def check_layer(hidden: Any, activation: Any, initial: Any, embedding: Any = 0) -> None:
    """Check the fields of a model with one hidden layer; raises ValueError."""
    whole_number("model.hidden", hidden, 1)
    check_common(activation, initial, embedding)


def check_common(activation: Any, initial: Any, embedding: Any) -> None:
    """Check the fields that every model with hidden layers has; raises ValueError."""
    choice("model.activation", activation, ACTIVATIONS)
    choice("model.initial", initial, INITIALS)
    whole_number("model.embedding", embedding, 0)
