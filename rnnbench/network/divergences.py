"""Divergences between output and target sequences that are not a sum over steps.

Each compares all outputs of a batch with its targets and returns a value and its gradient.
"""

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from time import perf_counter
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnbench.kernels import ctc as ctc_kernels
from rnnbench.kernels import soft_dtw as soft_dtw_kernels
from rnnbench.network.arrays import InputError, describe
from rnnbench.network.processor_time import counted
from rnnbench.network.sequence_targets import (
    as_floats,
    check_labels,
    check_rows,
    check_sequence_weight,
    steps_needed,
)

Array = NDArray[Any]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NAMES = ("ctc", "soft_dtw")

ctc, soft_dtw = counted(ctc_kernels.ctc), counted(soft_dtw_kernels.soft_dtw)


class Compared(NamedTuple):
    """The result of comparing outputs with targets.

    Attributes
    ----------
    value : float
        The divergence of the batch.
    dy : ndarray (T, B, O)
        Its gradient; 0 beyond each sequence's end. Where `fused`, with respect to the pre-activation.
    """

    value: float
    dy: Array


@dataclass(frozen=True)
class CTC:
    """Connectionist temporal classification: -log of the probability of a label sequence, however aligned.

    Output 0 is the blank. Targets are integer labels (S, B) in 1..O-1; -1 after a sequence's last label. An
    empty target is allowed. For a softmax output.

    Parameters
    ----------
    zero_infinity : bool
        Labels that do not fit into a sequence's steps (equal neighbours need a blank between them) have
        probability 0. False refuses them by name; True leaves such sequences out, value and gradient 0, which
        still count in the mean. PyTorch's option of that name; its False gives an infinite loss instead.

    Notes
    -----
    Reduction "mean" is PyTorch's: each sequence's value over its number of labels (at least 1), then the mean
    over sequences, weighted where weights (B,) are given. "sum" adds the values.

    References
    ----------
    Graves, Fernández, Gomez & Schmidhuber (2006), "Connectionist temporal classification".
    """

    zero_infinity: bool = False
    activation: ClassVar[str] = "softmax"
    fused: ClassVar[bool] = True
    aligned: ClassVar[bool] = False

    def compare(self, y: Array, target: Array, lengths: Integers, weight: Any, reduction: str) -> Compared:
        """Compare outputs (T, B, O) with labels (S, B); arguments as in `Network.loss_and_grad`."""
        labels, counts = check_labels(target, y.shape)
        weight = check_sequence_weight(weight, y.shape[1])
        needed = steps_needed(labels, counts)
        impossible = (needed > lengths) & (weight > 0)
        if impossible.any() and not self.zero_infinity:
            b = int(impossible.argmax())
            raise InputError(
                f"target: {impossible.sum()} of {lengths.size} label sequences cannot be aligned; "
                f"sequence {b}: {counts[b]} labels need at least {needed[b]} steps, it has {lengths[b]} "
                "(loss='ctc:zero_infinity' leaves such sequences out)"
            )
        each = weight / np.maximum(counts, 1)
        scale = each / weight.sum() if reduction == "mean" else weight
        values, dz = self._run(y, lengths, labels, counts, scale)
        return Compared(_weighted_sum(values, np.where(needed > lengths, 0.0, scale)), dz)

    def values(self, y: Array, target: Array, lengths: Integers) -> Floats:
        """Return -log p of each sequence (B,), infinite where the labels cannot be aligned."""
        labels, counts = check_labels(target, y.shape)
        return self._run(y, lengths, labels, counts, np.zeros(lengths.size))[0]

    @staticmethod
    def _run(
        y: Array, lengths: Integers, labels: Integers, counts: Integers, scale: Floats
    ) -> tuple[Floats, Array]:
        values, dz = np.empty(lengths.size), np.empty(y.shape)
        least = float(np.finfo(y.dtype).tiny)
        ctc(as_floats(y), lengths, labels, counts, least, np.ascontiguousarray(scale), values, dz)
        return values, dz.astype(y.dtype, copy=False)


@dataclass(frozen=True)
class SoftDTW:
    """Soft dynamic time warping: a soft minimum, over all monotonic alignments, of summed squared distances.

    Targets are (S, B, O), S not necessarily T; rows of NaN after a sequence's last step are padding. The
    value may be negative.

    Parameters
    ----------
    gamma : float
        Above 0; towards 0 the value becomes that of dynamic time warping.

    Notes
    -----
    Reduction "mean" is over sequences, weighted where weights (B,) are given.

    References
    ----------
    Cuturi & Blondel (2017), "Soft-DTW: a differentiable loss function for time-series".
    """

    gamma: float = 1.0
    activation: ClassVar[str] = ""
    fused: ClassVar[bool] = False
    aligned: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check gamma."""
        number = isinstance(self.gamma, Real) and not isinstance(self.gamma, bool)
        if not number or not 0 < self.gamma < math.inf:
            raise ValueError(f"soft_dtw: gamma={self.gamma} must be a number above 0")

    def compare(self, y: Array, target: Array, lengths: Integers, weight: Any, reduction: str) -> Compared:
        """Compare outputs (T, B, O) with targets (S, B, O); arguments as in `Network.loss_and_grad`."""
        rows, counts = check_rows(target, y.shape)
        weight = check_sequence_weight(weight, y.shape[1])
        scale = weight / weight.sum() if reduction == "mean" else weight
        values, dy = self._run(y, lengths, rows, counts, scale)
        return Compared(_weighted_sum(values, scale), dy)

    def values(self, y: Array, target: Array, lengths: Integers) -> Floats:
        """Return the value of each sequence (B,)."""
        rows, counts = check_rows(target, y.shape)
        return self._run(y, lengths, rows, counts, np.zeros(lengths.size))[0]

    def _run(
        self, y: Array, lengths: Integers, rows: Floats, counts: Integers, scale: Floats
    ) -> tuple[Floats, Array]:
        values, dy = np.empty(lengths.size), np.empty(y.shape)
        soft_dtw(as_floats(y), lengths, rows, counts, float(self.gamma), scale, values, dy)
        return values, dy.astype(y.dtype, copy=False)


@dataclass(frozen=True)
class Own:
    """A user's function ``(y, target) -> (value, dy)``.

    Parameters
    ----------
    function : callable
        Gets y (T, B, O) and the target as it was given; by name `lengths` (B,), `weight` and `reduction`,
        if it has parameters of these names. Beyond a sequence's end y holds its final values or 0, and dy is
        not read.
    """

    function: Callable[..., Any]
    activation: ClassVar[str] = ""
    fused: ClassVar[bool] = False
    aligned: ClassVar[bool] = True

    def compare(self, y: Array, target: Array, lengths: Integers, weight: Any, reduction: str) -> Compared:
        """Call the function; a result that does not fit raises an InputError of one line."""
        offered = {"lengths": lengths.copy(), "weight": weight, "reduction": reduction}
        returned = self.function(y, target, **{k: v for k, v in offered.items() if k in self._takes()})
        name = f"loss {getattr(self.function, '__name__', type(self.function).__name__)}"
        if not isinstance(returned, tuple) or len(returned) != 2:
            raise InputError(f"{name}: must return (value, dy); returned {describe(returned)}")
        value, dy = returned
        if isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind in "fiu":
            value = value.item()
        if isinstance(value, bool) or not isinstance(value, Real):
            raise InputError(f"{name}: the value must be one number; returned {describe(value)}")
        if not isinstance(dy, np.ndarray) or dy.shape != y.shape or dy.dtype.kind != "f":
            raise InputError(
                f"{name}: dy must be {y.shape} floating, (T, B, O) as y; returned {describe(dy)}"
            )
        own = np.array(dy, y.dtype)
        own[np.arange(len(y))[:, None] >= lengths] = 0
        return Compared(float(value), own)

    def values(self, y: Array, target: Array, lengths: Integers) -> Floats:
        """Refuse: the function gives one value for all sequences."""
        raise ValueError("loss: a function gives one value for all sequences, not one for each")

    def _takes(self) -> list[str]:
        try:
            return list(inspect.signature(self.function).parameters)
        except (TypeError, ValueError):
            return []


Divergence = CTC | SoftDTW | Own
#: Anything accepted as a loss.
Loss = str | CTC | SoftDTW | Callable[..., Any]


def between_sequences(loss: Any) -> Divergence | None:
    """Return the divergence for a loss; None for the name of a loss of single steps.

    Parameters
    ----------
    loss : str, CTC, SoftDTW or callable
        "ctc", "ctc:zero_infinity", "soft_dtw", "soft_dtw:0.1" (gamma), an object, or a function
        ``(y, target) -> (value, dy)``.

    Raises
    ------
    ValueError
        An option that the divergence does not have, or an object that is not a loss.
    """
    if isinstance(loss, CTC | SoftDTW | Own):
        return loss
    if isinstance(loss, str):
        name, colon, option = loss.partition(":")
        return _named(loss, name, option if colon else None) if name in NAMES else None
    if callable(loss):
        return Own(loss)
    raise ValueError(f"loss={loss!r}: must be a name, CTC, SoftDTW, or a function (y, target) -> (value, dy)")


def _named(loss: str, name: str, option: str | None) -> Divergence:
    if name == "ctc":
        if option not in (None, "zero_infinity"):
            raise ValueError(f"loss={loss!r}: must be 'ctc' or 'ctc:zero_infinity'")
        return CTC(zero_infinity=option is not None)
    try:
        return SoftDTW() if option is None else SoftDTW(float(option))
    except ValueError:
        raise ValueError(
            f"loss={loss!r}: must be 'soft_dtw' or with gamma, a number above 0: 'soft_dtw:0.1'"
        ) from None


def warm_up(divergence: Divergence | None, dtype: Any) -> float:
    """Compile the kernels of a divergence, or load them from the cache; return the seconds it took."""
    start = perf_counter()
    y, one = np.ones((1, 1, 2), dtype), np.ones(1, np.int64)
    if isinstance(divergence, CTC):
        divergence.compare(y, np.ones((1, 1), np.int64), one, None, "mean")
    elif isinstance(divergence, SoftDTW):
        divergence.compare(y, y, one, None, "mean")
    return perf_counter() - start


def _weighted_sum(values: Floats, scale: Floats) -> float:
    # Values that are left out may be infinite.
    return float(values[scale > 0] @ scale[scale > 0])
