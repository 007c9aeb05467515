"""What became of a run, in the few facts that lists, resumption and estimates need."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, Self


class Summary(NamedTuple):
    """A finished or failed run in short.

    Attributes
    ----------
    key : str
        The run's key.
    study : str
        The study it is of.
    run : str
        Tells this training from any other of the same key.
    outcome : str
        "solved", "finished", "diverged" or "failed".
    model, task, task_label : str
        What was trained on what.
    seed, updates, parameters : int
        Root of its streams; updates made; learned numbers of the network.
    seconds : float
        What drawing, training and evaluation took, without compilation.
    compiled_seconds : float
        Those of `seconds` that a budget of seconds counts.
    scores : dict of str to float
        As in the record; NaN where a score was not finite.
    ended : float
        When it ended, in seconds since 1970.
    sources : dict of str to str
        "model_source", "task_source": where model and task came from, as far as they were plugins.
    error : str
        The last line of what ended a failed run.
    sweep : str
        The command that trained it.
    """

    key: str
    study: str
    run: str
    outcome: str
    model: str
    task: str
    task_label: str
    seed: int
    updates: int
    parameters: int
    seconds: float
    compiled_seconds: float
    scores: dict[str, float]
    ended: float
    sources: dict[str, str]
    error: str
    sweep: str

    @classmethod
    def of(cls, record: Mapping[str, Any], key: str, study: str) -> Self:
        """Return the summary of a record.

        Parameters
        ----------
        record : mapping
            The content of `record.json`.
        key, study : str
            From the place of its folder: a copied run belongs where it lies.

        Raises
        ------
        LookupError, TypeError, ValueError, AttributeError
            It is no record of a run.
        """
        timings, provenance = record["timings"], record["provenance"]
        return cls(
            key=key,
            study=study,
            run=str(record["run"]),
            outcome=str(record["outcome"]),
            model=str(record["model"]),
            task=str(record["task"]),
            task_label=str(record["task_label"]),
            seed=int(record["seed"]),
            updates=int(record["updates"]),
            parameters=int(record["n_parameters"]),
            seconds=sum(float(timings.get(part) or 0.0) for part in ("data", "train", "evaluate")),
            compiled_seconds=float(record.get("compiled_seconds") or 0.0),
            scores={n: math.nan if s is None else float(s) for n, s in record["scores"].items()},
            ended=float(record["ended"]),
            sources={n: provenance[n] for n in ("model_source", "task_source") if n in provenance},
            error=str(record.get("error") or ""),
            sweep=str(record["sweep"]["id"]),
        )

    @property
    def finished(self) -> bool:
        """Whether it reached an outcome; "diverged" is one, "failed" is none."""
        return self.outcome != "failed"

    @property
    def status(self) -> str:
        """Return "finished" or "failed"."""
        return "finished" if self.finished else "failed"

    @property
    def score(self) -> float:
        """The score on test data; NaN where there is none, as for a trial of a tuning."""
        return self.scores.get("test_score", math.nan)

    @property
    def validation_score(self) -> float:
        """The score on validation data; NaN where there is none."""
        return self.scores.get("validation_score", math.nan)
