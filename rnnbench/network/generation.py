"""How the next input is chosen from an output when a network runs freely."""

from collections.abc import Callable
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


def sample(y: NDArray[Any], rng: np.random.Generator | None) -> NDArray[Any]:
    """Draw an index (B,) from each row of probabilities (B, O)."""
    if rng is None:
        raise ValueError("feed='sample': needs rng, a numpy Generator")
    cumulative = y.astype(np.float64).cumsum(axis=1)
    draws = rng.random((len(y), 1)) * cumulative[:, -1:]
    drawn: NDArray[Any] = (draws >= cumulative).sum(axis=1).clip(max=y.shape[1] - 1)
    return drawn


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
