"""The copying memory problem: its layout, its losses, and a network that solves it."""

import math

import numpy as np
import pytest

from rnnbench.network import Arrow, Box, Network
from rnnbench.tasks.contract import mean_loss
from rnnbench.tasks.copy import Copy


def test_symbols_blanks_delimiter_blanks_and_the_answer():
    task = Copy(length=4, symbols=5, items=3)
    batch = task.training(np.random.default_rng(0), 200)
    blank, delimiter = 5, 6
    assert batch.x.shape == (10, 200) and task.n_in == 7 and task.n_out == 6
    assert set(batch.x[:3].ravel()) == set(range(5))
    assert (batch.x[3:6] == blank).all(), "T - 1 blanks"
    assert (batch.x[6] == delimiter).all() and (batch.x[7:] == blank).all()
    assert (batch.target[:7] == blank).all()
    np.testing.assert_array_equal(batch.target[7:], batch.x[:3])
    assert (batch.weight == 1.0).all()


@pytest.mark.parametrize(("length", "published"), [(100, 0.17329), (200, 0.09452), (500, 0.03999)])
def test_the_baseline_of_the_paper(length, published):
    """10 ln 8 / (T + 20)."""
    task = Copy(length=length, test_size=32)
    assert task.steps == length + 20
    floor = {floor.name: floor for floor in task.floors(None)}["no memory of the symbols"]
    assert floor.loss == pytest.approx(published, abs=5e-6)
    batch = task.test(np.random.default_rng(0))
    y = np.zeros((*batch.x.shape, task.n_out))
    y[:-10, :, 8] = 1.0
    y[-10:, :, :8] = 1.0 / 8.0
    assert mean_loss(y, batch, task.loss) == pytest.approx(floor.loss, rel=1e-6)
    assert task.score(y, batch) == pytest.approx(floor.score, abs=0.03)


def test_waiting_earns_nothing_and_what_is_not_finite_is_wrong():
    task = Copy(length=10)
    batch = task.test(np.random.default_rng(0))
    right = np.eye(task.n_out)[batch.target]
    waiting = np.eye(task.n_out)[np.full_like(batch.target, 8)]
    assert task.score(right, batch) == 1.0 and task.score(waiting, batch) == 0.0
    right[-1] = math.nan
    assert task.score(right, batch) == 0.9 and not task.solved(right, batch)


def test_a_delay_line_copies():
    """The linear floor, built: the input T + items steps before, and the blank where there is none."""
    task = Copy(length=7, symbols=4, items=3, test_size=64)
    arrow = Arrow("x", "y", lag=10)
    net = Network([Box("y", task.n_out, "softmax")], [arrow], n_in=task.n_in)
    params = net.init()
    params.vector[:] = 0.0
    params["x->y@10"][:4, :4] = 60.0 * np.eye(4)
    params["y.bias"][4] = 30.0
    batch = task.test(np.random.default_rng(0))
    y = net.forward(params, batch.x)
    assert task.score(y, batch) == 1.0 and task.solved(y, batch)
    assert mean_loss(y, batch, task.loss) < 1e-6
