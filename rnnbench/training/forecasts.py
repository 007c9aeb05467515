"""Forecasts k steps ahead: between one step (the open loop) and running freely (the closed loop)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.network import Network, Parameters
from rnnbench.tasks.contract import Batch, Task, scored
from rnnbench.training.batches import cast

#: How far ahead the score of a k-step forecast looks, and from how many steps at most.
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
    """Predict every step from targets that are known up to `steps` steps before it.

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
        behind the switch.

    Returns
    -------
    ndarray (T, B, O)
        NaN at steps that were not asked for.

    Raises
    ------
    ValueError
        k below 1, or a network that reads the future.
    """
    if isinstance(steps, bool) or not hasattr(steps, "__index__") or steps < 1:
        raise ValueError(f"steps={steps}: must be a whole number of at least 1")
    if not net.causal:
        raise ValueError("forecast: this network reads the future; it cannot predict")
    batch = cast(batch, params.vector.dtype)
    y = np.full((*batch.x.shape[:2], net.n_out), np.nan, params.vector.dtype)
    done, state = 0, None
    for t in range(len(y)) if at is None else at.tolist():
        switch = max(0, t - int(steps) + 1)
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

    {} without output feedback, where the task refuses the open loop, for a network that reads the future, and
    where the input holds the last target in a form that the output cannot take the place of.
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
    """Whether x at each step is the target of the step before, so that an output can stand in its place."""
    earlier, later = batch.target[:-1], batch.x[1:]
    return earlier.shape == later.shape and bool(((earlier == later) | (earlier != earlier)).all())
