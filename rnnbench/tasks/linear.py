"""Linear models by least squares: the floors of tasks with dense targets."""

from collections.abc import Sequence

import numpy as np

from rnnbench.tasks.contract import Array, Floor, relative_score

Sources = Sequence[tuple[Array, range]]


def lagged(sources: Sources, steps: Array) -> Array:
    """Design matrix of a linear model: a column of ones, then each source at each of its lags.

    Parameters
    ----------
    sources : sequence of (ndarray (N,), range)
        Series and their lags; a lag reads ``series[t - lag]``, and 0 outside the series.
    steps : ndarray (M,) of int
        The steps t, one per row.

    Returns
    -------
    ndarray (M, 1 + number of lags), float64
    """
    columns = [np.ones(len(steps))]
    for series, lags in sources:
        for lag in lags:
            at = steps - lag
            inside = (at >= 0) & (at < len(series))
            columns.append(np.where(inside, series[np.where(inside, at, 0)], 0.0))
    return np.stack(columns, axis=1)


def least_squares(design: Array, wanted: Array) -> Array:
    """Coefficients that minimise ``|design @ c - wanted|**2`` (of least norm where they are not unique)."""
    coefficients: Array = np.linalg.lstsq(design, wanted, rcond=None)[0]
    return coefficients


def floor_of(name: str, prediction: Array, wanted: Array, constant: float, loop: str, how: str) -> Floor:
    """Return the floor of a prediction: its mean squared error, its score against the best constant's."""
    loss = float(((prediction - wanted) ** 2).mean())
    return Floor(name, relative_score(loss, constant), loss, loop, how)


def fitted_floor(
    name: str,
    sources: Sources,
    target: Array,
    steps: tuple[Array, Array],
    constant: float,
    loop: str,
    how: str,
) -> Floor:
    """Fit a linear model of lagged sources by least squares and return its floor.

    Parameters
    ----------
    sources : sequence of (ndarray (N,), range)
        What the model reads, see ``lagged``.
    target : ndarray (N,) or (N, O)
        What it predicts.
    steps : (ndarray of int, ndarray of int)
        The steps it is fitted to and the steps it is evaluated on.
    constant : float
        Loss of the best constant on the latter.
    name, loop, how : str
        Of the floor.
    """
    fitted, asked = steps
    coefficients = least_squares(lagged(sources, fitted), target[fitted])
    return floor_of(name, lagged(sources, asked) @ coefficients, target[asked], constant, loop, how)


def free_run(coefficients: Array, past: Array, steps: int) -> Array:
    """Let an autoregression ``s_t = c_0 + sum_k c_k s_{t-k}`` run on its own output.

    Parameters
    ----------
    coefficients : ndarray (p + 1,)
        Constant, then lags 1..p.
    past : ndarray (n,), n >= p
        Known values, oldest first.
    steps : int
        How many values to produce.

    Returns
    -------
    ndarray (steps,)
    """
    series = list(past)
    for _ in range(steps):
        recent = series[: -len(coefficients) : -1]
        series.append(float(coefficients[0] + coefficients[1:] @ np.array(recent)))
    return np.array(series[len(past) :])
