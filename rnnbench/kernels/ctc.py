"""Connectionist temporal classification: forward and backward sums over alignments, in log space.

References
----------
Graves, A., Fernández, S., Gomez, F., Schmidhuber, J. (2006). Connectionist temporal classification: labelling
unsegmented sequence data with recurrent neural networks. ICML.
"""

import math

import numpy as np

from rnnbench.kernels.compilation import kernel

#: Of two terms whose logarithms differ by more, the smaller one changes no digit of the sum.
NEGLIGIBLE = 40.0
#: The output that stands for "no label here".
BLANK = 0


@kernel(ordered=True)
def _log_sum(a, b):
    high, low = (a, b) if a > b else (b, a)
    # Both may be -inf, whose difference is NaN.
    if low == -np.inf or high - low > NEGLIGIBLE:
        return high
    return high + math.log1p(math.exp(low - high))


@kernel(ordered=True)
def _log(p, least):
    # NaN stays NaN.
    return math.log(least if p < least else p)


@kernel(ordered=True)
def _skips(extended, s):
    """Whether the blank before place s may be left out: s holds another label than two places before."""
    return s >= 2 and extended[s] != BLANK and extended[s] != extended[s - 2]


@kernel(ordered=True)
def _extend(labels, count, b, extended):
    # A blank before, between and behind the labels.
    for s in range(2 * count + 1):
        extended[s] = labels[s // 2, b] if s % 2 == 1 else BLANK


@kernel(ordered=True)
def _forward_sums(logs, steps, extended, places, alpha):
    """Fill log alpha (steps, places), each step's own output included; -inf where no path leads."""
    for t in range(steps):
        # What lies outside this band cannot be reached, or cannot end in time.
        low, high = max(0, places - 2 * (steps - t)), min(places, 2 * (t + 1))
        for s in range(places):
            alpha[t, s] = -np.inf
        for s in range(low, high):
            before = 0.0 if t == 0 else alpha[t - 1, s]
            if t > 0 and s > 0:
                before = _log_sum(before, alpha[t - 1, s - 1])
            if t > 0 and _skips(extended, s):
                before = _log_sum(before, alpha[t - 1, s - 2])
            alpha[t, s] = before + logs[t, s]


@kernel(ordered=True)
def _step_back(logs, t, steps, extended, places, later, beta):
    """Replace log beta of step t + 1 by that of step t; outputs of later steps included, its own not."""
    for s in range(places):
        later[s] = beta[s] + logs[t + 1, s]
    # Elsewhere alpha or beta is -inf.
    for s in range(max(0, places - 2 * (steps - t)), min(places, 2 * (t + 1))):
        beta[s] = later[s]
        if s + 1 < places:
            beta[s] = _log_sum(beta[s], later[s + 1])
        if s + 2 < places and _skips(extended, s + 2):
            beta[s] = _log_sum(beta[s], later[s + 2])


@kernel(ordered=True)
def ctc(y, lengths, labels, counts, least, scale, values, dz):
    """Return -log p(labels | y) of each sequence, and the gradient of their scaled sum.

    ``p`` sums, over all ways of writing the labels along the steps (each label for one or more steps, blanks
    before, between and behind them, at least one blank between two equal labels), the product of the outputs.

    Parameters
    ----------
    y : ndarray of float64 (T, B, K)
        Softmax outputs; beyond a sequence's steps they are not read. Index 0 is the blank.
    lengths : ndarray of int64 (B,)
        Steps of each sequence.
    labels : ndarray of int64 (S, B)
        Labels in 1..K-1; beyond a sequence's count they are not read.
    counts : ndarray of int64 (B,)
        Labels of each sequence, 0 for none.
    least : float
        Outputs count as at least this, above 0.
    scale : ndarray of float64 (B,)
        Factor of each sequence's value in the gradient.
    values : ndarray of float64 (B,)
        Filled; infinite where the labels, with a blank between equal ones, need more steps than there are.
    dz : ndarray of float64 (T, B, K)
        Filled: gradient with respect to the pre-activations of the softmax, y minus the probability that the
        step stands for that label given all labels. 0 beyond each sequence's steps and where the value is
        infinite.
    """
    dz.reshape(dz.size)[:] = 0.0
    most = 2 * labels.shape[0] + 1
    extended, later, beta = np.empty(most, np.int64), np.empty(most), np.empty(most)
    alpha, logs = np.empty((y.shape[0], most)), np.empty((y.shape[0], most))
    for b in range(lengths.size):
        steps, places = lengths[b], 2 * counts[b] + 1
        _extend(labels, counts[b], b, extended)
        for t in range(steps):
            for s in range(places):
                logs[t, s] = _log(y[t, b, extended[s]], least)
        _forward_sums(logs, steps, extended, places, alpha)
        whole = alpha[steps - 1, places - 1]
        if places > 1:
            whole = _log_sum(whole, alpha[steps - 1, places - 2])
        values[b] = -whole
        if whole == -np.inf:
            continue
        for s in range(places):
            beta[s] = 0.0 if s >= places - 2 else -np.inf
        for t in range(steps - 1, -1, -1):
            if t < steps - 1:
                _step_back(logs, t, steps, extended, places, later, beta)
            for k in range(y.shape[2]):
                dz[t, b, k] = scale[b] * y[t, b, k]
            for s in range(places):
                if alpha[t, s] > -np.inf and beta[s] > -np.inf:
                    dz[t, b, extended[s]] -= scale[b] * math.exp(alpha[t, s] + beta[s] - whole)
