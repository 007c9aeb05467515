"""Batches in the type of the parameters."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.tasks.contract import Batch, scored


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


def scored_values(batch: Batch) -> float:
    """Return the sum of the weights of known targets, times the outputs for real targets.

    It is what a summed loss is divided by to become a mean one.
    """
    total = float(batch.weight[scored(batch)].sum(dtype=np.float64))
    return total * batch.target.shape[2] if batch.target.ndim == 3 else total
