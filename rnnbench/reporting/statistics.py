"""What several seeds of one model on one task amount to."""

import math
from typing import Any

import numpy as np
import pandas as pd

from rnnbench.reporting.frame import extra_scores

#: Ranks of a quantile statement; the median is what the tables show, the rest its spread.
SPREAD = {"min": 0.0, "q1": 0.25, "median": 0.5, "q3": 0.75, "max": 1.0}
#: Share of the intervals, and how often seeds are drawn anew for one.
CONFIDENCE, RESAMPLES = 0.95, 9999
#: What it took until the task was solved.
TO_SOLVE = ("solved_at", "sequences_to_solve", "seconds_to_solve")


def summarise(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per task and model: scores over seeds, how many were solved, what it cost.

    Parameters
    ----------
    frame : DataFrame
        From `runs_frame`; tasks and models keep their order and dtype.

    Returns
    -------
    DataFrame
        task, model, n (seeds), solved, diverged (how many of n), and for `score` and each further score
        `<score>_min`, `_q1`, `_median`, `_q3`, `_max`; the medians of test_loss, n_parameters,
        budget_deviation, macs_per_step, reach, updates and seconds; causal; `solved_at`,
        `sequences_to_solve` and `seconds_to_solve`, the medians over the solved runs, and each with `_all`,
        over all runs, an unsolved one counted as never (infinity).

    Notes
    -----
    A run that diverged, or whose outputs ran away so that it has no finite score, is never dropped: it counts
    as lower than every score (-infinity). One seed has no spread: all but the median are NaN then.
    """
    extra = extra_scores(frame)
    rows = [_summary(task, model, runs, extra) for (task, model), runs in frame.groupby(["task", "model"])]
    return pd.DataFrame(rows).astype({name: frame[name].dtype for name in ("task", "model")})


def _summary(task: str, model: str, runs: pd.DataFrame, extra: list[str]) -> dict[str, object]:
    row: dict[str, object] = {
        "task": task,
        "model": model,
        "n": len(runs),
        "solved": int(runs["solved"].sum()),
        "diverged": int(runs["diverged"].sum()),
        **_spread("score", counted(runs, "score")),
    }
    for name in extra:
        asked = runs[name].notna().any()
        row |= _spread(name, counted(runs, name) if asked else runs[name])
    for name in (
        "test_loss",
        "n_parameters",
        "budget_deviation",
        "macs_per_step",
        "reach",
        "updates",
        "seconds",
    ):
        row[name] = float(runs[name].median())
    row["causal"] = bool(runs["causal"].all())
    for name in TO_SOLVE:
        row[name] = float(runs.loc[runs["solved"], name].median())
        row[f"{name}_all"] = until_solved(runs, name)
    return row


def until_solved(runs: pd.DataFrame, name: str) -> float:
    """Return the median over all runs, those that solved nothing counted as infinite.

    NaN where a run that solved its task does not know the number (records of older versions).
    """
    known = runs[name].where(runs["solved"], math.inf)
    return math.nan if known.isna().any() else quantile(-known, 0.5) * -1.0


def counted(runs: pd.DataFrame, score: str) -> pd.Series:
    """Return the scores, -infinity for every run that diverged or has no finite one."""
    return runs[score].where(runs[score].notna() & ~runs["diverged"], -math.inf)


def _spread(name: str, scores: pd.Series) -> dict[str, float]:
    """Quantiles over seeds, `name_min` to `name_max`; with one seed the median alone."""
    single = len(scores) < 2
    return {
        f"{name}_{part}": math.nan if single and part != "median" else quantile(scores, rank)
        for part, rank in SPREAD.items()
    }


def quantile(scores: pd.Series, rank: float) -> float:
    """Linearly interpolated quantile that keeps -infinity: between -infinity and a number lies -infinity."""
    if scores.isna().any():
        return math.nan
    ordered = sorted(float(s) for s in scores)
    place = rank * (len(ordered) - 1)
    below = math.floor(place)
    share = place - below
    low = ordered[below]
    if share == 0.0 or low == -math.inf:
        return low
    return low + share * (ordered[below + 1] - low)


def lower_median(values: np.ndarray, axis: int = -1) -> Any:
    """Return the median, of two middle values the lower: one of the values, where between them is nothing."""
    return np.quantile(values, 0.5, axis=axis, method="lower")


def interval(values: np.ndarray) -> tuple[float, float]:
    """Return the bootstrap interval (percentiles) of `lower_median` over seeds; NaN for fewer than two.

    Parameters
    ----------
    values : ndarray (N,)
        One number per seed, all finite.

    Notes
    -----
    The same numbers always give the same interval: the seed of the draws is fixed.
    """
    if len(values) < 2:
        return math.nan, math.nan
    # Half of the time that the report of a small study takes.
    from scipy import stats

    found = stats.bootstrap(
        (np.sort(values),),
        lower_median,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)
