"""Checks of the targets and weights of a divergence between sequences."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.network.arrays import InputError, describe

Array = NDArray[Any]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Padding after the labels of a sequence.
NO_LABEL = -1


def check_labels(target: Any, shape: tuple[int, ...]) -> tuple[Integers, Integers]:
    """Check label sequences (S, B), -1 after the last label; return them and the labels of each (B,).

    Parameters
    ----------
    target : ndarray of integers (S, B)
        Labels in 1..O-1; S may be 0.
    shape : (T, B, O)
        Of the outputs.
    """
    right = isinstance(target, np.ndarray) and target.ndim == 2 and target.dtype.kind in "iu"
    if not right or target.shape[1] != shape[1]:
        raise InputError(
            f"target: expected (S, {shape[1]}) integer labels in 1..{shape[2] - 1}, -1 after each "
            f"sequence's last; given {describe(target)}"
        )
    labels = np.ascontiguousarray(target, np.int64)
    counts = (labels != NO_LABEL).sum(axis=0)
    inside = np.arange(len(labels))[:, None] < counts
    wrong = np.where(inside, (labels < 1) | (labels >= shape[2]), False)
    if wrong.any():
        s, b = (int(n) for n in np.argwhere(wrong)[0])
        found = "the padding -1 before a label" if labels[s, b] == NO_LABEL else f"label {labels[s, b]}"
        blank = " (0 is the blank)" if labels[s, b] == 0 else ""
        raise InputError(
            f"target: {found} at place {s} of sequence {b}; labels must lie in 1..{shape[2] - 1}{blank}"
        )
    return labels, counts.astype(np.int64)


def steps_needed(labels: Integers, counts: Integers) -> Integers:
    """Return the fewest steps that fit each label sequence, with a blank between equal labels."""
    pairs = np.arange(1, max(1, len(labels)))[:, None] < counts
    return np.asarray(counts + ((labels[1:] == labels[:-1]) & pairs).sum(axis=0), np.int64)


def check_rows(target: Any, shape: tuple[int, ...]) -> tuple[Floats, Integers]:
    """Check targets (S, B, O), rows of NaN after the last step; return them and the steps of each (B,)."""
    right = isinstance(target, np.ndarray) and target.ndim == 3 and target.dtype.kind == "f"
    if not right or len(target) < 1 or target.shape[1:] != shape[1:]:
        raise InputError(
            f"target: expected (S, {shape[1]}, {shape[2]}) floating, rows of NaN after each sequence's last "
            f"step; given {describe(target)}"
        )
    known = ~np.isnan(target).any(axis=2)
    counts = known.sum(axis=0).astype(np.int64)
    gap = known[1:] & ~known[:-1]
    if (counts == 0).any() or gap.any():
        b = int(((counts == 0) | gap.any(axis=0)).argmax())
        raise InputError(
            f"target: sequence {b} has no step or a NaN before its last step; NaN may only follow it"
        )
    return as_floats(target), counts


def check_sequence_weight(weight: Any, sequences: int) -> Floats:
    """Check weights of whole sequences (B,), 1 for None."""
    if weight is None:
        return np.ones(sequences)
    if not isinstance(weight, np.ndarray) or weight.shape != (sequences,) or weight.dtype.kind not in "fiub":
        raise InputError(
            f"weight: expected ({sequences},) numbers, one for each sequence; given {describe(weight)}"
        )
    if not (np.isfinite(weight).all() and (weight >= 0).all()):
        raise InputError("weight: must be finite and not negative")
    if not weight.any():
        raise InputError("weight: no sequence is scored (all weights are 0)")
    return as_floats(weight)


def as_floats(array: Array) -> Floats:
    """Return the array in float64, C-contiguous and writable: Numba compiles anew for read-only ones."""
    own = np.ascontiguousarray(array, np.float64)
    return own if own.flags.writeable else own.copy()
