"""How the next input is chosen from an output when a network runs freely."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Chooser = Callable[[NDArray[Any], np.random.Generator | None], NDArray[Any]]


def output(y: NDArray[Any], rng: np.random.Generator | None) -> NDArray[Any]:
    """The output (B, O) itself is the next input."""
    return y


def argmax(y: NDArray[Any], rng: np.random.Generator | None) -> NDArray[Any]:
    """The index of the largest output of each sequence, (B,)."""
    return y.argmax(axis=1)


def sample(y: NDArray[Any], rng: np.random.Generator | None) -> NDArray[Any]:
    """An index (B,) drawn from each row of probabilities (B, O)."""
    if rng is None:
        raise ValueError("feed='sample': needs rng, a numpy Generator")
    cumulative = y.astype(np.float64).cumsum(axis=1)
    draws = rng.random((len(y), 1)) * cumulative[:, -1:]
    return (draws >= cumulative).sum(axis=1).clip(max=y.shape[1] - 1)


NAMED: dict[str, Chooser] = {"output": output, "argmax": argmax, "sample": sample}


def chooser(feed: str | Chooser, rng: np.random.Generator | None) -> Chooser:
    """Return the function `feed` names, or `feed` itself.

    Raises
    ------
    ValueError
        If it is neither callable nor one of the names.
    """
    if callable(feed):
        return feed
    if feed not in NAMED:
        raise ValueError(f"feed={feed!r}: must be a function (y_t, rng) -> x_t or one of {', '.join(NAMED)}")
    return NAMED[feed]
