"""Lagged designs, least squares and autoregressions that run free."""

import numpy as np
import pytest

from rnnbench.tasks.linear import fitted_floor, free_run, lagged, least_squares


def test_a_lag_reads_the_past_and_zero_outside():
    series = np.array([1.0, 2.0, 3.0])
    design = lagged([(series, range(0, 3)), (10 * series, range(-1, 0))], np.arange(3))
    assert design.tolist() == [[1, 1, 0, 0, 20], [1, 2, 1, 0, 30], [1, 3, 2, 1, 0]]


def test_an_autoregression_is_recovered_and_runs_on():
    s = [1.0, 0.5]
    for _ in range(60):
        s.append(0.3 + 1.2 * s[-1] - 0.8 * s[-2])
    s = np.array(s)
    steps = np.arange(2, 40)
    c = least_squares(lagged([(s, range(1, 3))], steps), s[steps])
    assert c == pytest.approx([0.3, 1.2, -0.8])
    assert free_run(c, s[:40], 20) == pytest.approx(s[40:60])


def test_a_fitted_floor_is_judged_on_other_steps():
    x = np.random.default_rng(0).normal(size=200)
    y = 2.0 * x
    y[150:] += 1.0
    floor = fitted_floor(
        "linear", [(x, range(1))], y, (np.arange(150), np.arange(150, 200)), 4.0, "both", "fit"
    )
    assert floor.loss == pytest.approx(1.0) and floor.score == pytest.approx(0.75)
