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
from matplotlib.ticker import MaxNLocator

from rnnbench.base.figures import png
from rnnbench.diagrams.influence import TRUE, as_numbers, influence_curve, log_axis
from rnnbench.reporting.curves import COLOURS, GREY, MARKERS

#: Panels of gradients, and lines in each, at most.
MOST_PANELS, MOST_LINES = 6, 6


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
        curves = [as_numbers(looks[n]["gradient_norm"][box]) for n in chosen]
        for heights, colour in zip(log_axis(panel, curves), colours, strict=True):
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
        values = as_numbers(memory["by_lag"])
        recalled.bar(np.arange(len(values)), values, color=[GREY, *[TRUE] * (len(values) - 1)], width=0.8)
    recalled.set_ylim(0, 1.03)
    text = "" if memory is None else f": {memory['total']:.2f} of {memory['units']} units"
    _framed(recalled, f"memory capacity{text}", "lag k", memory is not None, "not measured", legend=False)
    recalled.set_ylabel("r² of the input k steps ago")
    figure.suptitle(name, fontsize=11, fontweight="bold", x=0.01, ha="left")
    return figure


def _line(panel: Axes, x: Sequence[float], y: Sequence[Any], place: int, label: str) -> None:
    panel.plot(
        x, as_numbers(y), color=COLOURS[place % len(COLOURS)], marker=MARKERS[place % len(MARKERS)],
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
