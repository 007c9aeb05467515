"""Scores of a finished training on validation and test data, and a few test sequences."""

from typing import Any

from rnnbench.network import Network
from rnnbench.tasks.contract import Batch, Task
from rnnbench.training.batches import cast
from rnnbench.training.evaluation import InPieces, evaluate, open_loop_scores
from rnnbench.training.forecasts import forecast_scores
from rnnbench.training.selection import Selection
from rnnbench.training.streams import stream

#: Test sequences whose outputs are kept in a result.
KEPT_SEQUENCES = 4


def final_scores(
    net: Network, task: Task, selection: Selection, validation: Batch, seed: int, memory: str, on_test: bool
) -> tuple[dict[str, float], dict[str, Any]]:
    """Score the chosen parameters; keep a few test sequences.

    Parameters
    ----------
    net, task
        The network and its task.
    selection : Selection
        Holds the parameters and, where known, their loss and score on validation data.
    validation : Batch
        The validation data.
    seed : int
        Root of the streams.
    memory : "full" or "recompute"
        How evaluations use memory.
    on_test : bool
        Whether the test data are drawn; otherwise only scores on validation data are returned, and no
        sequences.

    Returns
    -------
    scores, predictions
        As in `Result`.
    """
    params = selection.params
    loss, score = selection.loss, selection.score
    if score is None:
        loss, score, *_ = evaluate(net, params, task, validation, memory=memory)
    scores = {"validation_score": score, "validation_loss": loss}
    if not on_test:
        return scores, {}
    test = cast(task.test(stream(seed, "test")), params.vector.dtype)
    found = evaluate(net, params, task, test, memory=memory)
    scores |= {
        "test_score": found.score,
        "test_loss": found.loss,
        **open_loop_scores(net, params, task, test, memory),
        **forecast_scores(net, params, task, test),
        **task.extra_scores(InPieces(net) if memory == "recompute" else net, params, test),
    }
    kept = {"y": found.y, "target": test.target, "weight": test.weight}
    # Weights of whole sequences (B,) have no time axis, and targets of a function may have any shape.
    sequences = kept["y"].shape[1]
    return scores, {
        name: (array[:KEPT_SEQUENCES] if array.shape == (sequences,) else array[:, :KEPT_SEQUENCES]).copy()
        for name, array in kept.items()
    }
