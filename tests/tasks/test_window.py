"""The window task: definition, class balance and the closed-form floors."""

import math

import numpy as np
import pytest

from rnnbench.tasks.contract import best_constant_loss
from rnnbench.tasks.linear import lagged, least_squares
from rnnbench.tasks.window import WEIGHTS, Window


def by_definition(x, t):
    """The formula of the paper, in its own terms."""
    past = sum((1 - abs(d) / 10) * x[t + d] for d in range(-10, 0)) / 10
    future = sum((1 - abs(d) / 20) * x[t + d] for d in range(20)) / 20
    return past + future


@pytest.mark.parametrize("delay", [0, 7, 19])
def test_the_target_is_the_formula(delay):
    batch = Window(length=50, delay=delay).training(np.random.default_rng(0), 3)
    known = np.flatnonzero(batch.weight[:, 0])
    assert known.tolist() == list(range(10 + delay, 50 - 19 + delay))
    assert np.array_equal(batch.weight, np.repeat(batch.weight[:, :1], 3, axis=1))
    for b in range(3):
        wanted = [by_definition(batch.x[:, b, 0].astype(float), t - delay) for t in known]
        assert batch.target[known, b, 0] == pytest.approx(wanted, abs=1e-6)


def test_the_first_ten_and_the_last_nineteen_steps_are_not_scored():
    weight = Window().training(np.random.default_rng(0), 2).weight
    assert not weight[:10].any() and not weight[-19:].any() and (weight[10:-19] == 1.0).all()


def test_class_balance_of_the_paper():
    batch = Window(kind="classification").training(np.random.default_rng(1), 3000)
    known = batch.target[batch.weight > 0]
    assert (known == 0.0).mean() == pytest.approx(0.585, abs=0.01)
    floors = {f.name: f for f in Window(kind="classification").floors(np.random.default_rng(2))}
    assert floors["best constant"].score == pytest.approx(0.585, abs=0.01)
    assert floors["causal network"].score == pytest.approx(0.81, abs=0.01)
    assert floors["bidirectional network"].score == 1.0


@pytest.mark.parametrize(
    ("delay", "nmse", "accuracy"), [(0, 0.332, 0.81), (5, 0.137, 0.88), (10, 0.038, 0.94), (15, 0.004, 0.98)]
)
def test_floors_of_a_causal_network_with_a_delay(delay, nmse, accuracy):
    floors = {f.name: f for f in Window(delay=delay).floors(None)}
    assert 1.0 - floors["causal network"].score == pytest.approx(nmse, abs=5e-4)
    assert floors["bidirectional network"].score == 1.0
    classes = {f.name: f for f in Window(delay=delay, kind="classification").floors(np.random.default_rng(0))}
    assert classes["causal network"].score == pytest.approx(accuracy, abs=0.01)


def test_floors_of_the_other_readers():
    floors = {f.name: f for f in Window().floors(None)}
    assert 1.0 - floors["backward network"].score == pytest.approx(0.614, abs=5e-4)
    assert floors["best constant"].loss == pytest.approx(0.00387, abs=1e-5)
    assert floors["causal network"].loss == pytest.approx(0.00129, abs=1e-5)
    assert 1.0 - {f.name: f for f in Window(delay=19).floors(None)}["causal network"].score == 0.0


def test_floors_agree_with_least_squares_on_drawn_data():
    x = np.random.default_rng(4).random(15_000)
    s = np.convolve(x, WEIGHTS[::-1], mode="valid")  # s[i] belongs to x[i + 10]
    series = np.concatenate([np.zeros(10), s])
    at = np.arange(100, 12_000)
    wanted, variance = series[at], series[at].var()
    floors = {f.name: 1.0 - f.score for f in Window().floors(None)}
    for name, sources in [
        ("causal network", [(x, range(0, 11))]),
        ("backward network", [(x, range(-19, 1))]),
        ("bidirectional network", [(x, range(-19, 11))]),
        ("causal, targets fed back", [(x, range(0, 31)), (series, range(1, 20))]),
    ]:
        design = lagged(sources, at)
        error = ((design @ least_squares(design, wanted) - wanted) ** 2).mean() / variance
        assert error == pytest.approx(floors[name], rel=0.03, abs=1e-12), name


def test_solved_at_five_percent():
    task = Window()
    batch = task.validation(np.random.default_rng(0))
    deviation = math.sqrt(best_constant_loss(batch, "mse"))
    assert task.solved(batch.target + 0.22 * deviation, batch)
    assert not task.solved(batch.target + 0.23 * deviation, batch)


def test_ranges():
    with pytest.raises(ValueError, match=r"^task\.length=29: must be a whole number of at least 30$"):
        Window(length=29)
    with pytest.raises(ValueError, match=r"^task\.delay=20: must be a whole number from 0 to 19$"):
        Window(delay=20)
    Window(length=30).training(np.random.default_rng(0), 1)
