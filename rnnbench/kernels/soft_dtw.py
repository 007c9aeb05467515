"""Soft dynamic time warping: a soft minimum over all alignments of two sequences.

References
----------
Cuturi, M., Blondel, M. (2017). Soft-DTW: a differentiable loss function for time-series. ICML. Algorithms 1
and 2.
"""

import math

import numpy as np

from rnnbench.kernels.compilation import kernel


@kernel(ordered=True)
def _soft_minimum(a, b, c, gamma):
    least = min(a, min(b, c))
    if least == np.inf:
        return least
    total = math.exp((least - a) / gamma) + math.exp((least - b) / gamma) + math.exp((least - c) / gamma)
    return least - gamma * math.log(total)


@kernel(ordered=True)
def _sums(cost, n, m, gamma, r):
    """Algorithm 1: r[i, j] is the soft minimum over alignments of the first i and j steps."""
    for i in range(n + 1):
        r[i, 0] = np.inf
    for j in range(m + 1):
        r[0, j] = np.inf
    r[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            before = _soft_minimum(r[i - 1, j], r[i - 1, j - 1], r[i, j - 1], gamma)
            r[i, j] = cost[i - 1, j - 1] + before


@kernel(ordered=True)
def _expected_alignment(cost, n, m, gamma, r, e):
    """Algorithm 2: e[i, j] is the derivative of the value with respect to the cost of steps i and j."""
    for i in range(n - 1, -1, -1):
        for j in range(m - 1, -1, -1):
            here, total = r[i + 1, j + 1], 1.0 if i == n - 1 and j == m - 1 else 0.0
            if i + 1 < n:
                total += e[i + 1, j] * math.exp((r[i + 2, j + 1] - here - cost[i + 1, j]) / gamma)
            if j + 1 < m:
                total += e[i, j + 1] * math.exp((r[i + 1, j + 2] - here - cost[i, j + 1]) / gamma)
            if i + 1 < n and j + 1 < m:
                total += e[i + 1, j + 1] * math.exp((r[i + 2, j + 2] - here - cost[i + 1, j + 1]) / gamma)
            e[i, j] = total


@kernel(ordered=True)
def soft_dtw(y, lengths, target, counts, gamma, scale, values, dy):
    """Return soft-DTW of each sequence with its target, and the gradient of their scaled sum.

    The cost of a pair of steps is ``sum over outputs of (y - target)**2``; an alignment goes from the first
    pair to the last by one step in y, in the target, or in both; the value is the soft minimum
    ``-gamma log sum exp(-cost / gamma)`` over all alignments. It may be negative.

    Parameters
    ----------
    y : ndarray of float64 (T, B, O)
        Outputs; beyond a sequence's steps they are not read.
    lengths : ndarray of int64 (B,)
        Steps of each sequence.
    target : ndarray of float64 (S, B, O)
        Targets; beyond a sequence's count they are not read.
    counts : ndarray of int64 (B,)
        Steps of each target, 1 or more.
    gamma : float
        Above 0; towards 0 the value becomes that of dynamic time warping.
    scale : ndarray of float64 (B,)
        Factor of each sequence's value in the gradient.
    values : ndarray of float64 (B,)
        Filled.
    dy : ndarray of float64 (T, B, O)
        Filled; 0 beyond each sequence's steps.
    """
    dy.reshape(dy.size)[:] = 0.0
    outputs, longest, most = y.shape[2], y.shape[0], target.shape[0]
    cost, e = np.empty((longest, most)), np.empty((longest, most))
    r = np.empty((longest + 1, most + 1))
    for b in range(lengths.size):
        n, m = lengths[b], counts[b]
        for i in range(n):
            for j in range(m):
                total = 0.0
                for o in range(outputs):
                    error = y[i, b, o] - target[j, b, o]
                    total += error * error
                cost[i, j] = total
        _sums(cost, n, m, gamma, r)
        values[b] = r[n, m]
        _expected_alignment(cost, n, m, gamma, r, e)
        for i in range(n):
            for j in range(m):
                factor = 2.0 * scale[b] * e[i, j]
                for o in range(outputs):
                    dy[i, b, o] += factor * (y[i, b, o] - target[j, b, o])
