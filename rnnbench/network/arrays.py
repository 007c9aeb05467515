"""What a user hands in, checked once: shapes, types, contiguity, loops, states."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

State = dict[str, NDArray[Any]]
Loop = str | int


class InputError(ValueError, TypeError):
    """An array, loop or state that does not fit the network.

    Both a ValueError and a TypeError: a wrong shape is the one, a wrong dtype the other, and nobody should have
    to know which check comes first.
    """


@dataclass(frozen=True)
class Shape:
    """What the arrays of one call agree on."""

    steps: int
    sequences: int
    one_hot: bool


def plain(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array flat and writable: a read-only array is another type to Numba and would compile anew."""
    return (array if array.flags.writeable else array.copy()).reshape(-1)


def _describe(array: Any) -> str:
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
    expected = f"expected (T, B, {n_in}) {dtype}, time first and C-contiguous, or (T, B) integer indices in 0..{n_in - 1}"
    if not isinstance(x, np.ndarray):
        raise InputError(f"x: {expected}; given {_describe(x)}")
    one_hot = x.ndim == 2 and x.dtype.kind in "iu"
    right = one_hot or (x.ndim == 3 and x.shape[2] == n_in and x.dtype == dtype)
    if not right or not x.flags.c_contiguous or 0 in x.shape:
        raise InputError(f"x: {expected}; given {_describe(x)}")
    if one_hot and (int(x.min()) < 0 or int(x.max()) >= n_in):
        raise InputError(f"x: {expected}; given indices from {x.min()} to {x.max()}")
    return Shape(x.shape[0], x.shape[1], one_hot)


def check_target(
    target: Any, shape: Shape, n_out: int, dtype: np.dtype[Any], labels_only: bool | None
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Check a target and return (real targets, labels), flat; the one that is not given is empty.

    Parameters
    ----------
    target : ndarray (T, B, O) float or (T, B) integer, or None
        Real targets or labels.
    shape, n_out, dtype
        Of this call.
    labels_only : bool or None
        Whether the loss wants labels (True), real targets (False), or either will do (None).
    """
    no_values, no_labels = np.empty(0, dtype), np.empty(0, np.int64)
    if target is None:
        return no_values, no_labels
    wanted = [
        *([f"({shape.steps}, {shape.sequences}, {n_out}) floating"] if not labels_only else []),
        *([f"({shape.steps}, {shape.sequences}) integer labels"] if labels_only is not False else []),
    ]
    expected = f"target: expected {' or '.join(wanted)}, (T, B, ...) as x; given {_describe(target)}"
    if not isinstance(target, np.ndarray) or not target.flags.c_contiguous:
        raise InputError(f"{expected}; it must be a C-contiguous array")
    if target.dtype.kind in "iu" and target.shape == (shape.steps, shape.sequences) and labels_only is not False:
        return no_values, plain(target.astype(np.int64, copy=False))
    if target.dtype.kind == "f" and target.shape == (shape.steps, shape.sequences, n_out) and not labels_only:
        return plain(target.astype(dtype, copy=False)), no_labels
    raise InputError(expected)


def check_weight(weight: Any, shape: Shape) -> NDArray[np.float64]:
    """Check step weights (T, B) and return them flat; empty for None."""
    if weight is None:
        return np.empty(0)
    if not isinstance(weight, np.ndarray) or weight.shape != (shape.steps, shape.sequences) or weight.dtype.kind not in "fiub":
        raise InputError(f"weight: expected ({shape.steps}, {shape.sequences}) numbers, (T, B); given {_describe(weight)}")
    return plain(np.ascontiguousarray(weight, np.float64))


def check_lengths(lengths: Any, shape: Shape) -> NDArray[np.int64]:
    """Check the steps of each sequence (B,); T each for None."""
    if lengths is None:
        return np.full(shape.sequences, shape.steps, np.int64)
    given = np.asarray(lengths)
    if given.shape != (shape.sequences,) or given.dtype.kind not in "iu":
        raise InputError(f"lengths: expected ({shape.sequences},) integers, one per sequence; given {_describe(given)}")
    if given.min() < 1 or given.max() > shape.steps:
        raise InputError(f"lengths: must lie in 1..{shape.steps}; given {given.min()}..{given.max()}")
    return np.ascontiguousarray(given, np.int64)


def check_loop(loop: Any, steps: int) -> int:
    """Return the step before which targets are fed: T for the open loop, 0 for the closed one."""
    if isinstance(loop, str) and loop in ("closed", "open"):
        return steps if loop == "open" else 0
    if hasattr(loop, "__index__") and not isinstance(loop, bool | str) and int(loop) >= 0:
        return min(int(loop), steps)
    raise InputError(f"loop={loop!r}: must be 'closed', 'open', or a step t0 >= 0 from which the net runs free")


def check_state(state: Any, expected: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]) -> State:
    """Check a carried state: arrays by box name, of the shapes expected. Missing boxes take their initial values."""
    if state is None:
        return {}
    if not isinstance(state, Mapping):
        raise InputError(f"state: expected a mapping of box names to arrays; given {_describe(state)}")
    checked: State = {}
    for name, array in state.items():
        if name not in expected:
            raise InputError(f"state: {name!r} has no values before the sequence; there are {', '.join(expected)}")
        shape, dtype = expected[name]
        if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != dtype:
            raise InputError(f"state[{name!r}]: expected {shape} {dtype}; given {_describe(array)}")
        checked[name] = array
    return checked
