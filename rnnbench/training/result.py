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
        Those of the evaluation that `select` chose: by default the one with the smallest validation loss.
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
    sequences : int
        Training sequences that were learned from; one that was drawn twice counts twice.
    compiled_seconds : float
        Processor time of losses, gradients and updates in compiled code, drawing and evaluation left out.
    sequences_to_solve, seconds_to_solve : int or None, float or None
        Of these, how many there were at `solved_at`.
    select : str
        The rule by which the parameters were chosen: "best_validation", "last" or "first_solved".
    selected_at : int
        Number of the update after which they were evaluated; 0 for the initial ones, where no evaluation had
        a finite loss.
    resumed : int
        How many times the training went on from a checkpoint.
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
