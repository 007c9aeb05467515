"""Functions that choose the next input from an output when a network runs freely."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

Chooser = Callable[[NDArray[Any], np.random.Generator | None], NDArray[Any]]


def output(y: NDArray[Any], rng: np.random.Generator | None) -> NDArray[Any]:
    """Choose the output (B, O) itself."""
    return y


def argmax(y: NDArray[Any], rng: np.random.Generator | None) -> NDArray[Any]:
    """Choose the index of the largest output of each sequence, (B,)."""
    chosen: NDArray[Any] = y.argmax(axis=1)
    return chosen


def sample(y: NDArray[Any], rng: np.random.Generator | None, temperature: float = 1.0) -> NDArray[Any]:
    """Draw an index (B,) from each row of probabilities (B, O).

    Parameters
    ----------
    y : ndarray (B, O)
        Probabilities.
    rng : numpy Generator
        One number is drawn from it for each row.
    temperature : float
        Index k is drawn with a probability proportional to ``y_k ** (1 / temperature)``: that of a softmax
        whose z are divided by the temperature. At 1 these are the probabilities themselves; the lower, the
        likelier the most probable index, which at 0 is always taken (nothing is drawn then).
    """
    if temperature == 0.0:
        return argmax(y, rng)
    if rng is None:
        raise ValueError("feed='sample': needs rng, a numpy Generator")
    cumulative = _tempered(y.astype(np.float64), temperature).cumsum(axis=1)
    draws = rng.random((len(y), 1)) * cumulative[:, -1:]
    drawn: NDArray[Any] = (draws >= cumulative).sum(axis=1).clip(max=y.shape[1] - 1)
    return drawn


def _tempered(y: NDArray[Any], temperature: float) -> NDArray[Any]:
    """Return y ** (1 / temperature), divided by the largest of its row so that it cannot underflow."""
    if temperature == 1.0:
        return y
    largest = y.max(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        powers: NDArray[Any] = np.exp((np.log(y) - np.log(largest)) / temperature)
    return powers


NAMED: dict[str, Chooser] = {"output": output, "argmax": argmax, "sample": sample}


def chooser(feed: str | Chooser, rng: np.random.Generator | None) -> Chooser:
    """Return the function `feed` names, or `feed` itself.

    Raises
    ------
    ValueError
        If it is neither callable nor one of the names; or if the temperature of "sample:0.8" is no finite
        number of at least 0.
    """
    if callable(feed):
        return feed
    name, colon, number = str(feed).partition(":")
    if name not in NAMED or (colon and name != "sample"):
        allowed = f"a function (y_t, rng) -> x_t or one of {', '.join(NAMED)}, sample:TEMPERATURE"
        raise ValueError(f"feed={feed!r}: must be {allowed}")
    return partial(sample, temperature=_temperature(feed, number)) if colon else NAMED[name]


def next_input(
    choose: Chooser, y: NDArray[Any], rng: np.random.Generator | None, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Choose the next input from an output (B, O); real inputs get the type of the earlier ones."""
    x = np.ascontiguousarray(choose(y, rng))
    return x if dtype.kind in "iu" else x.astype(dtype, copy=False)


def _temperature(feed: Any, number: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0.0):
        raise ValueError(f"feed={feed!r}: the temperature must be a finite number of at least 0")
    return value
