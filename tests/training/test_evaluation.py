"""Evaluation: the loss of the training's own definition, at any length, in any loop."""

import numpy as np
import pytest

from rnnbench.models.narx import NARX
from rnnbench.models.rnn import RNN
from rnnbench.tasks.contract import Batch
from rnnbench.training import evaluate
from rnnbench.training.batches import cast, scored_values
from tests.training.small_tasks import Closed, Delay, Symbols, Uneven


@pytest.mark.parametrize("task", [Delay(), Uneven(), Symbols()])
@pytest.mark.parametrize("loop", ["closed", "open", 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_loss_is_the_network_s_own(task, loop, dtype):
    net = NARX(hidden=3).build(task.n_in, task.n_out, task.output_activation)
    params = net.init(seed=1, dtype=dtype)
    batch = task.draw(np.random.default_rng(0), 9)
    found = evaluate(net, params, task, batch, loop)
    x, target, weight, lengths = cast(batch, params.vector.dtype)
    expected = net.loss(params, x, target, task.loss, weight, loop, lengths=lengths)
    assert found.loss == pytest.approx(expected, rel=1e-5 if dtype is np.float32 else 1e-12)
    assert found.score == pytest.approx(task.score(found.y, batch), rel=1e-6)
    np.testing.assert_array_equal(
        found.y, net.forward(params, x, target, loop, weight=weight, lengths=lengths)
    )
    assert found.solved is False


def test_at_another_length():
    net, task = RNN(hidden=3).build(1, 1), Delay()
    long = Delay(length=40).validation(np.random.default_rng(0))
    assert evaluate(net, net.init(), task, long).y.shape == (40, 64, 1)


def test_a_network_that_runs_away_is_scored_without_a_warning():
    net, task = RNN(hidden=3, activation="linear").build(1, 1), Delay(length=200)
    params = net.init()
    params["h->h@1"][:] = 10 * np.eye(3)
    found = evaluate(net, params, task, task.validation(np.random.default_rng(0)))
    assert not np.isfinite(found.y).all()
    assert not found.loss < np.inf
    assert not found.score > 0
    assert found.solved is False


def test_refused_loop():
    net, task = NARX(hidden=3).build(1, 1), Closed()
    with pytest.raises(ValueError, match="loop=open needs targets known"):
        evaluate(net, net.init(), task, task.draw(np.random.default_rng(0), 2), "open")


def test_cast_copies_only_what_is_wrong():
    batch = Uneven().draw(np.random.default_rng(0), 3)
    same = cast(batch, np.dtype(np.float32))
    assert all(ours is theirs for ours, theirs in zip(same, batch, strict=True))
    wider = cast(batch, np.dtype(np.float64))
    assert [array.dtype for array in wider] == [np.float64] * 3 + [np.int64]
    symbols = Symbols().draw(np.random.default_rng(0), 3)
    assert cast(symbols, np.dtype(np.float64)).x is symbols.x
    assert cast(symbols, np.dtype(np.float64)).target is symbols.target


def test_scored_values():
    target = np.array([[[1.0, 2.0]], [[np.nan, 0.0]], [[0.0, 0.0]]])
    batch = Batch(np.zeros((3, 1, 1)), target, np.array([[0.5], [1.0], [2.0]], np.float32))
    assert scored_values(batch) == 2.5 * 2
    assert scored_values(batch._replace(target=np.zeros((3, 1), np.int64))) == 3.5
