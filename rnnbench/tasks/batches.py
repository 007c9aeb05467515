"""Batches of sequences, and the loss, accuracy and relative score of outputs on them."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Batch(NamedTuple):
    """Sequences of one draw, time-major and C-contiguous.

    Parameters
    ----------
    x : ndarray (T, B, I) of float32, or (T, B) of int64
        Inputs; integers are one-hot indices.
    target : ndarray (T, B, O) of float32, or labels (T, B) of int64
        NaN is a target that is not known. For the loss "ctc" label sequences (S, B) of int64 in 1..O-1, -1
        behind the last label; for "soft_dtw" sequences (S, B, O), rows of NaN behind the last step.
    weight : ndarray (T, B) of float32
        0 = this step is not scored. For "ctc" and "soft_dtw" (B,): 0 = this sequence is not scored.
    lengths : ndarray (B,) of int64, or None
        Steps of each sequence; None when all have T.
    """

    x: Array
    target: Array
    weight: Array
    lengths: Array | None = None


class Chunk(NamedTuple):
    """The next steps of parallel streams.

    Parameters
    ----------
    batch : Batch
        Sequences that continue those of the chunk before.
    reset : ndarray (B,) of bool
        Flags of the sequences that start anew with this chunk instead.
    """

    batch: Batch
    reset: NDArray[np.bool_]


def scored(batch: Batch) -> NDArray[np.bool_]:
    """Mask (T, B) of the steps that count: positive weight and known target; (B,) where sequences do."""
    steps = batch.weight > 0
    if batch.target.ndim == 3 and steps.ndim == 2:
        steps &= ~np.isnan(batch.target).any(axis=-1)
    return np.asarray(steps)


def _scored_rows(batch: Batch) -> tuple[NDArray[np.bool_], Array, Array]:
    """Return the mask, the targets (N, O) in float64 or labels (N,), and the weights (N,) that sum to 1."""
    steps = scored(batch)
    weight = batch.weight[steps].astype(np.float64)
    if weight.size == 0:
        raise ValueError("no step of this batch is scored: the sum of its weights is 0")
    target = batch.target[steps]
    return steps, target.astype(np.float64) if target.ndim == 2 else target, weight / weight.sum()


def mean_loss(y: Array, batch: Batch, loss: str) -> float:
    """Mean loss of outputs over the scored steps.

    ``mse``, ``binary_cross_entropy`` = sum of w l / (sum of w, times O); ``cross_entropy`` = sum of w l / sum
    of w.
    """
    steps, target, weight = _scored_rows(batch)
    rows = y[steps].astype(np.float64)
    if loss == "mse":
        return float(weight @ ((rows - target) ** 2).mean(axis=1))
    smallest = np.finfo(np.float32).tiny
    if loss == "cross_entropy":
        return float(weight @ -np.log(np.maximum(rows[np.arange(len(rows)), target], smallest)))
    hit, miss = np.log(np.maximum(rows, smallest)), np.log(np.maximum(1.0 - rows, smallest))
    return float(weight @ -(target * hit + (1.0 - target) * miss).mean(axis=1))


def best_constant_loss(batch: Batch, loss: str) -> float:
    """Loss of the best constant: variance of the targets, or entropy of the classes, over scored steps."""
    _, target, weight = _scored_rows(batch)
    if loss == "cross_entropy":
        return _entropy(np.bincount(target, weights=weight))
    mean = weight @ target
    if loss == "mse":
        return float((weight @ (target - mean) ** 2).mean())
    return float(np.mean([_entropy(np.array([p, 1.0 - p])) for p in mean]))


def _entropy(p: Array) -> float:
    p = p[p > 0]
    return float(-(p @ np.log(p)))


def accuracy(y: Array, batch: Batch) -> float:
    """Weighted share of the scored steps that are right; an output that is not finite is wrong.

    Labels: the largest output is the label's. Targets of 0 and 1: each output lies on the target's side of
    0.5.
    """
    steps, target, weight = _scored_rows(batch)
    rows = y[steps]
    finite = np.isfinite(rows).all(axis=1)
    right = (
        rows.argmax(axis=1) == target if target.ndim == 1 else ((rows > 0.5) == (target > 0.5)).mean(axis=1)
    )
    # The weights sum to 1 only up to rounding; dividing equal sums makes a perfect score exactly 1.
    return float(weight @ (finite * right) / (weight @ np.ones_like(weight)))


def relative_score(loss: float, constant: float) -> float:
    """1 - loss / constant; where the best constant makes no error, 1 for no error and -inf for any other."""
    if constant > 0.0:
        return 1.0 - loss / constant
    return 1.0 if loss == 0.0 else -math.inf
