"""The two tables of a report, as rows of text: the overview (models x tasks) and the details of each task."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from rnnbench.reporting.numbers import count_text, loss_text, range_text, score_text, seconds_text

NOT_RUN = "-"


class Cell(NamedTuple):
    """One or two lines of text; strong where every seed solved the task."""

    lines: tuple[str, ...]
    strong: bool = False


class Row(NamedTuple):
    """Cells of one model (kind "model"), one floor ("floor") or the name of a task ("title")."""

    cells: tuple[Cell, ...]
    kind: str = "model"


class Table(NamedTuple):
    """A table whose first `texts` columns are text, others numbers; notes are what raised numbers mean."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    texts: int = 1


def overview(summary: pd.DataFrame, floors: pd.DataFrame, skipped: Sequence[Mapping[str, str]] = ()) -> Table:
    """One row per model and per floor, one column per task: median score, solved k/n, smallest … largest.

    Parameters
    ----------
    summary : DataFrame
        From `summarise`.
    floors : DataFrame
        From `floors_frame`.
    skipped : sequence of mapping
        Pairs that a task refused: model, task_label, reason. Their cells say so, with the reason as a note.

    Notes
    -----
    Only floors of the closed loop stand here, since that is the loop models are compared in.
    """
    tasks, models = list(summary["task"].cat.categories), list(summary["model"].cat.categories)
    results = {(r["model"], r["task"]): _result(r) for r in summary.to_dict("records")}
    reasons = {
        (model, task): s["reason"]
        for model in models
        for task in tasks
        for s in skipped
        if _refers(s, model, task)
    }
    notes = list(dict.fromkeys(reason for pair, reason in reasons.items() if pair not in results))

    def cell(model: str, task: str) -> Cell:
        if (model, task) in results:
            return results[model, task]
        reason = reasons.get((model, task))
        return Cell((NOT_RUN,) if reason is None else (f"n/a{_raised(notes.index(reason) + 1)}",))

    rows = [Row((Cell((model,)), *(cell(model, task) for task in tasks))) for model in models]
    noted = tuple(f"{_raised(number)} {reason}" for number, reason in enumerate(notes, start=1))
    return Table(("model", *tasks), (*rows, *_floor_rows(floors, tasks)), noted)


def details(summary: pd.DataFrame, floors: pd.DataFrame, task: str, extra: Sequence[str]) -> Table:
    """One row per model and floor of one task, with everything that was measured.

    Parameters
    ----------
    summary, floors : DataFrame
        From `summarise` and `floors_frame`.
    task : str
        Label of the task.
    extra : sequence of str
        Names of the scores beside the closed-loop test score, a column each.
    """
    header = (
        "model",
        "score",
        "min…max",
        "solved",
        "solved at",
        *map(score_name, extra),
        "loss",
        "sees",
        "parameters",
        "updates",
        "seconds",
    )
    rows = []
    for found in summary[summary["task"] == task].to_dict("records"):
        scores = (score_text(found["score_median"]), range_text(found["score_min"], found["score_max"]))
        counts = (f"{found['solved']}/{found['n']}", count_text(found["solved_at"]))
        others = [score_text(found[f"{name}_median"]) for name in extra]
        costs = (
            loss_text(found["test_loss"]),
            sees(found["reach"], found["causal"]),
            count_text(found["n_parameters"]),
            count_text(found["updates"]),
            seconds_text(found["seconds"]),
        )
        cells = [Cell((text,)) for text in (found["model"], *scores, *counts, *others, *costs)]
        if found["solved"] == found["n"]:
            for place in (0, 1, 3):
                cells[place] = cells[place]._replace(strong=True)
        rows.append(Row(tuple(cells)))
    for floor in floors[floors["task"] == task].to_dict("records"):
        columns = {floor["column"], "open_loop_score"} if floor["loop"] == "both" else {floor["column"]}
        closed, *others = (score_text(floor["score"]) if c in columns else "" for c in ("score", *extra))
        texts = (floor_name(floor), closed, "", "", "", *others, loss_text(floor["loss"]), "", "", "", "")
        rows.append(Row(tuple(Cell((text,)) for text in texts), "floor"))
    return Table(header, tuple(rows))


def csv_frame(summary: pd.DataFrame, floors: pd.DataFrame) -> pd.DataFrame:
    """Return the summary and below it the floors, told apart by the column `kind`."""
    models = summary.astype({"task": str, "model": str}).assign(kind="model")
    if floors.empty:
        lines = models
    else:
        same = floors.rename(columns={"floor": "model", "score": "score_median", "loss": "test_loss"})
        lines = pd.concat([models, same.assign(kind="floor")], ignore_index=True)
    order = {task: place for place, task in enumerate(dict.fromkeys(lines["task"]))}
    lines = lines.sort_values("task", key=lambda column: column.map(order), kind="stable", ignore_index=True)
    first = ["task", "kind", "model"]
    return lines[[*first, *(c for c in lines.columns if c not in first)]]


def columns_of(table: Table, places: Sequence[int]) -> Table:
    """Return the table with some of its columns only, without notes."""
    rows = tuple(Row(tuple(row.cells[place] for place in places), row.kind) for row in table.rows)
    return Table(tuple(table.header[place] for place in places), rows)


def score_name(name: str) -> str:
    """Return a score's name as a column heading: free_running_score -> free running."""
    return name.removesuffix("_score").replace("_", " ")


def floor_name(floor: Mapping[str, Any]) -> str:
    """Return a floor's name, with its loop where that is not the one models are compared in."""
    return f"{floor['floor']} (open loop)" if floor["loop"] == "open" else str(floor["floor"])


def sees(reach: float, causal: bool) -> str:
    """Return how many past steps an output can depend on, and whether on future ones."""
    if not causal:
        return "∞ + future"
    return count_text(reach)


def _result(found: Mapping[str, object]) -> Cell:
    solved, n = found["solved"], found["n"]
    first = f"{score_text(_float(found['score_median']))} {solved}/{n}"
    spread = range_text(_float(found["score_min"]), _float(found["score_max"]))
    return Cell((first, spread) if spread else (first,), solved == n)


def _float(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _floor_rows(floors: pd.DataFrame, tasks: Sequence[str]) -> list[Row]:
    """One row per floor's name, worst first: by the mean of its scores over the tasks that have it."""
    closed = floors[floors["column"] == "score"]
    if closed.empty:
        return []
    scores = closed.pivot_table(index="floor", columns="task", values="score", aggfunc="median")
    names = sorted(scores.index, key=lambda name: (scores.loc[name].mean(), name))
    rows = []
    for name in names:
        values = [float(scores.loc[name].get(task, math.nan)) for task in tasks]
        rows.append(Row((Cell((name,)), *(Cell((score_text(v),)) for v in values)), "floor"))
    return rows


def _refers(skipped: Mapping[str, str], model: str, task: str) -> bool:
    """Whether what was skipped is this cell: labels may carry what tells namesakes apart."""
    return _same(model, skipped["model"]) and _same(task, skipped.get("task_label") or skipped["task"])


def _same(label: str, name: str) -> bool:
    return label == name or label.startswith(f"{name} (")


def _raised(number: int) -> str:
    return str(number).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
