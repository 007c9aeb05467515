"""Columns of a user's CSV file, predicted from its columns."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnnbench.tasks import table
from rnnbench.tasks.contract import (
    Array,
    Batch,
    Floor,
    Task,
    best_constant_loss,
    number,
    outputs,
    scored,
    whole_number,
)
from rnnbench.tasks.linear import fitted_floor, floor_of, lagged
from rnnbench.tasks.split import read_split

#: Linear floors are fitted to at most this many steps, the last ones of the training part.
MOST_FITTED = 20_000


@dataclass
class CSV(Task):
    """Predict columns of a CSV file from columns of it, row by row in time.

    ``x_t`` = the input columns in row t, target = the target columns in row t + ``horizon``. The rows are
    cut, in order, into training, validation and test part; a step belongs to the part of its target's row.
    Columns are scaled by mean and standard deviation of their known values in the training part. Training
    draws windows of ``length`` steps at random places (the whole part, once, when it is not longer);
    validation and test are one sequence each. The first ``warm_up`` steps of each sequence are read but not
    scored; before validation and test they are the rows that come before.

    Missing values (an empty cell, NA, NaN, null, ... as in pandas) have weight 0: a step is not scored when a
    target or an input of it is missing. A missing input is replaced by the last known value of its column (by
    the mean of the training part before the first known one), so that later steps can be read; targets are
    never filled in.

    Score: 1 - NMSE in closed loop. Solved: score >= ``goal``. Further score: ``rmse``, in the file's own unit
    (for several targets ``rmse_NAME`` each).

    A column may be input and target at once when the horizon is at least 1 (forecasting); networks that read
    the future are then refused. With a horizon above 1 the open loop is refused: it would feed values not yet
    known.

    Parameters
    ----------
    path : str
        A file in UTF-8 with a header; relative to the working folder.
    targets : list of str, or str
        Columns to predict; a string may hold several names with commas between.
    inputs : list of str, or str, optional
        Columns to read; all columns that are not targets when left out.
    horizon : int
        Rows from an input to its target.
    split : three numbers
        Fractions of the rows, for training, validation and test; they sum to 1.
    length : int
        Steps of a training window.
    warm_up : int
        Steps that are read but not scored, at the start of each sequence.
    order : int
        Number of lags of the linear floors.
    goal : float
        Score that counts as solved and ends a training; 1 trains to the end.
    delimiter : str
        Character between cells.
    digest : str
        First 16 hexadecimal digits of the file's SHA-256. Filled in; when given, a file that has changed is
        refused.

    Raises
    ------
    ValueError
        One line that names the setting, and the line of the file where there is one: no such file or column,
        empty, not UTF-8, a cell that is not a number, a part without a scored step, a target that does not
        vary.

    Examples
    --------
    A file of the lines ``u,y``, ``1,10``, ``2,``, ``3,30`` with ``targets="y"``: x = 1, 2, 3 and targets 10,
    unknown, 30, weights 1, 0, 1 (before scaling and splitting).
    """

    path: str = ""
    targets: Any = None
    inputs: Any = None
    horizon: int = 0
    split: Any = (0.6, 0.2, 0.2)
    length: int = 100
    warm_up: int = 10
    order: int = 10
    goal: float = 1.0
    delimiter: str = ","
    digest: str = ""

    def __post_init__(self) -> None:
        """Check the settings, read the file and cut it."""
        if not isinstance(self.path, str) or not self.path:
            raise ValueError(f"task.path={self.path!r}: must name a CSV file")
        if not isinstance(self.delimiter, str) or len(self.delimiter) != 1 or self.delimiter in '\r\n"':
            raise ValueError(f"task.delimiter={self.delimiter!r}: must be one character")
        whole_number("task.horizon", self.horizon, 0)
        whole_number("task.warm_up", self.warm_up, 0)
        whole_number("task.length", self.length, self.warm_up + 1)
        whole_number("task.order", self.order, 1)
        number("task.goal", self.goal, -math.inf, 1.0)
        self.split = read_split(self.split)
        self._read()

    @property
    def label(self) -> str:
        """Name of the file and of the targets, and the horizon where there is one."""
        ahead = f" {self.horizon} ahead" if self.horizon else ""
        return f"{Path(self.path).name} ({', '.join(self.targets)}){ahead}"

    @property
    def n_in(self) -> int:
        """Number of input columns."""
        return len(self.inputs)

    @property
    def n_out(self) -> int:
        """Number of target columns."""
        return len(self.targets)

    @property
    def open_loop(self) -> bool:
        """Whether the target of the step before is known: not with a horizon above 1."""
        return self.horizon <= 1

    @property
    def causal_only(self) -> bool:
        """Whether a target is among the inputs."""
        return bool(set(self.inputs) & set(self.targets))

    @classmethod
    def example(cls, folder: Path) -> "CSV":
        """Return the task of a small file: y is a moving average of u."""
        u = np.random.default_rng(0).random(200)
        y = np.convolve(u, [0.5, 0.3, 0.2])[: len(u)]
        path = folder / "example.csv"
        path.write_text("u,y\n" + "".join(f"{a},{b}\n" for a, b in zip(u, y, strict=True)), encoding="utf-8")
        return cls(path=str(path), targets="y")

    def columns(self) -> dict[str, Any]:
        """Return the file's columns with the scales of its training part."""
        return {
            "inputs": _scales(self.inputs, *self._input_scale),
            "targets": _scales(self.targets, *self._target_scale),
            "horizon": self.horizon,
        }

    def training(self, rng: np.random.Generator, size: int) -> Batch:
        """Draw ``size`` windows, each with a scored step; or return the training part when it is short."""
        if self._parts[0].stop <= self.length:
            return self._sequence(self._parts[0])
        at = self._starts[rng.integers(0, len(self._starts), size)] + np.arange(self.length)[:, None]
        weight = self._weight[at]
        weight[: self.warm_up] = 0.0
        return Batch(self._x[at], self._target[at], weight, None)

    def validation(self, rng: np.random.Generator) -> Batch:
        """Return the validation part."""
        return self._sequence(self._parts[1])

    def test(self, rng: np.random.Generator) -> Batch:
        """Return the test part."""
        return self._sequence(self._parts[2])

    def solved(self, y: Array, batch: Batch) -> bool:
        """Whether the score reaches ``goal``."""
        return self.score(y, batch) >= self.goal

    def extra_scores(self, net: Any, params: Any, batch: Batch) -> dict[str, float]:
        """Root mean squared error of each target in the unit of the file."""
        steps = scored(batch)
        error = (outputs(net, params, batch)[steps] - batch.target[steps]).astype(np.float64)
        rmse = np.sqrt((error**2).mean(axis=0)) * self._target_scale[1]
        names = ["rmse"] if self.n_out == 1 else [f"rmse_{name}" for name in self.targets]
        return {name: float(value) for name, value in zip(names, rmse, strict=True)}

    def floors(self, rng: np.random.Generator) -> list[Floor]:
        """Return floors on the test part; linear models are fitted to the training part by least squares.

        They use ``order`` lags, or fewer where the training part has not four scored steps for each
        coefficient.
        """
        train, _, test = self._parts
        known = np.flatnonzero(self._weight > 0.0)
        fitted = known[known < train.stop][-MOST_FITTED:]
        batch = self.test(rng)
        asked = np.flatnonzero(batch.weight[:, 0] > 0.0) + test.stop - len(batch.weight)
        constant = best_constant_loss(batch, "mse")
        lag, order = max(1, self.horizon), min(self.order, len(fitted) // (4 * (self.n_in + self.n_out)))
        order = max(1, order)
        of_x = [(column, range(order)) for column in self._x.T.astype(np.float64)]
        of_target = [(column, range(lag, lag + order)) for column in self._last_target.T]
        previous = lagged([(column, range(lag, lag + 1)) for column in self._last_target.T], asked)[:, 1:]
        steps, wanted = (fitted, asked), self._target.astype(np.float64)
        target_is_read = set(self.targets) <= set(self.inputs)
        fit = f"least squares on the training part: inputs at lags 0..{order - 1}"
        floors = [Floor("best constant", 0.0, constant, "both", "mean of the test part")]
        if self.open_loop or target_is_read:
            loop, how = "both" if target_is_read else "open", f"the last known target, {lag} row(s) before"
            floors.append(floor_of("persistence", previous, wanted[asked], constant, loop, how))
        floors.append(fitted_floor("linear model", of_x, wanted, steps, constant, "both", fit))
        if self.open_loop and not target_is_read:
            fit += f", targets at lags {lag}..{lag + order - 1}"
            floors.append(fitted_floor("ARX", of_x + of_target, wanted, steps, constant, "open", fit))
        return floors

    def _sequence(self, part: range) -> Batch:
        """One sequence that ends with a part, the rows of the warm-up before it."""
        steps = slice(max(0, part.start - self.warm_up), part.stop)
        weight = self._weight[steps].copy()
        weight[: self.warm_up] = 0.0
        return Batch(self._x[steps, None].copy(), self._target[steps, None].copy(), weight[:, None], None)

    def _read(self) -> None:
        """Read the file, choose and check the columns, cut and scale them."""
        file = table.read(self.path, self.delimiter)
        if self.digest not in ("", file.digest):
            raise ValueError(
                f"task.digest={self.digest}: {self.path} has changed, its digest is {file.digest}"
            )
        self.digest = file.digest
        self.targets = table.column_names("targets", self.targets)
        table.check_columns(file, "targets", self.targets)
        hint = "" if self.inputs is not None else "; task.inputs names the columns to read"
        others = [name for name in file.names if name not in self.targets]
        self.inputs = others if self.inputs is None else table.column_names("inputs", self.inputs)
        table.check_columns(file, "inputs", self.inputs)
        if not self.inputs:
            raise ValueError(f"task.inputs=None: {self.path} has no column beside the targets")
        both = sorted(set(self.inputs) & set(self.targets))
        if both and self.horizon == 0:
            raise ValueError(f"task.horizon=0: must be at least 1, for {both[0]} is both input and target")
        target = table.numbers(file, self.targets)
        try:
            x = table.numbers(file, self.inputs)
        except ValueError as error:
            raise ValueError(f"{error}{hint}") from None
        if self.horizon >= len(x):
            raise ValueError(f"task.horizon={self.horizon}: must be below the {len(x)} rows of {self.path}")
        self._cut_and_scale(x, target)

    def _cut_and_scale(self, x: Array, target: Array) -> None:
        """Set columns, weights and parts by step: step t has input row t and target row t + horizon."""
        rows, steps = len(x), len(x) - self.horizon
        first, second = (round(rows * end) for end in np.cumsum(self.split[:2]))
        x, *self._input_scale = table.scaled(x, first)
        target, *self._target_scale = table.scaled(target, first)
        target = target[self.horizon :]
        first, second = max(0, first - self.horizon), max(0, second - self.horizon)
        self._parts = range(0, first), range(first, second), range(second, steps)
        known = ~np.isnan(np.concatenate([x[:steps], target], axis=1)).any(axis=1)
        self._x = table.filled_forward(x)[:steps].astype(np.float32)
        self._last_target = table.filled_forward(target)
        self._target = np.where(np.isnan(target), 0.0, target).astype(np.float32)
        self._weight = known.astype(np.float32)
        counted: Array = np.concatenate([[0], np.cumsum(known)])
        start = np.arange(max(0, first - self.length + 1))
        self._starts = start[counted[start + self.length] > counted[start + self.warm_up]]
        self._check_parts(np.asarray(~np.isnan(target).any(axis=1)))

    def _check_parts(self, target_known: Array) -> None:
        """Refuse data on which there is no score; `target_known` (steps,): where all targets are."""
        for part, name in zip(self._parts, ("training", "validation", "test"), strict=True):
            if not self._weight[part.start : part.stop].any():
                known = target_known[part.start : part.stop]
                why = ": no target is known there" if len(known) and not known.any() else ""
                raise ValueError(
                    f"task.split={self.split}: the {name} part of {self.path} has no scored step{why}"
                )
            batch = self._sequence(part)
            if not scored(batch).any():
                raise ValueError(f"task.warm_up={self.warm_up}: leaves no scored step in the {name} part")
            if part.start and np.ptp(batch.target[scored(batch)], axis=0).max() == 0.0:
                one = scored(batch).sum() == 1
                what = "known in a single step of" if one else "constant in"
                raise ValueError(
                    f"task.targets={','.join(self.targets)}: {what} the {name} part, nothing to predict"
                )


def _scales(names: list[str], mean: Array, unit: Array) -> list[dict[str, Any]]:
    return [
        {"name": name, "mean": float(m), "unit": float(u)}
        for name, m, u in zip(names, mean, unit, strict=True)
    ]
