"""Predictions beside the truth, one test sequence for every model of a task."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

BLUE, ORANGE = "#1F77B4", "#FF7F0E"


class Prediction(NamedTuple):
    """What a model put out for one test sequence, and what was right: arrays (T,), NaN where not scored."""

    y: np.ndarray
    truth: np.ndarray
    labels: bool


def read_prediction(arrays: Mapping[str, np.ndarray]) -> Prediction | None:
    """Return the first test sequence of a run's `predictions.npz`; None where there is none to draw.

    Parameters
    ----------
    arrays : mapping
        "y" (T, S, O), "target" (T, S, O) or labels (T, S), "weight" (T, S). The first output is shown.
    """
    if "weight" not in arrays or arrays["weight"].ndim == 1:
        # Trials of a tuning have met no test data; targets that belong to no step cannot be drawn.
        return None
    weight, target, y = arrays["weight"][:, 0], arrays["target"], arrays["y"][:, 0]
    scored = weight > 0
    if scored.sum() < 2:
        return None
    labels = target.ndim == 2
    truth = target[:, 0] if labels else target[:, 0, 0]
    out = np.where(np.isfinite(y).all(axis=1), y.argmax(axis=1), np.nan) if labels else y[:, 0]
    return Prediction(np.where(scored, out, np.nan), np.where(scored, truth, np.nan), labels)


def predictions(found: Mapping[str, Prediction], task: str) -> Figure:
    """One row per model: the truth in blue, the prediction in orange, for the same test sequence."""
    figure = Figure(figsize=(10.5, 1.5 * len(found) + 0.9), layout="constrained")
    panels = figure.subplots(len(found), 1, squeeze=False, sharex=True).ravel()
    for (model, one), panel in zip(found.items(), panels, strict=True):
        steps = np.arange(len(one.truth))
        lines = panel.step if one.labels else panel.plot
        where = {"where": "mid"} if one.labels else {}
        (truth,) = lines(
            steps, one.truth, color=BLUE, linewidth=3.2, alpha=0.75, solid_capstyle="butt", **where
        )
        panel.set_ylim(*_around(one.truth))
        (output,) = lines(steps, one.y, color=ORANGE, linewidth=1.3, **where)
        title = model
        if one.labels:
            right, all_steps = int((one.y == one.truth).sum()), int(np.isfinite(one.truth).sum())
            title = f"{model}: {right} of {all_steps} labels right"
            panel.set_yticks(np.unique(one.truth[np.isfinite(one.truth)]))
        panel.set_title(title, fontsize=10, loc="left")
        panel.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("step")
    figure.suptitle(f"{task}: one test sequence", fontsize=11, fontweight="bold", x=0.01, ha="left")
    figure.legend(
        [truth, output], ["ground truth", "prediction"], loc="outside upper right", ncols=2, frameon=False
    )
    return figure


def _around(truth: np.ndarray) -> tuple[float, float]:
    """Limits around the truth, so that an output that runs away does not hide it."""
    low, high = float(np.nanmin(truth)), float(np.nanmax(truth))
    margin = 0.2 * (high - low) or 0.5
    return low - margin, high + margin
