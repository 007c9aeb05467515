"""Echo: every symbol comes again; memory decides."""

import numpy as np
import pytest

from rnnbench.models.mlp import MLP
from rnnbench.models.rnn import RNN
from rnnbench.models.tdnn import TDNN
from rnnbench.tasks.echo import Echo
from rnnbench.training import drain, fit


def trained(model, task, updates=600):
    net = model.build(task.n_in, task.n_out, task.output_activation)
    return drain(fit(net, task, updates=updates, lr=0.01, evaluate_every=50))


def test_the_label_is_the_symbol_of_so_many_steps_before():
    batch = Echo(length=9, delay=4, symbols=3).training(np.random.default_rng(0), 50)
    assert set(batch.x.ravel()) == {0, 1, 2}
    for t in range(4, 9):
        np.testing.assert_array_equal(batch.target[t], batch.x[t - 4])
    assert not batch.weight[:4].any() and (batch.weight[4:] == 1.0).all()


def test_a_delay_beyond_the_sequence_is_refused():
    for delay in (0, 10):
        with pytest.raises(ValueError, match=rf"^task\.delay={delay}: must be a whole number from 1 to 9$"):
            Echo(length=10, delay=delay)


def test_an_rnn_echoes_and_a_perceptron_cannot():
    task = Echo(length=20, delay=2, test_size=256)
    floors = {floor.name: floor for floor in task.floors(None)}
    rnn, mlp = trained(RNN(hidden=16), task), trained(MLP(hidden=16), task, updates=200)
    assert rnn.outcome == "solved" and rnn.scores["test_score"] > 0.999
    assert mlp.outcome == "finished"
    assert mlp.scores["test_score"] == pytest.approx(floors["chance"].score, abs=0.03)
    assert mlp.scores["test_loss"] == pytest.approx(floors["chance"].loss, abs=0.01)


def test_the_floors_of_windows_are_those_of_trained_windows():
    """A window of N reads N + 1 steps: with one step less than delay + 1 it is as good as nothing."""
    task = Echo(length=20, delay=3, test_size=256)
    names = [floor.name for floor in task.floors(None)]
    assert names[1:3] == ["any model of the last 3 steps", "linear model of the last 4 steps"]
    scores = [trained(TDNN(hidden=8, window=n), task, 300).scores["test_score"] for n in (2, 3)]
    assert scores[0] == pytest.approx(0.5, abs=0.03) and scores[1] == 1.0
