"""Exclusive or: a truth table that needs a hidden layer and no memory."""

import math

import numpy as np
import pytest

from rnnbench.models.mlp import MLP
from rnnbench.network import Arrow, Box, Network
from rnnbench.tasks.xor import XOR
from rnnbench.training import drain, fit


def test_the_truth_table():
    batch = XOR().test(None)
    rows = {tuple(x): t for x, t in zip(batch.x[0].tolist(), batch.target[0, :, 0].tolist(), strict=True)}
    assert rows == {(0, 0): 0.0, (1, 0): 1.0, (0, 1): 1.0, (1, 1): 0.0}
    batch = XOR(bits=5).test(None)
    assert len({tuple(x) for x in batch.x[0].tolist()}) == 32
    np.testing.assert_array_equal(batch.target[..., 0], batch.x.sum(axis=2) % 2)


@pytest.mark.parametrize("bits", [2, 3])
def test_a_hidden_layer_learns_it_and_a_linear_model_stays_at_its_floor(bits):
    task = XOR(bits=bits)
    floor = {floor.name: floor for floor in task.floors(None)}["linear model"]
    solved = drain(
        fit(MLP(hidden=8).build(bits, 1, "sigmoid"), task, updates=1000, lr=0.03, stop_when_solved=False)
    )
    assert solved.outcome == "solved" and solved.scores["test_score"] == 1.0
    linear = Network([Box("y", 1, "sigmoid")], [Arrow("x", "y")], n_in=bits)
    stuck = drain(fit(linear, task, updates=1000, lr=0.03))
    assert stuck.outcome == "finished"
    assert stuck.scores["test_loss"] == pytest.approx(floor.loss, abs=1e-4)
    assert floor.loss == math.log(2)
