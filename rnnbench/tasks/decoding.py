"""Decoding outputs at every step into a sequence of labels (blank = 0), and its error rate."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
#: The output that stands for "no label here", and the padding behind labels.
BLANK, NO_LABEL = 0, -1


def best_path(y: Array, lengths: Array | None = None) -> list[list[int]]:
    """Take the largest output of every step; repetitions count once, then blanks are left out.

    Parameters
    ----------
    y : ndarray (T, B, K)
        Outputs; a step with one that is not finite counts as blank.
    lengths : ndarray (B,), optional
        Steps of each sequence.

    Returns
    -------
    list of list of int
        Labels of each sequence. The most likely path, which need not give the most likely labels.
    """
    path = np.where(np.isfinite(y).all(axis=2), y.argmax(axis=2), BLANK)
    kept = path != BLANK
    kept[1:] &= path[1:] != path[:-1]
    if lengths is not None:
        kept &= np.arange(len(path))[:, None] < lengths
    return [[int(k) for k in path[kept[:, b], b]] for b in range(path.shape[1])]


def prefix_search(y: Array, width: int = 16) -> tuple[list[int], float]:
    """Search, along the steps of one sequence, for the labels of the largest summed probability.

    Parameters
    ----------
    y : ndarray (T, K)
        Softmax outputs of one sequence.
    width : int
        Prefixes kept after each step.

    Returns
    -------
    (list of int, float)
        The labels, and the log of the probability of the alignments that were kept.

    References
    ----------
    Graves et al. (2006), section 3.2, as a beam: Hannun et al. (2014), arXiv:1408.2873.
    """
    # For each prefix: log probability of ending in a blank, and in its last label.
    beam: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -math.inf)}
    with np.errstate(divide="ignore"):
        logs = np.log(np.asarray(y, np.float64))
    for row in logs:
        grown: dict[tuple[int, ...], tuple[float, float]] = {}

        def add(prefix: tuple[int, ...], in_blank: float, in_label: float, to: Any = grown) -> None:
            old = to.get(prefix, (-math.inf, -math.inf))
            to[prefix] = float(np.logaddexp(old[0], in_blank)), float(np.logaddexp(old[1], in_label))

        for prefix, (blank, label) in beam.items():
            both = float(np.logaddexp(blank, label))
            add(prefix, both + row[BLANK], -math.inf)
            for k in range(1, len(row)):
                if prefix and k == prefix[-1]:
                    add(prefix, -math.inf, label + row[k])
                    add((*prefix, k), -math.inf, blank + row[k])
                else:
                    add((*prefix, k), -math.inf, both + row[k])
        best = sorted(grown, key=lambda p: (-np.logaddexp(*grown[p]), p))[:width]
        beam = {prefix: grown[prefix] for prefix in best}
    labels = max(beam, key=lambda p: np.logaddexp(*beam[p]))
    return list(labels), float(np.logaddexp(*beam[labels]))


def edit_distance(a: Sequence[int], b: Sequence[int]) -> int:
    """Return the least number of insertions, deletions and substitutions from one sequence to the other."""
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, start=1):
        before, row[0] = row[0], i
        for j, right in enumerate(b, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (left != right))
    return row[-1]


def labels_of(target: Array) -> list[list[int]]:
    """Return the label sequences of a target (S, B), -1 behind the last label, as lists."""
    return [[int(k) for k in column if k != NO_LABEL] for column in target.T]


def label_error_rate(y: Array, target: Array, weight: Array, lengths: Array | None = None) -> float:
    """Return the edit distance of best paths to the targets over the number of labels.

    Parameters
    ----------
    y : ndarray (T, B, K)
        Outputs.
    target : ndarray of int64 (S, B)
        Labels, -1 behind the last one.
    weight : ndarray (B,)
        Of each sequence; 0 leaves it out.
    lengths : ndarray (B,), optional
        Steps of each sequence.

    Returns
    -------
    float
        0 for the right labels, 1 for none at all; may exceed 1. Weighted sums over all sequences.
    """
    wanted = labels_of(target)
    found = best_path(y, lengths)
    errors = np.array(
        [edit_distance(a, b) if w > 0 else 0 for a, b, w in zip(found, wanted, weight, strict=True)]
    )
    counts = np.array([len(labels) for labels in wanted])
    return float(weight @ errors / max(float(weight @ counts), 1e-300))


def constant_ctc(target: Array, weight: Array, lengths: Array, outputs: int) -> float:
    """Return the mean CTC loss of the best output that is the same at every step, all labels alike in it.

    With b for the blank and q = (1 - b) / (K - 1) for each label, a way of writing L labels, r of them equal
    to their neighbour before, with j blanks in T steps has probability b^j q^(T - j), and there are
    C(T - j - 1, L - 1) C(j - r + L, L) of them. Exact where all labels are equally frequent.

    Parameters
    ----------
    target, weight, lengths
        As in `label_error_rate`.
    outputs : int
        K, the blank included.
    """
    counts = (target != NO_LABEL).sum(axis=0)
    inside = np.arange(1, max(1, len(target)))[:, None] < counts
    repeats = ((target[1:] == target[:-1]) & inside).sum(axis=0)
    kinds, number = np.unique(np.stack([lengths, counts, repeats]), axis=1, return_inverse=True)
    share = np.bincount(number.ravel(), weights=weight / np.maximum(counts, 1)) / weight.sum()
    grid = np.concatenate([[1e-3], np.linspace(0.01, 0.99, 99), [0.999]])
    for _ in range(4):
        each = [_log_losses(*(int(n) for n in kind), blank=grid, outputs=outputs) for kind in kinds.T]
        total = share @ np.array(each)
        at = int(np.argmin(total))
        least = float(total[at])
        grid = np.linspace(grid[max(0, at - 1)], grid[min(len(grid) - 1, at + 1)], 21)
    return least


def _log_losses(steps: int, count: int, repeats: int, *, blank: Array, outputs: int) -> Array:
    """Return -log p of `count` labels in `steps` steps for every probability of the blank."""
    log_b, log_q = np.log(blank), np.log((1.0 - blank) / max(1, outputs - 1))
    if count == 0:
        return np.asarray(-steps * log_b)
    terms = [
        _log_choose(steps - j - 1, count - 1)
        + _log_choose(j - repeats + count, count)
        + j * log_b
        + (steps - j) * log_q
        for j in range(repeats, steps - count + 1)
    ]
    return np.asarray(-np.logaddexp.reduce(np.array(terms)) if terms else np.full(blank.shape, np.inf))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
