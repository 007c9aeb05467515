"""`rnnbench predict RUN_KEY FILE`: the network of a stored run applied to a CSV file."""

import argparse
import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.base.arguments import choice
from rnnbench.base.files import write_whole
from rnnbench.base.refusals import Refused
from rnnbench.base.wording import run_name
from rnnbench.commands.refusing import refusing_to_write, refusing_values
from rnnbench.commands.settings import read_settings
from rnnbench.commands.stored import add_key, find_trained, open_store
from rnnbench.sweep.trained import stored_network
from rnnbench.tasks import table

Array = NDArray[Any]
#: What the task's record says of its columns: their names, and how they are scaled or that they are symbols.
Columns = Sequence[Mapping[str, Any]]
DEFAULTS = {"output": "predictions.csv", "loop": "closed", "missing": "refuse", "delimiter": ","}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_key(parser)
    parser.add_argument("file", metavar="FILE", help="CSV with a header and a column for each input")
    parser.add_argument(
        "settings",
        nargs="*",
        metavar="KEY=VALUE",
        help="output=predictions.csv  loop=closed|open  missing=refuse|fill  delimiter=,",
    )


def main(options: argparse.Namespace) -> None:
    """Write the predictions of a stored network for a CSV file, and print the path of their file.

    The file has a column for each input of the network, named as in training, and a row for each step. Inputs
    are scaled as in training, predictions are scaled back. Numbers are written so that reading them gives the
    same bits.

    Raises
    ------
    Refused
        An unknown or ambiguous key, a failed run, an unsuitable file or an invalid setting; nothing has been
        written.
    """
    given = read_settings(options.settings, DEFAULTS)
    output, delimiter = Path(given["output"]), given["delimiter"]
    with refusing_values(), refusing_to_write(f"output={output}"):
        choice("loop", given["loop"], ("closed", "open"))
        choice("missing", given["missing"], ("refuse", "fill"))
        if len(delimiter) != 1 or delimiter in '\r\n"':
            raise ValueError(f"delimiter={delimiter!r}: must be one character")
        if output.is_dir() or output.resolve() == Path(options.file).resolve():
            raise ValueError(f"output={output}: must be a file, and not the one with the inputs")
    study, record = find_trained(open_store(), options.key)
    network, parameters = stored_network(study, record["key"])
    try:
        if given["loop"] == "open" and not (network.has_feedback and record["columns"]["horizon"] <= 1):
            raise ValueError(
                f"loop=open: {run_name(record)} feeds no output back, or one that would not be known yet; "
                "leave loop out"
            )
        file = table.read(options.file, delimiter)
        x = _inputs(file, record["columns"]["inputs"], given["missing"] == "fill")
        target = _targets(file, record["columns"]) if given["loop"] == "open" else None
    except ValueError as error:
        # The table reader names the keys of a task, which this command does not have.
        message = str(error).removeprefix("task.path=").removeprefix("task.")
        raise Refused(message.replace("set task.delimiter", "set delimiter")) from error
    arrays = [
        a if a is None or a.dtype == np.int64 else a.astype(parameters.vector.dtype) for a in (x, target)
    ]
    y = network.forward(parameters, *arrays, given["loop"])[:, 0]
    with refusing_to_write(f"output={output}"):
        write_whole(output, _text(record["columns"], y.astype(np.float64)).encode())
    print(output)


def _inputs(file: table.Table, columns: Columns, fill: bool) -> Array:
    """Return inputs (T, 1, I), scaled as in training, or symbols (T, 1)."""
    values = _read(file, "inputs", columns)
    holes = np.argwhere(np.isnan(values))
    if len(holes) and not fill:
        row, column = holes[0]
        raise ValueError(
            f"{_place(file, row, columns[column])}: no value; missing=fill reads the last known one"
        )
    return _in_units(file, values, columns, fill=True)


def _targets(file: table.Table, described: Mapping[str, Any]) -> Array:
    """Return targets (T, 1, O) for the open loop, NaN where unknown; or labels (T, 1)."""
    columns, horizon = described["targets"], described["horizon"]
    values = _read(file, "targets", columns)
    values = np.concatenate([values[horizon:], np.full((horizon, len(columns)), np.nan)])
    return _in_units(file, np.nan_to_num(values) if "symbols" in columns[0] else values, columns, fill=False)


def _read(file: table.Table, key: str, columns: Columns) -> Array:
    names = [column["name"] for column in columns]
    table.check_columns(file, key, names)
    return np.asarray(table.numbers(file, names))


def _place(file: table.Table, row: int, column: Mapping[str, Any]) -> str:
    return f"{file.path}: row {row + 1} below the header, column {column['name']}"


def _in_units(file: table.Table, values: Array, columns: Columns, fill: bool) -> Array:
    """Return values (T, C) of a file as the network reads them: scaled (T, 1, C), or symbols (T, 1)."""
    if "symbols" not in columns[0]:
        mean, unit = (np.array([column[part] for column in columns]) for part in ("mean", "unit"))
        scaled = (values - mean) / unit
        return np.asarray(table.filled_forward(scaled) if fill else scaled)[:, None]
    wrong = ~np.isin(values[:, 0], range(columns[0]["symbols"]))
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            f"{_place(file, row, columns[0])}: {values[row, 0]:g} must be a whole number from 0 to "
            f"{columns[0]['symbols'] - 1}"
        )
    return values.astype(np.int64)


def _text(described: Mapping[str, Any], y: Array) -> str:
    """Return predictions (T, O) as CSV: the step, with a horizon the step that is predicted, the columns."""
    columns, horizon = described["targets"], described["horizon"]
    name = columns[0]["name"]
    steps = np.arange(len(y))
    found: dict[str, Array] = {"step": steps} | ({"predicted_step": steps + horizon} if horizon else {})
    if "symbols" in columns[0]:
        found |= {name: y.argmax(axis=1)} | {f"p({name}={k})": p for k, p in enumerate(y.T)}
    else:
        found |= {c["name"]: values * c["unit"] + c["mean"] for c, values in zip(columns, y.T, strict=True)}
    target = io.StringIO()
    # It writes a float with as few digits as give the same bits when they are read.
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(found)
    writer.writerows(zip(*(values.tolist() for values in found.values()), strict=True))
    return target.getvalue()
