"""Forecasts k steps ahead: from one step (open loop) to all steps (closed loop)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.base.arguments import whole_number
from rnnbench.network import Network, Parameters
from rnnbench.tasks.contract import Batch, Task, scored
from rnnbench.training.batches import cast

#: Steps that the score of forecasts looks ahead, and number of steps it is computed on at most.
STEPS, ORIGINS = 5, 500

Array = NDArray[Any]


def forecast(
    net: Network,
    params: Parameters,
    batch: Batch,
    steps: int = STEPS,
    *,
    at: Array | None = None,
    own_input: bool = False,
) -> Array:
    """Predict every step from the targets up to `steps` steps before it.

    At step t the outputs t - k and before are replaced by the targets (open loop), the later ones are the
    network's own (closed loop); the state is carried over at the switch. k = 1 is the open loop, k >= T the
    closed one.

    Parameters
    ----------
    net : Network
        A causal network.
    params : Parameters
        Its parameters.
    batch : Batch
        Inputs and targets; a target of weight 0 or NaN is not known.
    steps : int
        k, at least 1.
    at : (N,) integers, optional
        The steps to predict, ascending; all of them by default.
    own_input : bool
        Whether the input is the target one step before (autoregression), so that it too must be predicted
        after the switch.

    Returns
    -------
    ndarray (T, B, O)
        NaN at steps that were not asked for.

    Raises
    ------
    ValueError
        k below 1, or a network that reads the future.
    """
    horizon = whole_number("steps", steps, 1)
    if not net.causal:
        raise ValueError("forecast: this network reads the future; it cannot predict")
    batch = cast(batch, params.vector.dtype)
    y = np.full((*batch.x.shape[:2], net.n_out), np.nan, params.vector.dtype)
    done, state = 0, None
    for t in range(len(y)) if at is None else at.tolist():
        switch = max(0, t - horizon + 1)
        if switch > done:
            _, state = net.forward(
                params,
                batch.x[done:switch],
                batch.target[done:switch],
                "open",
                weight=batch.weight[done:switch],
                state=state,
                return_state=True,
            )
            done = switch
        y[t] = _run(net, params, batch.x[done : t + 1], state, own_input)
    return y


def _run(net: Network, params: Parameters, x: Array, state: Any, own_input: bool) -> Array:
    """Return the output at the last step of a stretch in closed loop."""
    if not own_input or len(x) == 1:
        last: Array = net.forward(params, x, state=state)[-1]
        return last
    x_t = x[0]
    for _ in x:
        y_t, state = net.step(params, state, x_t)
        x_t = np.ascontiguousarray(y_t.argmax(axis=1) if x.ndim == 2 else y_t)
    return np.asarray(y_t)


def forecast_scores(net: Network, params: Parameters, task: Task, batch: Batch) -> dict[str, float]:
    """Return {"five_step_score": ...} on at most 500 steps, spread evenly over those that are scored.

    Return {} for a network without output feedback or one that reads the future, for a task that refuses the
    open loop, and where the input holds the last target in a form that an output cannot replace.
    """
    if not net.has_feedback or not net.causal or task.refusal(causal=True, loop="open"):
        return {}
    own_input = task.causal_only
    if own_input and not _input_is_last_target(batch):
        return {}
    steps = np.flatnonzero(scored(batch).any(axis=1))
    at = steps[np.linspace(0, len(steps) - 1, min(len(steps), ORIGINS)).round().astype(int)]
    y = forecast(net, params, batch, at=at, own_input=own_input)
    weight = np.zeros_like(batch.weight)
    weight[at] = batch.weight[at]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return {"five_step_score": float(task.score(y, batch._replace(weight=weight)))}


def _input_is_last_target(batch: Batch) -> bool:
    """Whether x at each step is the target of the step before, so that an output can replace it."""
    earlier, later = batch.target[:-1], batch.x[1:]
    return earlier.shape == later.shape and bool(((earlier == later) | (earlier != earlier)).all())
