"""Figures of the benchmarks: ratio against H and B, share of the peak, time against T."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from rnnbench.reporting.curves import COLOURS, GREY, MARKERS


def _grid(axes, ticks):
    axes.set_xscale("log", base=2)
    axes.set_xticks(sorted(ticks), [f"{tick:g}" for tick in sorted(ticks)], rotation=60, fontsize=8)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)


def ratios(points: pd.DataFrame) -> Figure:
    """Draw the ratio to the fastest peer against H and against B, a point met filled, one missed hollow."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, size, label in zip(figure.subplots(1, 2, sharey=True), "HB", ("hidden units H", "batch B"), strict=True):
        _grid(axes, set(points[size]))
        for met, filled in ((True, COLOURS[0]), (False, "none")):
            some = points[points["met"] == met]
            name = "target met" if met else "target missed"
            axes.scatter(some[size], some["ratio"], facecolors=filled, edgecolors=COLOURS[0], label=name, zorder=3)
        axes.axhline(1, color=GREY, linewidth=1)
        axes.set_xlabel(label)
        axes.set_ylim(bottom=0)
    figure.axes[0].plot(*_steps(points), color=COLOURS[1], linewidth=1.2, label="ratio asked for")
    figure.axes[0].set_ylabel("times the fastest peer")
    figure.axes[0].legend(fontsize=8)
    figure.suptitle("Training step of rnn: speed against the faster of PyTorch and JAX (1 = as fast)", fontsize=11)
    return figure


def _steps(points):
    ordered = points.drop_duplicates("H").sort_values("H")
    return ordered["H"], ordered["needed"]


def shares(points: pd.DataFrame) -> Figure:
    """Draw the share of the peak of every point as a bar, with the share that is enough."""
    figure = Figure(figsize=(8, 1 + 0.26 * len(points)), layout="constrained")
    axes = figure.subplots()
    short = points["row"].map(lambda row: "inference: " if row.startswith("inference") else "")
    names = short + points["point"]
    rows = list(range(len(points)))
    colours = [COLOURS[0] if met else COLOURS[5] for met in points["met"]]
    axes.barh(rows, 100 * points["share"], color=colours, height=0.7)
    for row, share in zip(rows, points["share"], strict=True):
        axes.annotate(f"{100 * share:.0f}", (100 * share, row), (3, 0), textcoords="offset points", va="center", fontsize=8)
    axes.axvline(100 * points["enough"].iloc[0], color=COLOURS[1], linewidth=1.2)
    axes.set_yticks(rows, names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("% of the multiply-add peak of one core (line: enough whatever the ratio; dark: target met)")
    axes.set_title("Share of the peak; rnn points are T, B, I, H", fontsize=11)
    return figure


def lengths(per_step: Mapping[str, float]) -> Figure:
    """Draw the time of a training step per time step against T."""
    figure = Figure(figsize=(5, 3.4), layout="constrained")
    axes = figure.subplots()
    steps = [int(T) for T in per_step]
    times = list(per_step.values())
    axes.fill_between(steps, min(times), 1.1 * min(times), color="#eeeeee", label="10 % above the fastest")
    axes.plot(steps, times, color=COLOURS[0], marker=MARKERS[0])
    axes.set_xscale("log")
    axes.set_ylim(0, 1.3 * max(times))
    axes.set_xlabel("time steps T")
    axes.set_ylabel("microseconds per time step")
    axes.set_title("Training step of rnn, B = 32, H = 64", fontsize=11)
    axes.legend(fontsize=8, loc="lower right")
    return figure
