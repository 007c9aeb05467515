"""Norms that do not underflow: a derivative that is not 0 has a norm that is not 0."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def norm(array: NDArray[Any], axes: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the root of the sum of squares over axes, in float64.

    Parameters
    ----------
    array : ndarray
        Values of any size: they are divided by the largest before they are squared.
    axes : tuple of int
        The axes that are summed over.
    """
    exact = np.asarray(array, np.float64)
    top = np.abs(exact).max(axis=axes, keepdims=True, initial=0.0)
    # Where all is 0, or something infinite or NaN, there is nothing to divide by.
    scale = np.where((top > 0) & np.isfinite(top), top, 1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        root: NDArray[np.float64] = np.sqrt(np.sum((exact / scale) ** 2, axis=axes))
        return root * scale.squeeze(axes)
