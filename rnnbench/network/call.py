"""The arguments of one call of a network, checked once."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnbench.network import arrays
from rnnbench.network.arrays import InputError, Loop, Shape, State
from rnnbench.network.parameters import Parameters
from rnnbench.network.structure import Structure

Array = NDArray[Any]


class Call(NamedTuple):
    """Checked arguments of one call; made by `checked_call`.

    Attributes
    ----------
    params : Parameters
        The parameters.
    vector : ndarray (n_parameters,)
        The same, writable; a copy where the user's own is read-only.
    x, target, weight : ndarray
        As given; target and weight may be None.
    lengths : ndarray of int64 (B,)
        Steps of each sequence.
    ragged : bool
        Whether a sequence is shorter than T.
    switch : int
        The step before which targets are fed back.
    state : dict
        Values before the first step; {} where none are given.
    shape : Shape
        Sizes of the call.
    """

    params: Parameters
    vector: Array
    x: Array
    target: Array | None
    weight: Array | None
    lengths: NDArray[np.int64]
    ragged: bool
    switch: int
    state: State
    shape: Shape


def checked_call(
    net: Structure,
    params: Parameters,
    x: Array,
    target: Array | None,
    loop: Loop,
    weight: Array | None,
    lengths: Any,
    state: State | None,
    loss: str | None = None,
) -> Call:
    """Check the arguments of `Network.forward`, which documents them, and return them together.

    Parameters
    ----------
    net, params, x, target, loop, weight, lengths, state
        As in `Network.forward`.
    loss : str, optional
        The loss of single steps that the target is for.

    Raises
    ------
    InputError
        An argument that does not fit.
    """
    vector = net.check_parameters(params)
    shape = arrays.check_x(x, net.n_in, vector.dtype)
    arrays.check_target(target, shape, net.n_out, None if loss is None else loss == "cross_entropy")
    arrays.check_weight(weight, shape)
    steps, ragged = np.full(shape.sequences, shape.steps, np.int64), False
    if lengths is not None:
        steps = arrays.check_lengths(lengths, shape)
        ragged = bool(steps.min() < shape.steps)
    switch = arrays.check_loop(loop, shape.steps if net.has_feedback else 0)
    if switch and target is None:
        raise InputError(f"loop={loop!r}: feeds the targets back, and no target is given")
    before = {} if state is None else arrays.check_state(state, net.state_shapes(shape, vector.dtype))
    return Call(params, vector, x, target, weight, steps, ragged, switch, before, shape)
