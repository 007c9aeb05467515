"""N-gram models of characters, with Witten and Bell's estimate for unseen ones."""

from typing import NamedTuple

import numpy as np

from rnnbench.tasks.contract import Array


class Prediction(NamedTuple):
    """The predictions of an n-gram model for a sequence.

    Parameters
    ----------
    probability : ndarray (N,)
        Of each symbol that came.
    likeliest : ndarray (N,)
        The symbol that followed most often in training after the longest context seen there.
    """

    probability: Array
    likeliest: Array

    def loss(self) -> float:
        """Return the mean cross entropy in nats."""
        return float(-np.log(self.probability).mean())

    def score(self, symbols: Array) -> float:
        """Return the share of the symbols (N,) that were the likeliest."""
        return float((self.likeliest == symbols).mean())


def predictions(training: Array, whole: Array, first: int, symbols: int, most: int) -> list[Prediction]:
    """Predict a part of a sequence by n-grams of 1, 2, ... symbols, counted on another part.

    p_n(c | context) = (count(context c) + d p_{n-1}(c | shorter context)) / (count(context) + d), where d is
    the number of different symbols seen after the context, and p_0 is uniform (Witten & Bell 1991).

    Parameters
    ----------
    training : ndarray (M,)
        Symbols that are counted.
    whole : ndarray (N,)
        The sequence.
    first : int
        Where the part that is predicted begins; it has ``most - 1`` symbols before it and goes to the end.
    symbols : int
        Size of the alphabet.
    most : int
        Largest n.

    Returns
    -------
    list of Prediction
        One for each n.
    """
    count = len(whole) - first
    last = Prediction(np.full(count, 1.0 / symbols), np.zeros(count, np.int64))
    found = []
    for context in range(most):
        last = _longer(last, training, whole, first, symbols, context)
        found.append(last)
    return found


def _longer(
    shorter: Prediction, training: Array, whole: Array, first: int, symbols: int, context: int
) -> Prediction:
    """Return the model of one more symbol of context than `shorter` has."""
    before, after = _contexts(training, context, context, symbols), training[context:]
    here, asked = _contexts(whole, first, context, symbols), whole[first:]
    pairs, times = np.unique(before * symbols + after, return_counts=True)
    known, at, kinds = np.unique(pairs // symbols, return_index=True, return_counts=True)
    totals = np.add.reduceat(times, at)
    # The most frequent symbol of each context, the first one of several: last in an order by rising count.
    order = np.lexsort((-pairs, times, pairs // symbols))
    likeliest = pairs[order[at + kinds - 1]] % symbols

    place = np.searchsorted(known, here).clip(max=len(known) - 1)
    seen = known[place] == here
    pair = np.searchsorted(pairs, here * symbols + asked).clip(max=len(pairs) - 1)
    hits = np.where(pairs[pair] == here * symbols + asked, times[pair], 0)
    different = kinds[place]
    mixed = (hits + different * shorter.probability) / (totals[place] + different)
    return Prediction(
        np.where(seen, mixed, shorter.probability), np.where(seen, likeliest[place], shorter.likeliest)
    )


def _contexts(sequence: Array, first: int, context: int, symbols: int) -> Array:
    """Return a number for the `context` symbols before each step from `first` on."""
    number = np.zeros(len(sequence) - first, np.int64)
    for lag in range(context, 0, -1):
        number = number * symbols + sequence[first - lag : len(sequence) - lag]
    return number
