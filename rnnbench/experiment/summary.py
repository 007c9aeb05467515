"""What became of a configuration, in one line."""

import math
import statistics
from collections.abc import Iterable
from typing import NamedTuple, Self

from rnnbench.experiment.execution import Executed
from rnnbench.experiment.wording import score_text
from rnnbench.tracking import State


class Ending(NamedTuple):
    """How a run ended: "solved", "finished", "diverged" or "failed", and its score (-inf: none)."""

    outcome: str
    score: float

    @classmethod
    def of(cls, ended: Executed | Exception | State) -> Self:
        """Return the ending of a run that trained, that failed, or that is in the store."""
        if isinstance(ended, Exception):
            return cls("failed", -math.inf)
        run = ended if isinstance(ended, State) else ended.result
        # Runs that choose settings have met no test data.
        score = run.scores.get("test_score", run.scores.get("validation_score", -math.inf))
        return cls(run.outcome, score if math.isfinite(score) else -math.inf)


class Summary(NamedTuple):
    """What became of one configuration: median test score over seeds, counts of outcomes, seconds, budget."""

    name: str
    score: float
    seeds: int
    solved: int
    diverged: int
    failed: int
    seconds: float
    budget: str = ""

    def line(self, width: int = 0) -> str:
        """Return the result as one line, the name padded to `width`."""
        score = score_text(self.score) if math.isfinite(self.score) else "-"
        notes = [f"{n} {what}" for n, what in ((self.diverged, "diverged"), (self.failed, "failed")) if n]
        notes += [self.budget] if self.budget else []
        tail = f"  ({', '.join(notes)})" if notes else ""
        solved = f"solved {self.solved} of {self.seeds}"
        return f"{self.name:<{width}}  score {score:>7}  {solved}  {self.seconds:6.1f} s{tail}"


def summarise(name: str, endings: Iterable[Ending], seconds: float, budget: str = "") -> Summary:
    """Return a configuration's summary; in the median, a run without a finite score counts as the worst."""
    all_of_them = list(endings)
    outcomes = [ending.outcome for ending in all_of_them]
    return Summary(
        name=name,
        score=statistics.median(ending.score for ending in all_of_them),
        seeds=len(outcomes),
        solved=outcomes.count("solved"),
        diverged=outcomes.count("diverged"),
        failed=outcomes.count("failed"),
        seconds=seconds,
        budget=budget,
    )
