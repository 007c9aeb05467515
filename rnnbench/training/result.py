"""The result of a training."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from rnnbench.network import Network, Parameters


@dataclass
class Result:
    """A trained network, and the course of its training.

    Attributes
    ----------
    network : Network
        The network that was trained.
    parameters : Parameters
        Those that `select` chose: by default those of the smallest validation loss.
    history : list of dict
        The records that `fit` yielded.
    outcome : str
        "solved", "finished" or "diverged". A diverged run is a valid result (a failure to learn), not an
        error.
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
        How the run's thread spent its time, in seconds (see `rnnbench.training.time_account`): "span",
        "processor", "updates", "evaluations", "data", "run".
    seed : int
        Root of all random streams.
    predictions : dict of str to ndarray
        "y" (T, S, O), "target" and "weight" of the first S <= 4 test sequences.
    sequences : int
        Number of training sequences; one that was drawn twice counts twice.
    compiled_seconds : float
        Processor time of losses, gradients and updates in compiled code, without drawing and evaluation.
    sequences_to_solve, seconds_to_solve : int or None, float or None
        Value of the two above at `solved_at`.
    select : str
        The rule by which the parameters were chosen: "best_validation", "last" or "first_solved".
    selected_at : int
        Number of the update after which they were evaluated; 0 for the initial ones, where no evaluation had
        a finite loss.
    resumed : int
        Number of times the training was resumed from a checkpoint.
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
    sequences: int
    compiled_seconds: float
    sequences_to_solve: int | None
    seconds_to_solve: float | None
    select: str
    selected_at: int
    resumed: int
