"""How soon tasks were solved: sequences, updates and compiled seconds until the criterion was met."""

import math

import pandas as pd

from rnnbench.reporting.numbers import count_text, seconds_text
from rnnbench.reporting.table import NOT_RUN, Cell, Row, Table

NEVER = "never"


def solving_table(summary: pd.DataFrame) -> Table | None:
    """One row per model, one column per task: sequences to solve and how many seeds did; None without any.

    Parameters
    ----------
    summary : DataFrame
        From `summarise`.

    Notes
    -----
    The first line of a cell is the median over all seeds, those that never solved the task counted as
    infinitely slow ("never" where half of them or more did not). Where only some did, a second line has the
    median over these. The last line has their updates and compiled seconds.
    """
    if summary["sequences_to_solve"].isna().all():
        return None
    tasks, models = list(summary["task"].cat.categories), list(summary["model"].cat.categories)
    found = {(r["model"], r["task"]): _cell(r) for r in summary.to_dict("records")}
    rows = [
        Row((Cell((model,)), *(found.get((model, task), Cell((NOT_RUN,))) for task in tasks)))
        for model in models
    ]
    return Table(("model", *tasks), tuple(rows))


def _cell(found: dict[str, float]) -> Cell:
    solved, n = int(found["solved"]), int(found["n"])
    lines = [f"{_amount(found['sequences_to_solve_all'])} {solved}/{n}"]
    if 0 < solved < n:
        lines.append(f"solved: {count_text(found['sequences_to_solve'])}")
    if solved:
        lines.append(_costs(found))
    return Cell(tuple(lines), solved == n)


def _costs(found: dict[str, float]) -> str:
    updates, seconds = found["solved_at"], found["seconds_to_solve"]
    parts = [f"{count_text(updates)} updates" if not math.isnan(updates) else ""]
    parts += [f"{seconds_text(seconds)} s" if not math.isnan(seconds) else ""]
    return ", ".join(part for part in parts if part)


def _amount(amount: float) -> str:
    if math.isnan(amount):
        return "?"
    return NEVER if math.isinf(amount) else count_text(amount)
