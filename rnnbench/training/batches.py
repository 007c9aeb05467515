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
        Arrays that have the type already are not copied; integers stay integers.
    """
    x, target, weight, lengths = batch
    return Batch(_cast(x, dtype), _cast(target, dtype), _cast(weight, dtype), lengths)


def _cast(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if array.dtype == dtype or array.dtype.kind in "iu":
        return array
    return array.astype(dtype)


def scored_values(batch: Batch, loss: Any = "mse") -> float:
    """Return the sum of the weights of known targets, times the outputs for real targets.

    A summed loss divided by it is a mean loss. For CTC it is the weighted number of labels (so the mean is
    over all labels, whereas the reduction "mean" averages the means of the sequences), for soft-DTW the
    weighted number of sequences, and for a function of the task 1.
    """
    kind = loss_name(loss)
    if kind == "ctc":
        return float(batch.weight @ np.maximum(1, (batch.target >= 0).sum(axis=0)))
    if kind not in STEP_LOSSES:
        return float(batch.weight.sum(dtype=np.float64)) if kind == "soft_dtw" else 1.0
    total = float(batch.weight[scored(batch)].sum(dtype=np.float64))
    return total * batch.target.shape[2] if batch.target.ndim == 3 else total
