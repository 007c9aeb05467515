"""Compiling, or loading from the cache, before anything is timed."""

from time import perf_counter

import numpy as np
from numpy.typing import DTypeLike

from rnnbench.network.description import Arrow, Box
from rnnbench.network.network import Network


def warm_up(dtype: DTypeLike = np.float32) -> float:
    """Compile the kernels for a type, or load them from the cache.

    Parameters
    ----------
    dtype : float32 or float64
        Type of the parameters to come.

    Returns
    -------
    float
        Seconds it took; about 0 when they are already in this process.
    """
    start = perf_counter()
    net = Network([Box("y", 1, "linear")], [Arrow("x", "y"), Arrow("y", "y", lag=1)], n_in=1)
    x = np.zeros((1, 1, 1), dtype)
    net.loss_and_grad(net.init(dtype=dtype), x, x, loop="open")
    return perf_counter() - start
