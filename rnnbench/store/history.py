"""The history of a run as CSV: one row per evaluation, in a form that `pandas.read_csv` reads directly."""

import csv
import io
import math
from collections.abc import Iterable, Mapping
from typing import Any

#: Columns that are whole numbers; all others are floating point, "solved" is True or False.
_WHOLE = frozenset({"update", "sequences"})


def history_csv(history: Iterable[Mapping[str, Any]], header: bool = True) -> str:
    """Return evaluations as CSV; numbers keep all their digits.

    Parameters
    ----------
    history : iterable of mapping
        The records of `fit`, all with the same keys.
    header : bool
        Whether the first line names the columns.
    """
    rows = list(history)
    if not rows:
        return ""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    if header:
        writer.writerow(rows[0])
    writer.writerows([_text(value) for value in row.values()] for row in rows)
    return target.getvalue()


def read_history(text: str) -> list[dict[str, Any]]:
    """Return the evaluations of `history_csv`; None stands for a number that is not finite or not there.

    Raises
    ------
    ValueError
        The text is no such table.
    """
    rows = csv.reader(io.StringIO(text))
    names = next(rows, [])
    # A row that is being written at this moment is shorter.
    return [
        {name: _value(name, cell) for name, cell in zip(names, row, strict=True)}
        for row in rows
        if len(row) == len(names)
    ]


def _text(value: Any) -> str:
    return "" if value is None else repr(float(value)) if isinstance(value, float) else str(value)


def _value(name: str, cell: str) -> Any:
    if cell in ("True", "False"):
        return cell == "True"
    if not cell:
        return None
    if name in _WHOLE:
        return int(cell)
    number = float(cell)
    return number if math.isfinite(number) else None
