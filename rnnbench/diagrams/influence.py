"""The influence of inputs on outputs against their lag, as a curve on a log axis."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
TRUE, SEEN, GREY = "#0072B2", "#D55E00", "#666666"
#: Decades that a log axis shows below its largest value; more would only flatten the rest.
MOST_DECADES = 60.0


def influence_curve(lags: Sequence[int], true: Sequence[Any], trained: Sequence[Any]) -> Figure:
    """Draw influence against lag on a log axis: what is computed, and what training sees of it.

    Parameters
    ----------
    lags : sequence of int
        Steps into the past; negative ones lie in the future.
    true, trained : sequence of float or None
        Norms with gates open, and as declared. Exact zeros are drawn in a band of their own below the axis.
    """
    figure = Figure(figsize=(6.4, 3.1), layout="constrained")
    _draw_influence(figure.subplots(), lags, true, trained)
    return figure


def _draw_influence(panel: Axes, lags: Sequence[int], true: Sequence[Any], trained: Sequence[Any]) -> None:
    at = np.asarray(lags)
    curves = [as_numbers(true), as_numbers(trained)]
    heights = log_axis(panel, curves)
    size = 3.6 if len(at) <= 80 else 0.0
    panel.plot(at, heights[0], "-", color=TRUE, marker="o", markersize=size, linewidth=1.4)
    panel.plot(
        at, heights[1], "--", color=SEEN, marker="o", markersize=size + 2.4 if size else 0.0, linewidth=1.2,
        markerfacecolor="none", markeredgewidth=1.1,
    )  # fmt: skip
    if at.min() < 0:
        panel.axvline(0, color=GREY, linewidth=0.8)
        panel.set_xlabel("lag k in steps: past to the right, future to the left")
    else:
        panel.set_xlabel("lag k in steps")
    panel.set_ylabel("‖∂y$_t$ / ∂x$_{t-k}$‖")
    panel.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    panel.set_xlim(at.min() - 0.02 * np.ptp(at) - 0.4, at.max() + 0.02 * np.ptp(at) + 0.4)
    handles = [
        Line2D([], [], color=TRUE, marker="o", markersize=3.6, linewidth=1.4),
        Line2D([], [], color=SEEN, marker="o", markersize=6, markerfacecolor="none", linestyle="--"),
    ]
    labels = ["what is computed (gates open)", "what training sees (gates as declared)"]
    panel.figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=9)


def as_numbers(values: Sequence[Any]) -> Numbers:
    """Return values as floats, with NaN for None."""
    return np.array([math.nan if value is None else value for value in values], np.float64)


def log_axis(panel: Axes, curves: Sequence[Numbers]) -> list[Numbers]:
    """Give a panel a log axis with a band for exact zeros; returns the curves as to be plotted."""
    panel.set_yscale("log")
    panel.spines[["top", "right"]].set_visible(False)
    everything = np.concatenate(curves)
    positive = everything[np.isfinite(everything) & (everything > 0)]
    high = float(np.log10(positive.max())) if positive.size else 0.0
    low = float(np.log10(positive.min())) if positive.size else 0.0
    low, hidden = max(low, high - MOST_DECADES), low < high - MOST_DECADES
    # At least a decade, so that a flat curve looks flat.
    low, high = (low - 0.5, high + 0.5) if high - low < 1 else (low, high)
    margin = 0.06 * (high - low)
    zeros = bool(np.any(everything == 0))
    zero, floor, foot = low - 2.8 * margin, low - 1.4 * margin, low - 6.2 * margin
    panel.set_ylim(10 ** (foot if zeros else low - margin), 10 ** (high + margin))
    step = max(1, math.ceil((high - low) / 6))
    decades = np.arange(math.ceil(low), math.floor(high) + 1, step)
    ticks = [float(10.0**d) for d in decades] + ([10**zero] if zeros else [])
    names = [f"$10^{{{d:.0f}}}$" for d in decades] + (["0"] if zeros else [])
    panel.set_yticks(ticks, names)
    panel.yaxis.set_minor_locator(NullLocator())
    if zeros:
        panel.axhspan(10**foot, 10**floor, color="#EEEEEE", linewidth=0, zorder=0)
        panel.annotate(
            "exactly 0", (1.0, 10**foot), xycoords=("axes fraction", "data"), xytext=(-4, 2),
            textcoords="offset points", ha="right", va="bottom", fontsize=8, color=GREY,
        )  # fmt: skip
    if hidden:
        panel.annotate(f"smaller ones lie below $10^{{{low:.0f}}}$", (0.01, 0.02), xycoords="axes fraction")
    return [np.where(curve == 0, 10**zero, np.where(curve > 0, curve, np.nan)) for curve in curves]
