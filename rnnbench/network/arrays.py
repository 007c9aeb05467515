"""Checks of what a user passes in: shapes, types, contiguity, loops, states."""

from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

State = dict[str, NDArray[Any]]
Loop = str | int


class InputError(ValueError, TypeError):
    """An array, loop or state that does not fit the network.

    Both a ValueError (wrong shape) and a TypeError (wrong dtype), so that callers need not know which check
    comes first.
    """


class Shape(NamedTuple):
    """Sizes of the arrays of one call, and whether the input is one-hot indices."""

    steps: int
    sequences: int
    one_hot: bool


def plain(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array flat and writable: Numba compiles anew for a read-only one, which is another type."""
    return (array if array.flags.writeable else array.copy()).reshape(-1)


def describe(array: Any) -> str:
    """Return a few words for a message: shape and dtype of an array, else the type of the object."""
    if not isinstance(array, np.ndarray):
        return f"a {type(array).__name__}"
    order = "" if array.flags.c_contiguous else ", not C-contiguous"
    return f"shape {array.shape}, dtype {array.dtype}{order}"


def check_x(x: Any, n_in: int, dtype: np.dtype[Any]) -> Shape:
    """Check the input: (T, B, I) of the parameters' type, or (T, B) integer one-hot indices.

    Raises
    ------
    InputError
        With what was expected and what was given.
    """
    array = isinstance(x, np.ndarray)
    one_hot = array and x.ndim == 2 and x.dtype.kind in "iu"
    right = one_hot or (array and x.ndim == 3 and x.shape[2] == n_in and x.dtype == dtype)
    given = "" if right and x.flags.c_contiguous and 0 not in x.shape else describe(x)
    if not given and one_hot and (int(x.min()) < 0 or int(x.max()) >= n_in):
        given = f"indices from {x.min()} to {x.max()}"
    if given:
        raise InputError(
            f"x: expected (T, B, {n_in}) {dtype}, time first and C-contiguous, "
            f"or (T, B) integer indices in 0..{n_in - 1}; given {given}"
        )
    return Shape(x.shape[0], x.shape[1], one_hot)


def check_target(target: Any, shape: Shape, n_out: int, labels_only: bool | None) -> None:
    """Check a target: (T, B, O) floating, or (T, B) integer labels; None passes.

    Parameters
    ----------
    target : object
        What was given.
    shape, n_out
        Of this call.
    labels_only : bool or None
        Whether the loss needs labels (True) or real targets (False); None allows both.
    """
    if target is None:
        return
    if isinstance(target, np.ndarray) and target.flags.c_contiguous:
        labels = target.dtype.kind in "iu" and target.shape == (shape.steps, shape.sequences)
        real = target.dtype.kind == "f" and target.shape == (shape.steps, shape.sequences, n_out)
        if (labels and labels_only is not False) or (real and not labels_only):
            return
    wanted = [
        *([f"({shape.steps}, {shape.sequences}, {n_out}) floating"] if not labels_only else []),
        *([f"({shape.steps}, {shape.sequences}) integer labels"] if labels_only is not False else []),
    ]
    raise InputError(
        f"target: expected {' or '.join(wanted)}, time first and C-contiguous; given {describe(target)}"
    )


def flat_target(target: Any, dtype: np.dtype[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return (real targets, labels) of a checked target, flat; the one that is not given is empty."""
    no_values, no_labels = np.empty(0, dtype), np.empty(0, np.int64)
    if target is None:
        return no_values, no_labels
    if target.dtype.kind == "f":
        return plain(target.astype(dtype, copy=False)), no_labels
    return no_values, plain(target.astype(np.int64, copy=False))


def check_weight(weight: Any, shape: Shape) -> None:
    """Check step weights, (T, B) numbers; None passes."""
    expected = (shape.steps, shape.sequences)
    wrong = not isinstance(weight, np.ndarray) or weight.shape != expected or weight.dtype.kind not in "fiub"
    if weight is not None and wrong:
        raise InputError(f"weight: expected {expected} numbers, (T, B); given {describe(weight)}")


def flat_weight(weight: Any) -> NDArray[np.float64]:
    """Return checked step weights, flat; empty for None."""
    return np.empty(0) if weight is None else plain(np.ascontiguousarray(weight, np.float64))


def refuse_step(t: int, b: int, n_labels: int) -> NoReturn:
    """Raise InputError: a weight, or one of `n_labels` labels, is out of range at step t of sequence b."""
    raise InputError(
        f"target or weight at step {t} of sequence {b}: weights must be finite and not negative"
        + (f", labels in 0..{n_labels - 1}" if n_labels else "")
    )


def check_lengths(lengths: Any, shape: Shape) -> NDArray[np.int64]:
    """Check the steps of each sequence, (B,)."""
    given = np.asarray(lengths)
    if given.shape != (shape.sequences,) or given.dtype.kind not in "iu":
        raise InputError(
            f"lengths: expected ({shape.sequences},) integers, one per sequence; given {describe(given)}"
        )
    if given.min() < 1 or given.max() > shape.steps:
        raise InputError(f"lengths: must lie in 1..{shape.steps}; given {given.min()}..{given.max()}")
    return np.ascontiguousarray(given, np.int64)


def check_loop(loop: Any, steps: int) -> int:
    """Return the step before which targets are fed: T for the open loop, 0 for the closed one."""
    if isinstance(loop, str) and loop in ("closed", "open"):
        return steps if loop == "open" else 0
    if hasattr(loop, "__index__") and not isinstance(loop, bool | str) and int(loop) >= 0:
        return min(int(loop), steps)
    raise InputError(
        f"loop={loop!r}: must be 'closed', 'open', or a step t0 >= 0 from which the net runs free"
    )


def check_state(state: Any, expected: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]) -> State:
    """Check a carried state: arrays by box name. Boxes that are missing take their initial values."""
    if state is None:
        return {}
    if not isinstance(state, Mapping):
        raise InputError(f"state: expected a mapping of box names to arrays; given {describe(state)}")
    checked: State = {}
    for name, array in state.items():
        if name not in expected:
            raise InputError(
                f"state: {name!r} has no values before the sequence; there are {', '.join(expected)}"
            )
        shape, dtype = expected[name]
        if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != dtype:
            raise InputError(f"state[{name!r}]: expected {shape} {dtype}; given {describe(array)}")
        checked[name] = array
    return checked
