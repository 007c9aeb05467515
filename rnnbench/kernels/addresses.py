"""The addresses of what every step calls, for the tables of a network."""

import numpy as np
from numba import from_dtype, types
from numpy.typing import DTypeLike, NDArray

from rnnbench.kernels.activations import activate_rows, pull_back_rows
from rnnbench.kernels.native import native_address
from rnnbench.kernels.tiles import cover, cover_few


def addresses(dtype: DTypeLike) -> NDArray[np.int64]:
    """Return the addresses that `rnnbench.kernels.tables` numbers, compiled for a type."""
    real = from_dtype(np.dtype(dtype))
    counts = {cover: 8, cover_few: 8, activate_rows: 5, pull_back_rows: 7}
    return np.array(
        [native_address(f, types.void(real, *[types.intp] * n)) for f, n in counts.items()], np.int64
    )
