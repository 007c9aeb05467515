"""Numeric columns of a CSV file, with errors that name the line."""

import csv
import hashlib
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnnbench.base.suggestions import did_you_mean
from rnnbench.tasks.contract import Array

#: Cells that mean "missing", in lower case: those of pandas.read_csv.
MISSING = frozenset(
    [
        "",
        "na",
        "n/a",
        "#n/a",
        "#n/a n/a",
        "#na",
        "nan",
        "-nan",
        "null",
        "none",
        "<na>",
        "1.#ind",
        "-1.#ind",
        "1.#qnan",
        "-1.#qnan",
    ]
)


class Table(NamedTuple):
    """A CSV file in memory.

    Parameters
    ----------
    path : str
        As the user gave it, for messages.
    text : str
        The whole file.
    delimiter : str
        Between cells.
    names : list of str
        The header, blanks around names removed.
    digest : str
        First 16 hexadecimal digits of the SHA-256 of the file's bytes.
    """

    path: str
    text: str
    delimiter: str
    names: list[str]
    digest: str


def read(path: str, delimiter: str) -> Table:
    """Read a CSV file in UTF-8 (with or without byte-order mark) and its header.

    Raises
    ------
    ValueError
        Missing, not a file, empty, not UTF-8, or a header with a name missing or twice; one line, names the
        path.
    """
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"task.path={path}: {error.strerror or error}") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ValueError(f"task.path={path}: line {line} is not UTF-8; save the file as UTF-8") from None
    first = next(_rows(path, text, delimiter), None)
    if first is None:
        raise ValueError(f"task.path={path}: the file is empty")
    names = [cell.strip() for cell in first[1]]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        what = f"the column name {twice!r} stands twice" if twice else "several columns have no name"
        raise ValueError(f"task.path={path}: in the header (line {first[0]}) {what}")
    return Table(path, text, delimiter, names, hashlib.sha256(raw).hexdigest()[:16])


def column_names(key: str, value: Any) -> list[str]:
    """Return the names that a field of a task gives, in a list or in a string with commas."""
    names = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if not isinstance(names, Iterable) or not (names := list(names)) or not all(names):
        raise ValueError(f"task.{key}={value}: must name columns, in a list or with commas between")
    names = [str(name) for name in names]
    if len(set(names)) < len(names):
        raise ValueError(f"task.{key}={','.join(names)}: must not name a column twice")
    return names


def check_columns(table: Table, key: str, columns: Sequence[str]) -> None:
    """Refuse columns that the header does not have; ``key`` is the setting that names them."""
    for column in columns:
        if column not in table.names:
            if separator := _other_separator(table):
                raise ValueError(
                    f"task.{key}={column}: the header of {table.path} is one column with {separator} in it; "
                    f"cells must be separated by {table.delimiter!r} (or set task.delimiter)"
                )
            listed = ", ".join(table.names[:20]) + (", ..." if len(table.names) > 20 else "")
            near = did_you_mean(column, table.names)
            raise ValueError(f"task.{key}={column}: {table.path} has no such column, it has {listed}{near}")


def _other_separator(table: Table) -> str:
    """Return the name of what separates the cells of a header that was read as one column, or ""."""
    seen = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
    if len(table.names) != 1:
        return ""
    return next((name for mark, name in seen.items() if mark in table.names[0]), "")


def numbers(table: Table, columns: Sequence[str]) -> Array:
    """Return columns as numbers.

    Returns
    -------
    ndarray (rows, len(columns)), float64
        NaN where a value is missing. Blank lines are skipped.

    Raises
    ------
    ValueError
        A cell that is not a finite number, a row with another number of cells, or no row at all; names the
        line.
    """
    places = [table.names.index(column) for column in columns]
    rows = _rows(table.path, table.text, table.delimiter)
    next(rows)
    values = []
    for line, cells in rows:
        if len(cells) != len(table.names):
            raise ValueError(
                f"task.path={table.path}: line {line} has {len(cells)} cells, the header {len(table.names)}"
            )
        values.append([_number(cells[place], table.path, line, table.names[place]) for place in places])
    if not values:
        raise ValueError(f"task.path={table.path}: there is no row below the header")
    return np.array(values, dtype=np.float64)


def scaled(columns: Array, training_end: int) -> tuple[Array, Array, Array]:
    """Scale columns (N, C) by mean and deviation of their training values; also return these two."""
    training = columns[:training_end]
    known = ~np.isnan(training)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, training, 0.0).sum(axis=0) / count
    deviation = np.sqrt((np.where(known, training - mean, 0.0) ** 2).sum(axis=0) / count)
    unit = np.where(deviation > 0.0, deviation, 1.0)
    return (columns - mean) / unit, mean, unit


def filled_forward(columns: Array) -> Array:
    """Replace each NaN of columns (N, C) by the last known value before it, or by 0 where there is none."""
    last = np.where(np.isnan(columns), -1, np.arange(len(columns))[:, None])
    last = np.maximum.accumulate(last, axis=0)
    return np.where(last >= 0, np.take_along_axis(columns, np.maximum(last, 0), axis=0), 0.0)


def _rows(path: str, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        raise ValueError(f"task.path={path}: line {reader.line_num}: {error}") from None


def _number(cell: str, path: str, line: int, column: str) -> float:
    cell = cell.strip()
    if cell.lower() in MISSING:
        return math.nan
    try:
        value = float(cell) if "_" not in cell else math.nan  # Python reads 1_000, no other program does
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"task.path={path}: line {line}, column {column}: {cell!r} is not a finite number")
    return value
