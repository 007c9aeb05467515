"""Batches in the type of the parameters."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.tasks.contract import STEP_LOSSES, Batch, loss_name, scored


def cast(batch: Batch, dtype: np.dtype[Any]) -> Batch:
    """Return a batch whose floats have one type.

    Parameters
    ----------
    batch : Batch
        x (T, B, I) or integers (T, B); target (T, B, O) or labels (T, B); weight (T, B); lengths (B,) or
        None.
    dtype : numpy.dtype
        float32 or float64.

    Returns
    -------
    Batch
        Arrays that are already right are not copied; integers stay integers.
    """
    x, target, weight, lengths = batch
    return Batch(_cast(x, dtype), _cast(target, dtype), _cast(weight, dtype), lengths)


def _cast(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if array.dtype == dtype or array.dtype.kind in "iu":
        return array
    return array.astype(dtype)


def scored_values(batch: Batch, loss: Any = "mse") -> float:
    """Return the sum of the weights of known targets, times the outputs for real targets.

    It is what a summed loss is divided by to become a mean one. For CTC it is the number of labels (a mean
    over all labels, where the reduction "mean" is one over sequences of means over labels), for soft-DTW that
    of sequences, weighted; for a function, whose value is its own, 1.
    """
    kind = loss_name(loss)
    if kind == "ctc":
        return float(batch.weight @ np.maximum(1, (batch.target >= 0).sum(axis=0)))
    if kind not in STEP_LOSSES:
        return float(batch.weight.sum(dtype=np.float64)) if kind == "soft_dtw" else 1.0
    total = float(batch.weight[scored(batch)].sum(dtype=np.float64))
    return total * batch.target.shape[2] if batch.target.ndim == 3 else total
