"""Figures of what was seen through time: influence against lag, gradients over training, memory."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator
from numpy.typing import NDArray

from rnnbench.reporting.curves import COLOURS, GREY, MARKERS, png

Numbers = NDArray[np.float64]
TRUE, SEEN = COLOURS[0], COLOURS[1]
#: Panels of gradients, and lines in each, at most.
MOST_PANELS, MOST_LINES = 6, 6
#: A log axis shows so many decades below its largest value at most; further decades only flatten the rest.
MOST_DECADES = 60.0


def figures(record: Mapping[str, Any], seen: Mapping[str, Any]) -> dict[str, bytes]:
    """Draw the diagnostics of one run.

    Parameters
    ----------
    record : mapping
        The run record; names the run in the titles.
    seen : mapping
        "influence", "effective_memory", "memory_capacity" and "training", as the run's diagnostics.json.

    Returns
    -------
    dict of str to bytes
        PNG files by name.
    """
    # Matplotlib leaves cycles that hold its frames and all above them: those of a sweep hold whole runs.
    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(_figures, record, seen).result()


def _figures(record: Mapping[str, Any], seen: Mapping[str, Any]) -> dict[str, bytes]:
    name = f"{record['model']} · {record['task_label']} · seed {record['seed']}"
    drawn = {"diagnostics_influence.png": _influence_figure(seen, name)}
    if any(look.get("gradient_norm") for look in seen["training"]):
        drawn["diagnostics_gradients.png"] = _gradient_figure(seen["training"], name)
    drawn["diagnostics_state.png"] = _state_figure(seen, name)
    return {file: png(figure) for file, figure in drawn.items()}


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


def _influence_figure(seen: Mapping[str, Any], name: str) -> Figure:
    found, memory = seen["influence"], seen["effective_memory"]
    figure = influence_curve(found["lags"], found["open"], found["declared"])
    figure.set_size_inches(6.4, 3.7)
    figure.suptitle(name, fontsize=11, fontweight="bold", x=0.02, ha="left")
    figure.axes[0].set_title(
        f"more than {100 * memory['share']:g} % of the largest influence: {memory['open']} steps; "
        f"in training {memory['declared']}",
        fontsize=9, loc="left", color=GREY,
    )  # fmt: skip
    return figure


def _draw_influence(panel: Axes, lags: Sequence[int], true: Sequence[Any], trained: Sequence[Any]) -> None:
    at = np.asarray(lags)
    curves = [_numbers(true), _numbers(trained)]
    heights = _log_axis(panel, curves)
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


def _numbers(values: Sequence[Any]) -> Numbers:
    return np.array([math.nan if value is None else value for value in values], np.float64)


def _log_axis(panel: Axes, curves: Sequence[Numbers]) -> list[Numbers]:
    """Give a panel a log axis with a band for exact zeros; returns the curves as they are to be plotted."""
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


def _gradient_figure(looks: Sequence[Mapping[str, Any]], name: str) -> Figure:
    looks = [look for look in looks if look.get("gradient_norm")]
    chosen = sorted({round(n) for n in np.linspace(0, len(looks) - 1, min(MOST_LINES, len(looks)))})
    boxes = list(looks[0]["gradient_norm"])[:MOST_PANELS]
    columns = min(2, len(boxes))
    rows = math.ceil(len(boxes) / columns)
    figure = Figure(figsize=(5.2 * columns + 1.2, 2.8 * rows + 0.9), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.88, len(chosen)))
    for panel in panels[len(boxes) :]:
        panel.remove()
    for box, panel in zip(boxes, panels, strict=False):
        curves = [_numbers(looks[n]["gradient_norm"][box]) for n in chosen]
        for heights, colour in zip(_log_axis(panel, curves), colours, strict=True):
            dots = "." if len(heights) <= 80 else ""
            panel.plot(np.arange(len(heights)), heights, color=colour, linewidth=1.4, marker=dots)
        panel.set_ylabel(f"‖∂L / ∂{box}$_t$‖")
        panel.set_xlabel("step t")
        panel.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    handles = [Line2D([], [], color=colour, linewidth=2) for colour in colours]
    labels = [f"{looks[n]['update']:,}" for n in chosen]
    figure.legend(handles, labels, title="updates", loc="outside right upper", frameon=False, fontsize=9)
    figure.suptitle(
        f"{name}: gradient of the loss, as training sees it",
        fontsize=11,
        fontweight="bold",
        x=0.02,
        ha="left",
    )
    return figure


def _state_figure(seen: Mapping[str, Any], name: str) -> Figure:
    memory = seen["memory_capacity"]
    figure = Figure(figsize=(11.5, 3.2), layout="constrained")
    radii, flat, recalled = figure.subplots(1, 3)
    looks = seen["training"]
    updates = [look["update"] for look in looks]
    loops = [loop for loop in (looks[0]["spectral_radius"] if looks else ()) if loop != "all"]
    for n, loop in enumerate(loops):
        _line(radii, updates, [look["spectral_radius"][loop] for look in looks], n, loop.replace(".", " → "))
    radii.axhline(1, color=GREY, linewidth=0.9, linestyle=(0, (5, 3)))
    _framed(radii, "spectral radius of the weights, by loop", "updates", bool(loops), "no loops")
    boxes = list(looks[0]["saturation"]) if looks else []
    for n, box in enumerate(boxes):
        _line(flat, updates, [look["saturation"][box]["share"] for look in looks], n, box)
    flat.set_ylim(-0.03, 1.03)
    _framed(flat, "share of saturated values, by box", "updates", bool(boxes), "no box that saturates")
    if memory is not None:
        values = _numbers(memory["by_lag"])
        recalled.bar(np.arange(len(values)), values, color=[GREY, *[TRUE] * (len(values) - 1)], width=0.8)
    recalled.set_ylim(0, 1.03)
    text = "" if memory is None else f": {memory['total']:.2f} of {memory['units']} units"
    _framed(recalled, f"memory capacity{text}", "lag k", memory is not None, "not measured", legend=False)
    recalled.set_ylabel("r² of the input k steps ago")
    figure.suptitle(name, fontsize=11, fontweight="bold", x=0.01, ha="left")
    return figure


def _line(panel: Axes, x: Sequence[float], y: Sequence[Any], place: int, label: str) -> None:
    panel.plot(
        x, _numbers(y), color=COLOURS[place % len(COLOURS)], marker=MARKERS[place % len(MARKERS)],
        markersize=4, linewidth=1.5, label=label,
    )  # fmt: skip


def _framed(panel: Axes, title: str, x: str, anything: bool, otherwise: str, legend: bool = True) -> None:
    panel.set_title(title, fontsize=10, loc="left")
    panel.set_xlabel(x)
    panel.spines[["top", "right"]].set_visible(False)
    panel.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    if anything and legend:
        panel.legend(frameon=False, fontsize=9)
    if not anything:
        panel.text(0.5, 0.5, otherwise, transform=panel.transAxes, ha="center", va="center", color=GREY)
