"""What became of a configuration, in one line."""

import math
import statistics
from collections.abc import Iterable

from rnnbench.base.wording import score_text
from rnnbench.store import Summary


def result_line(name: str, runs: Iterable[Summary], budget: str = "", width: int = 0) -> str:
    """Return the result of a configuration: median score over its seeds, counts of outcomes, seconds.

    Parameters
    ----------
    name : str
        The configuration's name, padded to `width`.
    runs : iterable of Summary
        Its runs. In the median, a run without a finite score counts as the worst. Runs that choose settings
        have met no test data: their validation scores are taken.
    budget : str
        What is said of its budget.
    """
    found = list(runs)
    outcomes = [run.outcome for run in found]
    median = statistics.median(_score(run) for run in found)
    score = score_text(median) if math.isfinite(median) else "-"
    counts = [(outcomes.count(what), what) for what in ("diverged", "failed")]
    notes = [f"{n} {what}" for n, what in counts if n] + ([budget] if budget else [])
    tail = f"  ({', '.join(notes)})" if notes else ""
    solved = f"solved {outcomes.count('solved')} of {len(found)}"
    seconds = sum(run.seconds for run in found)
    return f"{name:<{width}}  score {score:>7}  {solved}  {seconds:6.1f} s{tail}"


def _score(run: Summary) -> float:
    score = run.score if "test_score" in run.scores else run.validation_score
    return score if math.isfinite(score) else -math.inf
