"""Memory capacity: how much of a random input's past a linear readout finds in a network's values."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnbench.base.arguments import whole_number

#: Singular values below this share of the largest carry rounding errors and no memory.
RANK_TOLERANCE = 1e-10


class MemoryCapacity(NamedTuple):
    """Memory capacity and what it is the sum of.

    Attributes
    ----------
    total : float
        Sum of `by_lag` over the lags from 1: at most `units`.
    by_lag : ndarray (K + 1,)
        r^2 of the input k steps ago with its best linear readout; row 0, the present, is not counted.
    units : int
        Number of units that were read.
    """

    total: float
    by_lag: NDArray[np.float64]
    units: int


def memory_capacity(
    net: Any,
    params: Any,
    *,
    boxes: Sequence[str] | None = None,
    max_lag: int | None = None,
    steps: int = 4000,
    channel: int = 0,
    scale: float = 0.5,
    seed: int = 0,
) -> MemoryCapacity:
    """Return Jaeger's short-term memory capacity.

    ``MC = sum over k >= 1 of r^2(u_{t-k}, v_t w_k)``, u independent and uniform in [-scale, scale], v_t the
    units' values at step t, w_k the best linear readout (with a constant).

    Parameters
    ----------
    net : Network
        Any network; it runs in closed loop.
    params : Parameters
        Its parameters. Weights in float32 remember no more than their noise lets through.
    boxes : sequence of str, optional
        Those that are read; by default all but the output, or the output where it is the only one.
    max_lag : int, optional
        K, the largest lag that is tried; twice the number of units by default.
    steps : int
        Steps that are measured, after K + 100 that are not.
    channel : int
        The input that is u; the others are 0.
    scale : float
        Largest |u|. Small inputs keep tanh units nearly linear: for them the capacity depends on it.
    seed : int
        Of u.

    Returns
    -------
    MemoryCapacity
        The total never exceeds the number of units.

    Raises
    ------
    ValueError
        An unknown box or channel, a number out of range, or steps that are not ten times the units and lags.

    References
    ----------
    Jaeger (2001), "Short term memory in echo state networks", GMD Report 152, definition 1 and proposition 2
    (MC <= N). Departures: delayed inputs are made exactly uncorrelated over the sample (those of shorter lags
    are taken out of longer ones, and all of the present one), so that the bound holds in every sample and not
    only in expectation; and the part of r^2 that chance explains, N / steps, is taken out (adjusted r^2, at
    least 0).
    """
    names = [box.name for box in net.boxes]
    if boxes is None:
        boxes = [name for name in names if name != net.output] or [net.output]
    for name in boxes:
        if name not in names:
            raise ValueError(f"boxes: {name!r} is no box; there are {', '.join(names)}")
    whole_number("channel", channel, 0, net.n_in - 1)
    if not scale > 0:
        raise ValueError(f"scale={scale}: must be above 0")
    units = sum(box.size for box in net.boxes if box.name in boxes)
    lags = 2 * units if max_lag is None else whole_number("max_lag", max_lag, 1)
    if steps < 10 * max(units, lags):
        raise ValueError(f"steps={steps}: must be at least {10 * max(units, lags)}, ten times units and lags")
    before = lags + 100
    u = np.random.default_rng(seed).uniform(-scale, scale, before + steps)
    x = np.zeros((len(u), 1, net.n_in), params.vector.dtype)
    x[:, 0, channel] = u
    values = net.values(params, x)
    # As the network saw it: rounded to the parameters' type.
    u = x[:, 0, channel].astype(np.float64)
    read = np.concatenate([values[name][before:, 0] for name in boxes], axis=1).astype(np.float64)
    if not np.isfinite(read).all():
        return MemoryCapacity(float("nan"), np.full(lags + 1, np.nan), units)
    order = [*range(1, lags + 1), 0]
    delayed = np.stack([u[before - k : len(u) - k] for k in order], axis=1)
    by_lag = _explained(_basis(read), np.linalg.qr(delayed - delayed.mean(axis=0))[0])[np.argsort(order)]
    return MemoryCapacity(min(float(by_lag[1:].sum()), float(units)), by_lag, units)


def _basis(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an orthonormal basis of what linear readouts can reach beside a constant: (steps, rank)."""
    left, sizes, _ = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    kept: NDArray[np.float64] = left[:, sizes > RANK_TOLERANCE * max(float(sizes[0]), 1e-300)]
    return kept


def _explained(basis: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the adjusted r^2 of each column of `wanted` (orthonormal) on the basis."""
    steps, rank = basis.shape
    r2 = np.minimum(((basis.T @ wanted) ** 2).sum(axis=0), 1.0)
    return np.asarray(1 - (1 - r2) * (steps - 1) / (steps - rank - 1)).clip(min=0.0)
