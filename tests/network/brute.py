"""Divergences between sequences by enumerating every alignment: slow, plain, nothing of rnnbench."""

from itertools import product

import numpy as np


def collapse(path):
    """Take out repetitions, then blanks (0)."""
    kept = [k for t, k in enumerate(path) if t == 0 or k != path[t - 1]]
    return tuple(k for k in kept if k != 0)


def ctc(y, labels):
    """-log of the sum over all K**T paths that collapse to the labels; y (T, K) of one sequence."""
    total = sum(
        np.prod([y[t, k] for t, k in enumerate(path)])
        for path in product(range(y.shape[1]), repeat=len(y))
        if collapse(path) == tuple(labels)
    )
    return -np.log(total) if total > 0 else np.inf


def alignments(n, m):
    """Every monotonic path from the first to the last pair of steps of sequences of n and m steps."""
    if n == 0 or m == 0:
        return
    if n == m == 1:
        yield [(0, 0)]
    for before in ((n - 1, m), (n, m - 1), (n - 1, m - 1)):
        for path in alignments(*before):
            yield [*path, (n - 1, m - 1)]


def costs(y, target):
    """Cost of every alignment of y (n, O) with target (m, O)."""
    return np.array(
        [sum(((y[i] - target[j]) ** 2).sum() for i, j in path) for path in alignments(len(y), len(target))]
    )


def soft_dtw(y, target, gamma):
    """-gamma log sum exp(-cost / gamma) over all alignments."""
    found = costs(y, target)
    return found.min() - gamma * np.log(np.exp((found.min() - found) / gamma).sum())


def dtw(y, target):
    """The least cost by the textbook recursion."""
    r = np.full((len(y) + 1, len(target) + 1), np.inf)
    r[0, 0] = 0
    for i in range(1, len(y) + 1):
        for j in range(1, len(target) + 1):
            cost = ((y[i - 1] - target[j - 1]) ** 2).sum()
            r[i, j] = cost + min(r[i - 1, j], r[i, j - 1], r[i - 1, j - 1])
    return r[-1, -1]
