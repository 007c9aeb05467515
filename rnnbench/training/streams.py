"""Independent streams of random numbers, all derived from one seed."""

from typing import Any

import numpy as np

from rnnbench.base.arguments import choice, whole_number

#: The position of a purpose is its spawn key, so the order must not change; new ones go to the end.
PURPOSES = ("init", "train", "validation", "test")


def sequence(seed: Any, purpose: str) -> np.random.SeedSequence:
    """Return the seed sequence of one purpose.

    Parameters
    ----------
    seed : int
        Root of all streams of a run, 0 or more.
    purpose : str
        One of `PURPOSES`.

    Returns
    -------
    numpy.random.SeedSequence
        Streams of different purposes, and of different seeds, are independent of each other. None depends on
        the model: every model sees the same data for the same seed.
    """
    root = whole_number("seed", seed, 0)
    return np.random.SeedSequence(root, spawn_key=(PURPOSES.index(choice("purpose", purpose, PURPOSES)),))


def stream(seed: Any, purpose: str) -> np.random.Generator:
    """Return a fresh generator at the start of the stream of one purpose (see `sequence`)."""
    return np.random.default_rng(sequence(seed, purpose))
