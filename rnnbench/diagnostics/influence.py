"""Influence: how strongly an output depends on an input some steps away, and how far back that goes."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnbench.base.arguments import choice
from rnnbench.diagnostics.norms import norm as frobenius
from rnnbench.network import InputError

Array = NDArray[Any]
NORMS = ("frobenius", "spectral")
#: Rows (steps times sequences) that go backward at a time.
MOST_ROWS = 1 << 16


class Influence(NamedTuple):
    """Norms of the Jacobians dy_at / dx_{at - lag}.

    Attributes
    ----------
    lags : ndarray of int (L,)
        Ascending; lag k is k steps before the output, negative lags lie behind it.
    norms : ndarray (L, B)
        For each sequence; NaN where it has no such step.
    """

    lags: NDArray[np.int64]
    norms: NDArray[np.float64]

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean over the sequences that have such a step, (L,); 0 exactly where every norm is 0."""
        there = ~np.isnan(self.norms)
        total = np.where(there, self.norms, 0.0).sum(axis=1)
        count = there.sum(axis=1)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def influence(
    net: Any,
    params: Any,
    x: Array,
    *,
    at: int | None = None,
    gates: str = "open",
    norm: str = "frobenius",
    target: Array | None = None,
    loop: Any = "closed",
    weight: Array | None = None,
    lengths: Any = None,
    state: Mapping[str, Array] | None = None,
) -> Influence:
    """Return the norm of dy_at / dx_t for every step t, exactly: by back-propagation, not by trying.

    ``J_k = d y_at / d x_{at - k}``, an (O, I) matrix for each sequence; the norm of J_k against the lag k.
    One backward pass for each output unit, all of them in one batch.

    Parameters
    ----------
    net : Network
        Any network.
    params : Parameters
        float64 ones give norms down to 1e-308.
    x : ndarray (T, B, I), or integer (T, B)
        Where the derivative is taken. For integers it is the derivative with respect to the one-hot vectors.
    at : int, optional
        The step of the output; by default each sequence's own last one.
    gates : "open" or "declared"
        "open": the true derivative of what is computed. "declared": what training sees of it. That the second
        is 0 where the first is not is what "the error does not propagate into the past" means.
    norm : "frobenius" or "spectral"
        Root of the sum of squares, or largest singular value, of each matrix.
    target, loop, weight, lengths, state
        As in `Network.forward`. In the open loop what is fed back are targets, which depend on no input.

    Returns
    -------
    Influence
        With L = T lags where all sequences are equally long.

    Raises
    ------
    InputError
        An array that does not fit.
    ValueError
        Unknown gates or norm, or a step outside a sequence.

    References
    ----------
    The Jacobians across time of Bengio, Simard & Frasconi (1994), "Learning long-term dependencies with
    gradient descent is difficult", IEEE Transactions on Neural Networks 5(2), 157-166, section IV; and, with
    respect to inputs, Lin, Horne, Tino & Giles (1996), "Learning long-term dependencies in NARX recurrent
    neural networks", IEEE Transactions on Neural Networks 7(6), 1329-1338. Differs from both in taking every
    output unit, and in the gates.
    """
    choice("norm", norm, NORMS)
    if not isinstance(x, np.ndarray) or x.ndim < 2 or x.shape[0] == 0:
        raise InputError("x: expected (T, B, I), or integers (T, B), with at least one step")
    steps, sequences = x.shape[:2]
    ends = np.full(sequences, steps) if lengths is None else np.asarray(lengths, np.int64)
    places = ends - 1 if at is None else np.full(sequences, at)
    if np.any((places < 0) | (places >= ends)):
        raise ValueError(f"at={at}: must be a step of every sequence, 0 to {int(ends.min()) - 1}")
    outside = {"target": target, "weight": weight, "lengths": lengths, "state": state}
    rows = _jacobians(net, params, x, places, {**outside, "loop": loop, "gates": gates})
    norms = frobenius(rows, (2, 3)) if norm == "frobenius" else _spectral(rows)
    lags = np.arange(int(places.min()) - (steps - 1), int(places.max()) + 1)
    wanted = places[None, :] - lags[:, None]
    inside = (wanted >= 0) & (wanted < ends)
    found = np.take_along_axis(norms, np.clip(wanted, 0, steps - 1), axis=0)
    kept = inside.any(axis=1)
    return Influence(lags[kept], np.where(inside, found, np.nan)[kept])


def _jacobians(
    net: Any, params: Any, x: Array, places: NDArray[np.int64], call: dict[str, Any]
) -> NDArray[np.float64]:
    """Return dy_at / dx_t for all t: (T, B, O, I). Each output unit is a copy of the batch."""
    steps, sequences = x.shape[:2]
    outputs, many = net.n_out, max(1, MOST_ROWS // (steps * sequences))
    found = np.empty((steps, sequences, outputs, net.n_in))
    for first in range(0, outputs, many):
        units = np.arange(first, min(first + many, outputs))
        dy = np.zeros((steps, len(units), sequences, outputs), params.vector.dtype)
        for n, unit in enumerate(units):
            dy[places, n, np.arange(sequences), unit] = 1
        dy = dy.reshape(steps, len(units) * sequences, outputs)
        copies = {name: _repeated(name, value, len(units)) for name, value in call.items()}
        _, dx, _ = net.backward(params, _tiled(x, len(units), 1), dy, **copies)
        parts = dx.reshape(steps, len(units), sequences, net.n_in)
        found[:, :, units] = np.moveaxis(parts, 1, 2)
    return found


def _repeated(name: str, value: Any, times: int) -> Any:
    """Return an argument of `Network.backward` for so many copies of the batch."""
    if value is None or name in ("loop", "gates"):
        return value
    if name == "lengths":
        return np.tile(np.asarray(value, np.int64), times)
    if name == "state":
        return {box: _tiled(rows, times, 0 if box == "step" else 1) for box, rows in value.items()}
    return _tiled(value, times, 1)


def _tiled(array: Array, times: int, axis: int) -> Array:
    return np.ascontiguousarray(np.concatenate([array] * times, axis=axis)) if times > 1 else array


def _spectral(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    finite = np.asarray(np.isfinite(matrices).all(axis=(2, 3)))
    plain: NDArray[np.float64] = np.where(finite[..., None, None], matrices, 0.0)
    # Squares of what the singular values are made of underflow; shares of the largest do not.
    scale = np.abs(plain).max(axis=(2, 3), initial=0.0)
    sizes = np.linalg.svd(plain / np.where(scale > 0, scale, 1.0)[..., None, None], compute_uv=False)
    return np.where(finite, sizes[..., 0] * scale, np.nan)


def effective_memory(found: Influence, share: float = 0.01) -> int:
    """Return the largest lag whose influence exceeds a share of the largest influence.

    Parameters
    ----------
    found : Influence
        From `influence`; the mean over the sequences counts.
    share : float
        Between 0 and 1; 0 asks for the largest lag with any influence at all.

    Returns
    -------
    int
        0 or more: the distance in steps, to whichever side (a bidirectional network reaches into the future
        too). 0 where there is no influence from another step; T - 1 at most, so a sequence must be longer
        than the memory that is to be found.

    Raises
    ------
    ValueError
        The share does not lie in [0, 1).
    """
    if not 0 <= share < 1:
        raise ValueError(f"share={share}: must lie in [0, 1)")
    mean = found.mean
    known = np.nan_to_num(mean, nan=0.0)
    reached = np.abs(found.lags[known > share * known.max(initial=0.0)])
    return int(reached.max(initial=0))
