"""Scores that ask a network to run by itself, with the real engine."""

import numpy as np
import pytest

from rnnbench.models.rnn import RNN
from rnnbench.network import Arrow, Box, Network
from rnnbench.tasks.adding import Adding
from rnnbench.tasks.hello import Hello
from rnnbench.tasks.sunspots import Sunspots


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_free_running_sunspots_feed_each_prediction_into_the_next(dtype):
    net = Network([Box("y", 1, "linear")], [Arrow("x", "y"), Arrow("x", "y", lag=1)], n_in=1)
    params = net.init(dtype=dtype)
    params["x->y"][...], params["x->y@1"][...], params["y.bias"][...] = 1.2, -0.6, 0.1
    task = Sunspots()
    batch = task.test(None)
    past = batch.x[254:256, 0, 0].astype(float).tolist()
    for _ in range(24):
        past.append(0.1 + 1.2 * past[-1] - 0.6 * past[-2])
    error = ((np.array(past[2:]) - batch.target[255:, 0, 0]) ** 2).mean()
    scores = task.extra_scores(net, params, batch)
    assert scores["free_running_score"] == pytest.approx(1.0 - error / task.constant_loss(batch), rel=1e-4)


def test_a_network_that_counts_spells_hello():
    """A delay line sees which l it is: l after e is the first, l after l the second."""
    net = Network([Box("y", 4, "softmax")], [Arrow("x", "y"), Arrow("x", "y", lag=1)], n_in=4)
    params = net.init()
    h, e, ell, o = range(4)
    params.vector[:] = 0.0
    params["x->y"][h, e] = params["x->y"][e, ell] = params["x->y"][ell, ell] = 10.0
    params["x->y@1"][ell, o] = 20.0
    task = Hello()
    assert task.spell(net, params) == "hello"
    assert task.extra_scores(net, params, task.test(None)) == {"word": 1.0}
    assert task.solved(net.forward(params, task.test(None).x), task.test(None))
    written = {task.spell(net, params, np.random.default_rng(seed)) for seed in range(20)}
    assert "hello" in written


@pytest.mark.parametrize("variant", ["arjovsky2016", "hochreiter1997"])
def test_outputs_at_the_end_of_each_sequence_are_scored(variant):
    task = Adding(length=20, variant=variant, test_size=64)
    net = RNN(hidden=4).build(task.n_in, task.n_out, task.output_activation)
    params = net.init(seed=1)
    batch = task.test(np.random.default_rng(0))
    y = net.forward(params, batch.x, lengths=batch.lengths)
    assert task.extra_scores(net, params, batch) == {"correct": task.share_correct(y, batch)}
    loss = net.loss(params, batch.x, batch.target, task.loss, batch.weight, lengths=batch.lengths)
    assert 1.0 - loss / task.constant_loss(batch) == pytest.approx(task.score(y, batch), rel=1e-4, abs=1e-5)
