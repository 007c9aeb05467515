"""What a finished training gives."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from rnnbench.network import Network, Parameters


@dataclass
class Result:
    """A trained network and how it came to be.

    Attributes
    ----------
    network : Network
        The network that was trained.
    parameters : Parameters
        Those of the evaluation with the smallest validation loss.
    history : list of dict
        The records that `fit` yielded.
    outcome : str
        "solved", "finished" or "diverged". A diverged run is a failure that counts, not an error.
    solved_at : int or None
        Number of the update after which the validation data first met the task's criterion.
    updates : int
        Updates that were made.
    scores : dict of str to float
        "validation_score", "validation_loss", "test_score", "test_loss", all in closed loop;
        "open_loop_score" (on the test data) where the network has output feedback and the task's targets may
        be fed, and "five_step_score" beside it (see `forecasts`); and the task's own further scores.
    timings : dict of str to float
        Seconds: "compile", "data", "train", "evaluate".
    busy : dict of str to float
        What the run's thread did, in seconds (see `rnnbench.training.busy`): "span", "processor",
        "updates", "evaluations", "data", "run".
    seed : int
        Root of all random streams.
    predictions : dict of str to ndarray
        "y" (T, S, O), "target" and "weight" of the first S <= 4 test sequences.
    """

    network: Network
    parameters: Parameters
    history: list[dict[str, Any]]
    outcome: str
    solved_at: int | None
    updates: int
    scores: dict[str, float]
    timings: dict[str, float]
    busy: dict[str, float]
    seed: int
    predictions: dict[str, NDArray[Any]]
