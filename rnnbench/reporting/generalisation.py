"""How far trained networks reach: scores at spans other than the trained one, and the longest span solved."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from rnnbench.reporting.curves import COLOURS, GREY, LOWEST_SCORE, MARKERS, shape
from rnnbench.reporting.frame import Record, model_labels, task_labels
from rnnbench.reporting.numbers import count_text, score_text
from rnnbench.reporting.statistics import interval, lower_median, quantile
from rnnbench.reporting.table import NOT_RUN, Cell, Row, Table

#: Spans further apart than this, the longest by the shortest, stand on a logarithmic axis.
WIDE = 8.0
DASHES = (0, (5, 3))


class Trained(NamedTuple):
    """At which spans a task's networks were trained: "length", from the shortest to the longest."""

    field: str
    low: float
    high: float


def spans_frame(records: Sequence[Record], runs: pd.DataFrame) -> pd.DataFrame:
    """One row per run and span: task, model, seed, key, span, score, solved; empty where nothing was tried.

    Parameters
    ----------
    records : sequence of mapping
        Run records; those with "generalisation" count, and those of the same task that diverged without one:
        they fail at every span.
    runs : DataFrame
        From `runs_frame`, whose order of tasks and models is kept.

    Notes
    -----
    A score that is not finite, or of a run that diverged, is -infinity: lower than every other.
    """
    tasks = task_labels(records)
    models = model_labels(records, tasks)
    known: dict[str, list[float]] = {}
    for task, record in zip(tasks, records, strict=True):
        found = record.get("generalisation") or {}
        known[task] = sorted({*known.get(task, []), *map(float, found.get("values", []))})
    rows = [
        {"task": task, "model": model, "seed": record["seed"], "key": record["key"], **at}
        for task, model, record in zip(tasks, models, records, strict=True)
        for at in _spans(record, known[task])
    ]
    columns = ["task", "model", "seed", "key", "span", "score", "solved"]
    frame = pd.DataFrame(rows, columns=columns)
    if frame.empty:
        return frame
    frame = frame.astype({name: runs[name].dtype for name in ("task", "model")})
    return frame.sort_values(["task", "model", "seed", "key", "span"], ignore_index=True)


def _spans(record: Record, known: Sequence[float]) -> list[dict[str, Any]]:
    found, diverged = record.get("generalisation"), record["outcome"] == "diverged"
    if not found:
        return [{"span": span, "score": -math.inf, "solved": False} for span in known if diverged]
    return [
        {
            "span": float(span),
            "score": -math.inf if diverged or score is None else float(score),
            "solved": bool(solved) and not diverged,
        }
        for span, score, solved in zip(found["values"], found["scores"], found["solved"], strict=True)
    ]


def trained_spans(records: Sequence[Record]) -> dict[str, Trained]:
    """Return for each task at which spans its networks were trained, as far as that is known."""
    trained = {}
    for task, record in zip(task_labels(records), records, strict=True):
        field = (record.get("generalisation") or {}).get("field")
        high = record.get("task_fields", {}).get(field)
        if field and isinstance(high, int | float):
            low = record.get("train_fields", {}).get("shortest")
            trained[task] = Trained(field, float(high if low is None else low), float(high))
    return trained


def longest_frame(spans: pd.DataFrame) -> pd.DataFrame:
    """One row per task and model: the longest span solved, over seeds.

    Returns
    -------
    DataFrame
        task, model, n (seeds), longest (the lower median over seeds of the longest of the spans tried at
        which the test data met the task's criterion, 0 where none did), low and high (95 % bootstrap interval
        of the median; NaN with one seed), longest_tried.
    """
    rows = []
    for (task, model), found in spans.groupby(["task", "model"], observed=True):
        each = found["span"].where(found["solved"], 0.0).groupby(found["key"]).max()
        low, high = interval(each.to_numpy())
        rows.append(
            {
                "task": task,
                "model": model,
                "n": len(each),
                "longest": float(lower_median(each.to_numpy())),
                "longest_low": low,
                "longest_high": high,
                "longest_tried": float(found["span"].max()),
            }
        )
    return pd.DataFrame(rows).astype({name: spans[name].dtype for name in ("task", "model")})


def by_span(spans: pd.DataFrame) -> pd.DataFrame:
    """One row per task, model and span: n (seeds), solved, score_min, score_median, score_max."""
    rows = []
    for (task, model, span), found in spans.groupby(["task", "model", "span"], observed=True):
        scores = {
            f"score_{n}": quantile(found["score"], r) for n, r in (("min", 0), ("median", 0.5), ("max", 1))
        }
        row = {"task": task, "model": model, "span": span, "n": len(found)}
        rows.append({**row, "solved": int(found["solved"].sum()), **scores})
    return pd.DataFrame(rows).astype({name: spans[name].dtype for name in ("task", "model")})


def longest_table(longest: pd.DataFrame) -> Table:
    """One row per model, one column per task: the longest span solved and its interval."""
    tasks, models = (
        [c for c in longest[n].cat.categories if c in set(longest[n])] for n in ("task", "model")
    )
    found = {(r["model"], r["task"]): _longest_cell(r) for r in longest.to_dict("records")}
    rows = [Row((Cell((m,)), *(found.get((m, t), Cell((NOT_RUN,))) for t in tasks))) for m in models]
    return Table(("model", *tasks), tuple(rows))


def _longest_cell(found: Mapping[str, Any]) -> Cell:
    def text(span: float) -> str:
        # A network that solves the longest of the spans tried may reach further.
        return "none" if span == 0 else f"{'≥ ' * (span >= found['longest_tried'])}{span:,.4g}"

    ends = (found["longest_low"], found["longest_high"])
    if math.isnan(ends[0]) or found["longest_high"] == 0:
        return Cell((text(found["longest"]),))
    return Cell((text(found["longest"]), f"{text(ends[0])} … {text(ends[1])}"))


def spans_table(at: pd.DataFrame, task: str, trained: Trained | None) -> Table:
    """One row per model, one column per span of a task: median score and how many seeds solved it."""
    here = at[at["task"] == task]
    spans = sorted(set(map(float, here["span"])))
    found = {(r["model"], r["span"]): _span_cell(r) for r in here.to_dict("records")}
    models = [model for model in here["model"].cat.categories if model in set(here["model"])]
    rows = [
        Row((Cell((model,)), *(found.get((model, span), Cell((NOT_RUN,))) for span in spans)))
        for model in models
    ]
    inside = [trained is not None and trained.low <= span <= trained.high for span in spans]
    heads = [f"{count_text(s)}{' (trained)' * known}" for s, known in zip(spans, inside, strict=True)]
    return Table(("model", *heads), tuple(rows))


def _span_cell(found: Mapping[str, Any]) -> Cell:
    return Cell(
        (f"{score_text(found['score_median'])} {found['solved']}/{found['n']}",),
        found["solved"] == found["n"],
    )


def spans_figure(at: pd.DataFrame, trained: Mapping[str, Trained], models: Sequence[str]) -> Figure:
    """Draw a panel per task: each model's median score and range over seeds against the span.

    Parameters
    ----------
    at : DataFrame
        From `by_span`.
    trained : mapping
        From `trained_spans`: where networks were trained is marked.
    models : sequence of str
        Labels, in the order in which the learning curves have them: a model keeps its colour.
    """
    tasks = [task for task in at["task"].cat.categories if task in set(at["task"])]
    rows, columns = shape(len(tasks))
    figure = Figure(figsize=(6.4 * columns, 3.3 * rows + 0.9), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels[len(tasks) :]:
        panel.remove()
    for task, panel in zip(tasks, panels, strict=False):
        _panel(panel, at[at["task"] == task], trained.get(task), models)
        panel.set_title(task, fontsize=11, loc="left", fontweight="bold")
        panel.set_xlabel(trained[task].field if task in trained else "span")
        panel.set_ylabel("test score")
    shown = [model for model in models if model in set(at["model"])]
    handles = [Line2D([], [], **_look(models.index(m)), markersize=4.5, linewidth=1.6) for m in shown]
    solved: dict[str, Any] = {"linestyle": "none", "marker": "o", "color": GREY, "markersize": 5}
    handles += [Line2D([], [], **solved), Line2D([], [], **solved, markerfacecolor="white")]
    handles += [Line2D([], [], color=GREY, linewidth=0.9, linestyle=DASHES)]
    names = [*shown, "half of the seeds or more solved it", "fewer did", "trained"]
    figure.legend(handles, names, loc="outside lower center", ncols=3 * columns, frameon=False)
    return figure


def _look(place: int) -> dict[str, Any]:
    return {
        "color": COLOURS[place % len(COLOURS)],
        "marker": MARKERS[place % len(MARKERS)],
        "linestyle": "-" if place < len(COLOURS) else "--",
    }


def _panel(panel: Axes, here: pd.DataFrame, trained: Trained | None, models: Sequence[str]) -> None:
    """Draw one task; spans far apart stand on a logarithmic axis, every span tried has a tick."""
    spans = np.array(sorted(here["span"].unique()))
    if spans[-1] / spans[0] > WIDE:
        panel.set_xscale("log")
    low, high = _limits(here)
    for model, found in here.groupby("model", observed=True):
        look, found = _look(models.index(str(model))), found.sort_values("span")
        x = found["span"].to_numpy(dtype=float)
        median, lower, upper = (
            np.clip(found[f"score_{name}"].to_numpy(dtype=float), low, high)
            for name in ("median", "min", "max")
        )
        panel.plot(x, median, linewidth=1.6, color=look["color"], linestyle=look["linestyle"], zorder=3)
        most = 2 * found["solved"].to_numpy() >= found["n"].to_numpy()
        # An empty line that is not clipped has no place, and would take the layout with it.
        for chosen, fill in ((most, look["color"]), (~most, "white")):
            if not chosen.any():
                continue
            panel.plot(
                x[chosen], median[chosen], linestyle="none", marker=look["marker"], color=look["color"],
                markerfacecolor=fill, markersize=5, clip_on=False, zorder=4,
            )  # fmt: skip
        if found["n"].max() > 1:
            panel.fill_between(x, lower, upper, color=look["color"], alpha=0.13, linewidth=0)
    panel.set_ylim(low - 0.03, high + 0.03)
    _mark_trained(panel, trained)
    _ticks(panel, spans)
    panel.spines[["top", "right"]].set_visible(False)


def _limits(here: pd.DataFrame) -> tuple[float, float]:
    least = here["score_median"].min()
    return max(LOWEST_SCORE, min(0.0, least if math.isfinite(least) else LOWEST_SCORE)), 1.0


def _mark_trained(panel: Axes, trained: Trained | None) -> None:
    if trained is None:
        return
    if trained.low < trained.high:
        panel.axvspan(trained.low, trained.high, color="#EEEEEE", linewidth=0, zorder=0)
    panel.axvline(trained.high, color=GREY, linewidth=0.9, linestyle=DASHES, zorder=1)


def _ticks(panel: Axes, spans: np.ndarray) -> None:
    """Give every span a tick, and a number to those that are far enough from the last numbered one."""
    places = np.log(spans) if panel.get_xscale() == "log" else spans
    reach = float(places[-1] - places[0]) or 1.0
    numbered = [0]
    for n in range(1, len(spans)):
        if places[n] - places[numbered[-1]] >= 0.07 * reach:
            numbered.append(n)
    panel.xaxis.set_major_locator(FixedLocator(list(spans)))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.set_xticks(list(spans), [f"{s:,.4g}" if n in numbered else "" for n, s in enumerate(spans)])
