"""State carried from one batch of a stream to the next, and sequences that start anew in between."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.network.arrays import InputError, State, describe
from rnnbench.network.graph import INPUT_NAME, future_reader
from rnnbench.network.parameters import Parameters
from rnnbench.network.structure import Structure


def refusal(net: Structure) -> str:
    """Return why no state can be carried from batch to batch through a network, or ""."""
    reader = future_reader(net.arrows)
    return f"carry_state=true: needs a network that reads only the past; {reader}" if reader else ""


def check_reset(reset: Any, sequences: int) -> NDArray[np.bool_]:
    """Check the flags of the sequences that start anew, (B,) booleans."""
    if not isinstance(reset, np.ndarray) or reset.shape != (sequences,) or reset.dtype != np.bool_:
        raise InputError(
            f"reset: expected ({sequences},) booleans, one per sequence; given {describe(reset)}"
        )
    return reset


def restarted(params: Parameters, state: State, reset: NDArray[np.bool_]) -> State:
    """Return a copy of the state in which the flagged sequences are before their first step.

    Parameters
    ----------
    params : Parameters
        With the initial values, where they are learned.
    state : dict
        As returned by `Network.forward`; it is not changed.
    reset : ndarray of bool (B,)
        Sequences that start anew: initial values, no earlier input, step 0.
    """
    fresh: State = {}
    for name, rows in state.items():
        own = rows.copy()
        if name == "step":
            own[reset] = 0
        elif name == INPUT_NAME:
            own[:, reset] = -1 if own.dtype.kind in "iu" else 0
        else:
            learned = f"{name}.initial"
            own[:, reset] = params[learned][:, None] if learned in params else 0
        fresh[name] = own
    return fresh


def add_initial_gradient(gradient: Parameters, dstate: State, reset: NDArray[np.bool_]) -> None:
    """Add the gradient of the flagged sequences' first values to that of the learned initial values."""
    for name, rows in dstate.items():
        if f"{name}.initial" in gradient:
            gradient[f"{name}.initial"][...] += rows[:, reset].sum(axis=1)
