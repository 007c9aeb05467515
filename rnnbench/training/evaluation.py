"""Losses and scores of a network on a batch: in closed loop, and in open loop beside it."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnbench.network import Network, Parameters, carried_state, recompute
from rnnbench.network.divergences import between_sequences
from rnnbench.tasks.contract import Batch, Task, mean_loss
from rnnbench.training.batches import cast


class Evaluation(NamedTuple):
    """A network's outputs on a batch, with their loss and score.

    Attributes
    ----------
    loss : float
        Mean loss over the scored steps.
    score : float
        Accuracy, or 1 - loss / loss of the best constant.
    solved : bool
        Whether the task's criterion is met.
    y : ndarray (T, B, O)
        Outputs.
    """

    loss: float
    score: float
    solved: bool
    y: NDArray[Any]


def evaluate(
    net: Network,
    params: Parameters,
    task: Task,
    batch: Batch,
    loop: str | int = "closed",
    memory: str = "full",
) -> Evaluation:
    """Run a network over a batch and score its outputs.

    Parameters
    ----------
    net : Network
        The network.
    params : Parameters
        Its parameters; the batch is cast to their type.
    task : Task
        The task, for its loss, score and criterion.
    batch : Batch
        Sequences, of any length.
    loop : "closed", "open" or int
        What feedback from the output box reads. Models are compared in closed loop.
    memory : "full" or "recompute"
        Whether every value is kept for a moment, or the outputs alone.

    Raises
    ------
    ValueError
        The task refuses the network or the loop, or "recompute" the network.
    """
    refuse(net, task, loop, memory)
    batch = cast(batch, params.vector.dtype)
    target = None if loop == "closed" else batch.target
    rest: dict[str, Any] = {"lengths": batch.lengths, "memory": memory}
    if batch.weight.shape == batch.x.shape[:2]:
        rest["weight"] = batch.weight
    y = net.forward(params, batch.x, target, loop, **rest)
    # Outputs that grow without bound in closed loop have scores such as -inf: a result, not worth a warning.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        loss = loss_of(y, batch, task.loss)
        return Evaluation(float(loss), float(task.score(y, batch)), bool(task.solved(y, batch)), y)


def loss_of(y: NDArray[Any], batch: Batch, loss: Any) -> float:
    """Return the mean loss of outputs (T, B, O), of single steps or between whole sequences."""
    divergence = between_sequences(loss)
    if divergence is None:
        return mean_loss(y, batch, loss)
    lengths = np.full(y.shape[1], len(y), np.int64) if batch.lengths is None else batch.lengths
    return divergence.compare(y.copy(), batch.target, lengths, batch.weight, "mean").value


def refuse(
    net: Network, task: Task, loop: str | int, memory: str = "full", carry_state: bool = False
) -> None:
    """Raise ValueError with the reason that `refusal` gives, if any."""
    reason = refusal(net, task, loop, memory, carry_state)
    if reason:
        raise ValueError(reason)


def refusal(
    net: Network, task: Task, loop: str | int, memory: str = "full", carry_state: bool = False
) -> str:
    """Return why network, task, loop and the use of memory cannot be combined, or "".

    Parameters
    ----------
    net, task
        The network, and the task it is to be trained on.
    loop : "closed", "open" or int
        What feedback from the output box reads.
    memory : "full" or "recompute"
        How an update uses memory.
    carry_state : bool
        Whether training carries the state from one chunk of streams to the next.
    """
    reason = recompute.refusal(net, memory)
    if carry_state and not reason:
        reason = carried_state.refusal(net)
        if not task.streams:
            reason = f"carry_state=true: needs a task that gives streams, and {task.name} gives none"
        elif memory == "recompute":
            reason = "carry_state=true: needs train.memory=full; chunks are short"
    return task.refusal(causal=net.causal, loop=loop) or (f"train.{reason}" if reason else "")


class InPieces:
    """Stands for a network in a task's own scores; its forward passes keep the outputs alone.

    Parameters
    ----------
    net : Network
        One that reads only the past.
    """

    def __init__(self, net: Network) -> None:
        self._net = net

    def forward(self, *arguments: Any, **keywords: Any) -> Any:
        """Compute what `Network.forward` does, with ``memory="recompute"``."""
        return self._net.forward(*arguments, **{**keywords, "memory": "recompute"})

    def __getattr__(self, name: str) -> Any:
        """Return any other attribute of the network."""
        return getattr(self._net, name)


def open_loop_scores(
    net: Network, params: Parameters, task: Task, batch: Batch, memory: str = "full"
) -> dict[str, float]:
    """Return {"open_loop_score": ...}, or {} without output feedback or where the task refuses the open loop.

    It is reported separately, because a target that is fed back can contain the answer.
    """
    if not net.has_feedback or task.refusal(causal=net.causal, loop="open"):
        return {}
    return {"open_loop_score": evaluate(net, params, task, batch, "open", memory).score}
