"""The addresses of what every step calls, for the tables of a network."""

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnnbench.kernels.activations import activate_rows, pull_back_rows
from rnnbench.kernels.pointers import pointer
from rnnbench.kernels.tiles import cover, cover_few
from rnnbench.kernels.vectors import EXPLICIT


def addresses(dtype: DTypeLike) -> NDArray[np.int64]:
    """Return the addresses that `rnnbench.kernels.tables` numbers, compiled for a type; 0 for plain loops."""
    counts = {cover: 8, cover_few: 8, activate_rows: 5, pull_back_rows: 7}
    real = np.dtype(dtype).type(0)
    found = [pointer(f, real, *[0] * n) if EXPLICIT else 0 for f, n in counts.items()]
    return np.array(found, np.int64)
