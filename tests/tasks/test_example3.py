"""Example 3 of the notes: random labels."""

import math

import numpy as np
import pytest

from rnnbench.tasks.example3 import Example3


def test_the_data_of_the_notes():
    batch = Example3().training(None, 1)
    assert batch.x.shape == (64, 16, 8) and batch.target.shape == (64, 16)
    assert batch.x.min() >= 0.0 and batch.x.max() < 1.0 and set(np.unique(batch.target)) == {0, 1, 2}
    assert (batch.weight == 1.0).all()
    assert batch.x.mean() == pytest.approx(0.5, abs=0.02)


def test_one_fixed_set_for_everything_that_the_seed_of_the_data_changes():
    task = Example3()
    a, b = task.training(np.random.default_rng(0), 4), task.test(np.random.default_rng(1))
    assert np.array_equal(a.x, b.x) and np.array_equal(a.target, b.target)
    assert not np.array_equal(a.x, Example3(data_seed=1).test(None).x)


def test_chance_is_ln_3_and_a_linear_model_memorises_a_little():
    floors = {f.name: f for f in Example3().floors(None)}
    assert floors["chance"].loss == math.log(3) and floors["chance"].score == pytest.approx(1 / 3)
    assert floors["best constant"].loss < math.log(3)
    assert floors["best constant"].score < floors["linear model of one step"].score < 0.5
