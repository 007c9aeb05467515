"""`rnnbench predict RUN_KEY data.csv`: a stored network on a file of the user's."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.experiment.refusals import Refused
from rnnbench.experiment.settings import read_settings
from rnnbench.experiment.stored.lookup import find
from rnnbench.experiment.stored.weights import stored_network
from rnnbench.experiment.wording import run_name
from rnnbench.network.network import Network
from rnnbench.network.parameters import Parameters
from rnnbench.tasks import table
from rnnbench.tracking import Store

Array = NDArray[Any]
Column = Mapping[str, Any]
DEFAULTS = {"output": "predictions.csv", "loop": "closed", "missing": "refuse", "delimiter": ","}
CHOICES = {"loop": ("closed", "open"), "missing": ("refuse", "fill")}


@dataclass(frozen=True)
class Trained:
    """A stored network: its record, the network, and the weights that were kept."""

    record: Mapping[str, Any]
    network: Network
    parameters: Parameters

    @property
    def name(self) -> str:
        """Key, model, task and seed in a few words."""
        return run_name(self.record)


def predict(store: Store, key: str, path: str, settings: Sequence[str] = ()) -> Path:
    """Write what a stored network says about a CSV file, and return where.

    The file has a column for each input of the network, named as in training, one row per step. Columns are
    scaled as in training, predictions are scaled back.

    Parameters
    ----------
    store : Store
        Where the run is kept.
    key : str
        Of the run, or the beginning of it, see `lookup.find`.
    path : str
        The file: UTF-8, a header, then numbers (see `rnnbench.tasks.csv`).
    settings : sequence of str
        `output=FILE`; `loop=open`, where the file's own target columns are fed back in place of the network's
        outputs; `missing=fill`, where an empty cell is the last known value of its column, as in training;
        `delimiter=;`.

    Raises
    ------
    Refused
        An unknown or ambiguous key, a run that failed, a file that does not fit, a setting that makes no
        sense; nothing has been written.
    """
    options = read_options(settings)
    output = Path(options["output"])
    if output.exists() and Path(path).exists() and output.samefile(path):
        raise Refused(f"output={output}: is the file that is read; choose another name")
    trained = load(store, key)
    try:
        file = table.read(path, options["delimiter"])
        x = _inputs(trained, file, options["missing"] == "fill")
        target = _targets(trained, file) if options["loop"] == "open" else None
    except ValueError as error:
        raise Refused(_as_asked(str(error))) from error
    y = trained.network.forward(trained.parameters, x, target, options["loop"])[:, 0]
    _write(output, _text(trained.record["columns"], y))
    return output


def read_options(settings: Sequence[str]) -> dict[str, str]:
    """Return the settings of `predict` with their defaults; refuses unknown keys and values."""
    options = read_settings(settings, DEFAULTS, CHOICES)
    if len(options["delimiter"]) != 1 or options["delimiter"] in '\r\n"':
        raise Refused(f"delimiter={options['delimiter']!r}: must be one character")
    output = Path(options["output"])
    try:
        writable = options["output"] and not output.is_dir() and output.parent.is_dir()
    except OSError as error:
        raise Refused(f"output={output}: cannot be written ({error.strerror or error})") from error
    if not writable:
        raise Refused(f"output={options['output']}: must be a file in a folder that exists")
    return options


def load(store: Store, key: str) -> Trained:
    """Return the stored network of a run, whose key is given as to `lookup.find`."""
    record = find(store, key)
    if record["outcome"] == "failed":
        raise Refused(f"{run_name(record)}: this run failed, there is no trained network; run it again")
    if "columns" not in record:
        raise Refused(f"{run_name(record)}: was stored before scales were kept; run it again")
    return Trained(record, *stored_network(store, record))


def _inputs(trained: Trained, file: table.Table, fill: bool) -> Array:
    """Return inputs (T, 1, I) in the type of the weights, scaled as in training, or symbols (T, 1)."""
    columns = trained.record["columns"]["inputs"]
    values = _read(file, columns, "inputs")
    holes = np.argwhere(np.isnan(values))
    if len(holes) and not fill:
        row, column = holes[0]
        raise ValueError(
            f"{file.path}: row {row + 1} below the header, column {columns[column]['name']}: no value; "
            "missing=fill reads the last known one"
        )
    if "symbols" in columns[0]:
        return _symbols(file, values, columns[0], unknown=False)
    scaled = table.filled_forward(_scaled(values, columns))
    return np.ascontiguousarray(scaled[:, None], trained.parameters.vector.dtype)


def _targets(trained: Trained, file: table.Table) -> Array:
    """Return targets (T, 1, O) for the open loop, NaN where unknown; or labels (T, 1)."""
    columns, horizon = trained.record["columns"]["targets"], trained.record["columns"]["horizon"]
    if not trained.network.has_feedback:
        raise ValueError(f"loop=open: {trained.name} feeds no output back; leave loop out")
    if horizon > 1:
        raise ValueError(
            f"loop=open: with a horizon of {horizon} it would feed values not yet known; leave loop out"
        )
    values = _read(file, columns, "targets, for loop=open,")
    values = np.concatenate([values[horizon:], np.full((horizon, len(columns)), np.nan)])
    if "symbols" in columns[0]:
        return _symbols(file, values, columns[0], unknown=True)
    return np.ascontiguousarray(_scaled(values, columns)[:, None], trained.parameters.vector.dtype)


def _read(file: table.Table, columns: Sequence[Column], what: str) -> Array:
    names = [column["name"] for column in columns]
    missing = [name for name in names if name not in file.names]
    if missing:
        has = ", ".join(file.names[:20])
        mark = next((mark for mark in ";\t," if len(file.names) == 1 and mark in has), "")
        has += f" (cells separated by {mark!r}? set delimiter)" if mark else ""
        raise ValueError(
            f"{file.path}: has no column {missing[0]}; {what} are {', '.join(names)}, it has {has}"
        )
    return np.asarray(table.numbers(file, names))


def _scaled(values: Array, columns: Sequence[Column]) -> Array:
    mean, unit = (np.array([column[part] for column in columns]) for part in ("mean", "unit"))
    return np.asarray((values - mean) / unit)


def _symbols(file: table.Table, values: Array, column: Column, unknown: bool) -> Array:
    """Whole numbers (T, 1) below the number of symbols."""
    if unknown and np.isnan(values).any():
        values = np.where(np.isnan(values), 0.0, values)
    whole = (values >= 0) & (values < column["symbols"]) & (values == np.floor(values))
    if not whole.all():
        row = int(np.flatnonzero(~whole[:, 0])[0])
        raise ValueError(
            f"{file.path}: row {row + 1} below the header, column {column['name']}: {values[row, 0]:g} must "
            f"be a whole number from 0 to {column['symbols'] - 1}"
        )
    return np.ascontiguousarray(values, np.int64)


def _as_asked(message: str) -> str:
    """Return a message of the table reader without the name of a setting that `predict` does not have."""
    return message.removeprefix("task.path=").replace("(or set task.delimiter)", "(or set delimiter)")


def _text(columns: Mapping[str, Any], y: Array) -> str:
    """Return predictions (T, O) as CSV: the step, with a horizon the step that is predicted, the columns."""
    targets, horizon = columns["targets"], columns["horizon"]
    table_of: dict[str, Sequence[Any]] = {"step": range(len(y))}
    if horizon:
        table_of["predicted_step"] = range(horizon, horizon + len(y))
    if "symbols" in targets[0]:
        name = targets[0]["name"]
        table_of[name] = y.argmax(axis=1).tolist()
        table_of |= {f"p({name}={k})": _numbers(y[:, k]) for k in range(y.shape[1])}
    else:
        mean, unit = (np.array([column[part] for column in targets]) for part in ("mean", "unit"))
        back = y.astype(np.float64) * unit + mean
        table_of |= {column["name"]: _numbers(back[:, n]) for n, column in enumerate(targets)}
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(table_of)
    writer.writerows(zip(*table_of.values(), strict=True))
    return target.getvalue()


def _numbers(values: Array) -> list[str]:
    return [f"{value:.7g}" for value in values]


def _write(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all."""
    draft = path.with_name(f".{path.name}.draft")
    try:
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Refused(f"output={path}: cannot be written ({error.strerror or error})") from error
