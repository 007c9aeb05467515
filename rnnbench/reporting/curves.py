"""Learning curves: a panel per task, each model's median and band over seeds, floors as labelled lines."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, MaxNLocator

from rnnbench.reporting.numbers import loss_text

#: Okabe and Ito's colours, told apart by colour-blind readers too; yellow, unreadable on white, left out.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
GREY = "#666666"

#: Below this a score says "far worse than a constant"; how far would only flatten the rest of the panel.
LOWEST_SCORE = -0.25
#: A loss above this is no loss any more: it stands for a seed that diverged.
EXPLODED = 1e30
#: Smallest distance of two labels, as a share of a panel's height.
LABEL_GAP = 0.075


class Curve(NamedTuple):
    """Median, smallest and largest over seeds at each evaluation: arrays (evaluations,)."""

    updates: np.ndarray
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: int


def learning_curves(
    histories: pd.DataFrame,
    floors: pd.DataFrame,
    tasks: Sequence[str],
    models: Sequence[str],
    value: str = "validation_score",
) -> Figure:
    """Draw a panel per task: each model's median and range over seeds, floors as lines.

    Parameters
    ----------
    histories, floors : DataFrame
        From `histories_frame` and `floors_frame`.
    tasks, models : sequence of str
        Labels, in the order of panels and legend. A model has the same colour in every panel.
    value : str
        "validation_score", "validation_loss" or "train_loss".
    """
    rows, columns = shape(len(tasks))
    figure = Figure(figsize=(6.4 * columns, 3.3 * rows + 0.7), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels[len(tasks) :]:
        panel.remove()
    handles: dict[str, Any] = {}
    for task, panel in zip(tasks, panels, strict=False):
        here = floors[(floors["task"] == task) & (floors["column"] == "score")]
        lines = dict(
            zip(here["floor"], here["score" if value == "validation_score" else "loss"], strict=True)
        )
        curves = {
            m: curve(histories[(histories["task"] == task) & (histories["model"] == m)], value)
            for m in models
        }
        handles |= _panel(panel, {m: c for m, c in curves.items() if c is not None}, lines, models, value)
        panel.set_title(task, fontsize=11, loc="left", fontweight="bold")
        panel.set_xlabel("updates")
        panel.set_ylabel(value.replace("_", " "))
    shown = [m for m in models if m in handles]
    figure.legend(
        [handles[m] for m in shown],
        shown,
        loc="outside lower center",
        ncols=4 * columns,
        frameon=False,
    )
    return figure


def shape(panels: int) -> tuple[int, int]:
    """Return rows and columns of so many panels."""
    columns = min(2, panels)
    return math.ceil(panels / columns), columns


def curve(runs: pd.DataFrame, value: str) -> Curve | None:
    """Return the median and the band over the seeds of one model on one task; None without evaluations.

    A seed that stopped because it solved the task keeps its last value; one that diverged is worse than any.
    """
    if runs.empty or value not in runs:
        return None
    worst = -math.inf if value.endswith("score") else math.inf
    table = runs.pivot_table(
        index="update", columns="key", values=value, aggfunc="last", dropna=False
    ).sort_index()
    for key, seed in runs.groupby("key"):
        last = seed["update"].max()
        known = table.loc[:last, key].fillna(worst)
        final = worst if seed["diverged"].any() else known.iloc[-1]
        table[key] = known.reindex(table.index, fill_value=final)
    values = table.to_numpy(dtype=float, copy=True)
    largest = np.finfo(np.float32).max
    values = np.clip(values, -largest, largest)
    return Curve(
        table.index.to_numpy(dtype=float),
        np.median(values, axis=1),
        values.min(axis=1),
        values.max(axis=1),
        values.shape[1],
    )


def _panel(
    panel: Axes, curves: Mapping[str, Curve], floors: Mapping[str, float], models: Sequence[str], value: str
) -> dict[str, Any]:
    """Draw one task; return the handles for the legend by model."""
    known = {name: height for name, height in floors.items() if math.isfinite(height)}
    is_score = value.endswith("score")
    low, high = _score_limits(curves, known) if is_score else _loss_limits(curves, known)
    if not is_score and high / low > 20:
        panel.set_yscale("log")
        panel.yaxis.set_major_formatter(LogFormatter())
        panel.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.4)))
    panel.set_ylim(low, high)
    handles = {}
    for model, found in curves.items():
        place = models.index(model)
        colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
        style = "-" if place < len(COLOURS) else "--"
        median, lower, upper = (np.clip(v, low, high) for v in (found.median, found.low, found.high))
        every = max(1, len(median) // 8)
        (handles[model],) = panel.plot(
            found.updates,
            median,
            style,
            color=colour,
            marker=marker,
            markersize=4,
            markevery=(place % every, every),
            linewidth=1.6,
            clip_on=False,
            zorder=3,
        )
        if found.n > 1:
            panel.fill_between(found.updates, lower, upper, color=colour, alpha=0.15, linewidth=0)
    _draw_floors(panel, {name: height for name, height in known.items() if low <= height <= high})
    panel.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    panel.spines[["top", "right"]].set_visible(False)
    panel.set_xlim(left=0)
    return handles


def _score_limits(curves: Mapping[str, Curve], floors: Mapping[str, float]) -> tuple[float, float]:
    heights = [0.0, *floors.values(), *(c.median.min() for c in curves.values())]
    return max(LOWEST_SCORE, min(heights)) - 0.03, 1.03


def _loss_limits(curves: Mapping[str, Curve], floors: Mapping[str, float]) -> tuple[float, float]:
    """Limits around medians and floors, at most 30 times the largest floor or first value."""
    medians = [c.median[(c.median > 0.0) & (c.median < EXPLODED)] for c in curves.values()]
    ends = [(float(m.min()), float(m.max()), float(m[0])) for m in medians if m.size]
    known = [height for height in floors.values() if height > 0.0]
    low = min([*known, *(smallest for smallest, _, _ in ends)], default=0.1)
    high = max([*known, *(largest for _, largest, _ in ends)], default=1.0)
    high = min(high, 30 * max([*known, *(first for _, _, first in ends)], default=1.0))
    margin = 1.15 if high / low > 20 else 1.02 + 0.08 * (1.0 - low / high)
    return low / margin, high * margin


def _draw_floors(panel: Axes, floors: Mapping[str, float]) -> None:
    """Draw a dashed line for each floor, name and value to the right of the panel, labels pushed apart."""
    names = sorted(floors, key=lambda name: floors[name])
    to_share = panel.transData + panel.transAxes.inverted()
    wanted = [float(to_share.transform((0.0, floors[name]))[1]) for name in names]
    for name, share, place in zip(names, wanted, spread(wanted, LABEL_GAP), strict=True):
        panel.axhline(floors[name], color=GREY, linewidth=0.9, linestyle=(0, (5, 3)), zorder=1)
        panel.annotate(
            f"{name} {loss_text(floors[name])}",
            (1.0, share),
            xytext=(1.03, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            fontsize=8,
            color=GREY,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0},
        )


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Return places near the wanted ones (ascending), no two nearer than `gap`, none above 1."""
    places: list[float] = []
    for height in wanted:
        places.append(max(height, places[-1] + gap) if places else height)
    top = 1.0
    for n in range(len(places) - 1, -1, -1):
        places[n] = min(places[n], top)
        top = places[n] - gap
    return places
