"""Yearly sunspot numbers, one year ahead: real data with a classic split."""

import csv
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from rnnbench.tasks.contract import (
    Array,
    Batch,
    Floor,
    Task,
    best_constant_loss,
    inputs_for,
    mean_loss,
    outputs,
    scored,
    whole_number,
)
from rnnbench.tasks.linear import fitted_floor, floor_of, free_run, lagged, least_squares

FIRST_YEAR, TRAINING_END, VALIDATION_END, TEST_END = 1700, 1920, 1955, 1979
#: The variance by which the literature divides its squared errors (ARV).
PUBLISHED_VARIANCE = 1535.0


@dataclass
class Sunspots(Task):
    """Predict the yearly sunspot number from the years before.

    ``x_t = s_{t-1}``, target ``s_t``: years 1700-1920 train, 1921-55 validate, 1956-79 test. The data are
    those bundled with statsmodels (1700-2008, the series before its rescaling in 2015). Numbers are scaled by
    mean and standard deviation of 1700-1920. There is one training sequence; the sequences of validation and
    test start in 1701 too, with weight 0 before their years, so that a network has read the whole past when
    it is scored. The first ``warm_up`` years of the training sequence have weight 0 as well.

    Score: 1 - NMSE over the scored years, one step ahead. Further scores: ``free_running_score``, where from
    the first scored year on the network reads its own predictions for the years before, and ``arv`` and
    ``free_running_arv``, the mean squared error in squared sunspot numbers over 1535. Solved: score > 0.95
    (ours; a bound that stops no training here, for real data are not solved).

    A network that reads the future is refused: x_{t+1} is the target of step t.

    Parameters
    ----------
    warm_up : int
        Years at the start of the training sequence that are read but not scored.
    order : int
        p of the autoregression among the floors.

    Examples
    --------
    1700: 5, 1701: 11, 1702: 16. Step 0 has x = 5 and target 11, step 1 has x = 11 and target 16 (before
    scaling).

    Notes
    -----
    ARV as remembered from the literature, not recomputed here (1700-1920 / 1921-55 / 1956-79): network of
    Weigend et al. 1990 0.082 / 0.086 / 0.35; threshold autoregression of Tong & Lim 1980 0.097 / 0.097 /
    0.28. Differs from them: they test on 1921-55, which here decides about stopping. Their 1535 is called the
    variance of the whole record; of these data, 1700-1979 has 1496 and 1700-1980 has 1531.

    References
    ----------
    Weigend, Huberman & Rumelhart (1990), "Predicting the future: a connectionist approach". Tong & Lim
    (1980), "Threshold autoregression, limit cycles and cyclical data". Yule (1927) for the autoregression.
    """

    warm_up: int = 12
    order: int = 9

    def __post_init__(self) -> None:
        """Check the ranges."""
        whole_number("task.warm_up", self.warm_up, 0, 200)
        whole_number("task.order", self.order, 1, 50)

    @property
    def n_in(self) -> int:
        """Last year's number."""
        return 1

    @property
    def n_out(self) -> int:
        """The number of the year."""
        return 1

    @property
    def causal_only(self) -> bool:
        """The input one step later is the target."""
        return True

    def columns(self) -> dict[str, Any]:
        """Return one column, the yearly numbers, read and predicted one year ahead."""
        mean, deviation = scaling()
        column = {"name": "sunspots", "mean": mean, "unit": deviation}
        return {"inputs": [column], "targets": [column], "horizon": 1}

    def training(self, rng: np.random.Generator, size: int) -> Batch:
        """Return the one training sequence, 220 steps, whatever the size asked for."""
        return self._years(FIRST_YEAR + 1 + self.warm_up, TRAINING_END)

    def validation(self, rng: np.random.Generator) -> Batch:
        """Return 1701-1955, scored on 1921-55."""
        return self._years(TRAINING_END + 1, VALIDATION_END)

    def test(self, rng: np.random.Generator) -> Batch:
        """Return 1701-1979, scored on 1956-79."""
        return self._years(VALIDATION_END + 1, TEST_END)

    def solved(self, y: Array, batch: Batch) -> bool:
        """Score > 0.95."""
        return self.score(y, batch) > 0.95

    def extra_scores(self, net: Any, params: Any, batch: Batch) -> dict[str, float]:
        """``arv``, ``free_running_score`` and ``free_running_arv`` of a causal network."""
        _, deviation = scaling()
        unit = deviation**2 / PUBLISHED_VARIANCE
        y = outputs(net, params, batch)
        first = int(np.flatnonzero(scored(batch)[:, 0])[0])
        x = inputs_for(params, batch.x)
        y_free = y.copy()
        y_free[first:] = net.generate(params, np.ascontiguousarray(x[: first + 1]), len(x) - first, "output")
        return {
            "arv": mean_loss(y, batch, "mse") * unit,
            "free_running_score": self.score(y_free, batch),
            "free_running_arv": mean_loss(y_free, batch, "mse") * unit,
        }

    def floors(self, rng: np.random.Generator) -> list[Floor]:
        """Return floors on 1956-79; autoregressions are fitted to 1700-1920 by least squares."""
        series = _scaled()
        constant = best_constant_loss(self.test(rng), "mse")
        end, start, stop = (
            year - FIRST_YEAR for year in (TRAINING_END + 1, VALIDATION_END + 1, TEST_END + 1)
        )
        ar, wanted = f"AR({self.order})", series[start:stop]
        past = [(series, range(1, self.order + 1))]
        fitted, asked = np.arange(self.order, end), np.arange(start, stop)
        run = free_run(least_squares(lagged(past, fitted), series[fitted]), series[:start], stop - start)
        one_step = "least squares on 1700-1920, one step ahead on 1956-79"
        free = "the same, reading its own predictions from 1956 on; compare with free_running_score"
        before = "the number of the year before"
        return [
            Floor("best constant", 0.0, constant, "both", "mean of 1956-79"),
            floor_of("persistence", series[start - 1 : stop - 1], wanted, constant, "both", before),
            fitted_floor(ar, past, series, (fitted, asked), constant, "both", one_step),
            floor_of(f"{ar} free-running", run, wanted, constant, "closed", free),
        ]

    def _years(self, first: int, last: int) -> Batch:
        """Sequence of targets 1701..last, scored from year ``first`` on."""
        series = _scaled()[: last - FIRST_YEAR + 1].astype(np.float32)
        weight = (np.arange(FIRST_YEAR + 1, last + 1) >= first).astype(np.float32)
        return Batch(series[:-1, None, None].copy(), series[1:, None, None].copy(), weight[:, None], None)


def scaling() -> tuple[float, float]:
    """Mean and standard deviation of the yearly numbers 1700-1920."""
    training = yearly_numbers()[: TRAINING_END - FIRST_YEAR + 1]
    return float(training.mean()), float(training.std())


def _scaled() -> Array:
    mean, deviation = scaling()
    return (yearly_numbers() - mean) / deviation


@lru_cache(maxsize=1)
def yearly_numbers() -> Array:
    """Sunspot numbers of 1700-2008 from the file bundled with statsmodels, float64, read-only.

    The file is read without importing statsmodels: that takes 0.6 s, the file 1 ms.
    """
    found = importlib.util.find_spec("statsmodels")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("task=sunspots: its data come with statsmodels; install statsmodels")
    path = Path(found.submodule_search_locations[0]) / "datasets" / "sunspots" / "sunspots.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    if [int(float(year)) for year, _ in rows] != list(range(FIRST_YEAR, FIRST_YEAR + len(rows))):
        raise ValueError(f"task=sunspots: {path} does not hold consecutive years from {FIRST_YEAR} on")
    series = np.array([float(number) for _, number in rows])
    series.setflags(write=False)
    return series
