"""Figures of the benchmarks: ratio against H and B, share of the peak, time against T."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from rnnbench.reporting.curves import COLOURS, GREY, MARKERS


def ratios(points: pd.DataFrame) -> Figure:
    """Draw the ratio to the fastest peer against H and against B, a point met filled, one missed hollow."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    labels = {"H": "hidden units H", "B": "sequences in a batch B"}
    for axes, size in zip(figure.subplots(1, 2, sharey=True), labels, strict=True):
        for met, filled in ((True, COLOURS[0]), (False, "none")):
            some = points[points["met"] == met]
            style = {"facecolors": filled, "edgecolors": COLOURS[0], "zorder": 3}
            axes.scatter(some[size], some["ratio"], label="met" if met else "missed", **style)
        axes.scatter(points[size], points["needed"], marker="_", color=COLOURS[1], label="ratio asked for")
        axes.axhline(1, color=GREY, linewidth=1)
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.set_xlabel(labels[size])
        axes.set_ylim(bottom=0)
    figure.axes[0].set_ylabel("times the fastest peer")
    figure.axes[1].legend(fontsize=8, loc="best")
    figure.suptitle("Training step of rnn: times as fast as the faster of PyTorch and JAX", fontsize=11)
    return figure


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
        offset = {"xytext": (3, 0), "textcoords": "offset points"}
        axes.annotate(f"{100 * share:.0f}", (100 * share, row), va="center", fontsize=8, **offset)
    axes.axvline(100 * points["enough"].iloc[0], color=COLOURS[1], linewidth=1.2)
    axes.set_yticks(rows, names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel(
        "% of the multiply-add peak of one core (line: enough whatever the ratio; dark: target met)"
    )
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
