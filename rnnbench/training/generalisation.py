"""Generalisation to sequences that are longer or shorter than in training."""

from collections.abc import Iterable
from typing import Any

from rnnbench.base.arguments import whole_number
from rnnbench.network import Network, Parameters
from rnnbench.tasks.contract import Task
from rnnbench.training.evaluation import evaluate
from rnnbench.training.streams import stream


def check_spans(task: Task, spans: Iterable[Any]) -> list[int]:
    """Check the spans at which a task is to be evaluated, and return them in the order given.

    Parameters
    ----------
    task : Task
        One that has a span (see `Task.SPAN`).
    spans : iterable of int
        Each once.

    Raises
    ------
    ValueError
        No span, one that is no whole number or given twice, a task without a span, or a span that it refuses.
    """
    key = "evaluate.spans"
    if isinstance(spans, str) or not isinstance(spans, Iterable):
        raise ValueError(f"{key}={spans}: must be a list of whole numbers")
    given = [whole_number(key, span, 1) for span in spans]
    shown = f"{key}={given}"
    if not given:
        raise ValueError(f"{shown}: must have at least one")
    if len(set(given)) < len(given):
        raise ValueError(f"{shown}: must have each span once")
    if task.span is None:
        raise ValueError(f"{shown}: task={task.name} has no length or span that could be changed")
    for span in given:
        try:
            other = task.at(span)
        except ValueError as error:
            raise ValueError(f"{shown}: {error}") from None
        if (other.n_in, other.n_out) != (task.n_in, task.n_out):
            raise ValueError(f"{shown}: the inputs and outputs of task={task.name} are others at {span}")
    return given


def generalise(
    net: Network, params: Parameters, task: Task, seed: int, spans: Iterable[int], memory: str = "full"
) -> dict[str, Any]:
    """Evaluate a trained network on test data of other spans, in closed loop.

    Parameters
    ----------
    net, params
        The network, and the parameters that training chose.
    task : Task
        The one it was trained on.
    seed : int
        Root of the streams: the data of each span are drawn from the start of the test stream, so that at the
        task's own span they are those of the result.
    spans : iterable of int
        See `check_spans`.
    memory : "full" or "recompute"
        Whether every value of a pass is kept for a moment, or the outputs alone.

    Returns
    -------
    dict
        Plain data: "field", the name of the field that says the span; "values", the spans; and of each
        "scores", "losses" and "solved", whether the test data meet the task's criterion.

    Raises
    ------
    ValueError
        See `check_spans`; before anything is computed.
    """
    values = check_spans(task, spans)
    found: dict[str, list[Any]] = {"scores": [], "losses": [], "solved": []}
    for span in values:
        other = task.at(span)
        seen = evaluate(net, params, other, other.test(stream(seed, "test")), memory=memory)
        found["scores"].append(seen.score)
        found["losses"].append(seen.loss)
        found["solved"].append(seen.solved)
    return {"field": task.SPAN, "values": values, **found}
