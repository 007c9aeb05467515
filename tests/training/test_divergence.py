"""Divergence is an outcome: recorded, with finite parameters left, and never raised."""

import math

import numpy as np
import pytest

from rnnbench.models.mlp import MLP
from rnnbench.models.rnn import RNN
from rnnbench.training import SGD, drain, fit
from rnnbench.training.descent import Descent
from tests.training.small_tasks import Broken, Delay


def net(model=None):
    return (model or RNN(hidden=4)).build(1, 1)


def test_a_huge_rate_diverges():
    # Of a linear network's squares of squares float32 is soon full.
    model = RNN(hidden=4, activation="linear")
    result = drain(fit(net(model), Delay(), updates=500, optimizer="sgd", lr=1e3, evaluate_every=10, seed=1))
    assert result.outcome == "diverged"
    assert result.updates < 500
    last = result.history[-1]
    assert last["update"] == result.updates
    assert not math.isfinite(last["train_loss"]) or not math.isfinite(last["gradient_norm"])
    assert np.isfinite(result.parameters.vector).all()
    assert set(result.scores) == {"validation_score", "validation_loss", "test_score", "test_loss"}
    assert result.solved_at is None


def test_nan_in_the_data_stops_at_that_update():
    result = drain(fit(net(), Broken(), updates=50, evaluate_every=2, lr=0.01))
    assert (result.outcome, result.updates) == ("diverged", 4)
    assert [record["update"] for record in result.history] == [2, 4]
    assert math.isnan(result.history[-1]["train_loss"])
    assert all(math.isfinite(score) for score in result.scores.values())


def test_diverged_before_anything_was_seen_leaves_the_initial_parameters():
    task = Broken(drawn=10)
    result = drain(fit(net(), task, updates=50, evaluate_every=20))
    assert (result.outcome, result.updates) == ("diverged", 1)
    start = net().init(seed=np.random.SeedSequence(0, spawn_key=(0,)))
    np.testing.assert_array_equal(result.parameters.vector, start.vector)
    assert math.isfinite(result.scores["test_loss"])


def descent(constant_loss, lr=0.0):
    network = net(MLP(hidden=2))
    params = network.init()
    return Descent(
        network,
        params,
        Delay(),
        SGD(lr=lr).start(params.vector.size, params.vector.dtype),
        np.random.default_rng(0),
        batch=16,
        loop="closed",
        reduction="mean",
        memory="full",
        constant_loss=constant_loss,
    )


def test_a_loss_a_hundred_times_the_constant_s_for_a_hundred_updates():
    run = descent(constant_loss=1e-4)
    stretch = run.advance(99)
    assert (run.done, run.diverged) == (99, False)
    assert stretch.loss > 100 * 1e-4
    run.advance(99)
    assert (run.done, run.diverged) == (100, True)


def test_a_loss_below_that_goes_on():
    run = descent(constant_loss=0.1)
    run.advance(300)
    assert (run.done, run.diverged) == (300, False)


def test_a_peak_is_forgiven():
    run = descent(constant_loss=1e-4)
    run.advance(99)
    run.highest = math.inf
    run.advance(1)
    run.highest = 1e-2
    run.advance(99)
    assert not run.diverged


def test_a_perfect_constant_is_no_measure():
    run = descent(constant_loss=0.0)
    run.advance(150)
    assert not run.diverged


def test_diverged_is_seen_by_the_caller_of_the_generator():
    records = fit(net(), Broken(), updates=50, evaluate_every=50)
    with pytest.raises(StopIteration) as end:
        while True:
            next(records)
    assert end.value.value.outcome == "diverged"
