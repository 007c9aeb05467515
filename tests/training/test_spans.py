"""Training at many lengths."""

import numpy as np
import pytest

from rnnbench.models.rnn import RNN
from rnnbench.tasks.example3 import Example3
from rnnbench.tasks.flipflop import Flipflop
from rnnbench.tasks.temporal_order import TemporalOrder
from rnnbench.training import drain, fit, stream
from rnnbench.training.spans import Spans
from tests.training.small_tasks import Delay, Watched
from tests.training.test_fit import bits, build, trained


def test_spans_are_uniform_and_both_ends_are_among_them():
    draw, rng = Spans(Delay(length=7), 3).training, np.random.default_rng(1)
    counts = np.bincount([len(draw(rng, 2).x) for _ in range(5000)], minlength=8)
    assert counts[:3].tolist() == [0, 0, 0] and len(counts) == 8
    assert np.abs(counts[3:] - 1000).max() < 5 * np.sqrt(5000 * 0.2 * 0.8)


def test_updates_by_hand():
    """A span from the training stream, a batch of the task at that span, an update: and so on."""
    task, net = Delay(length=9), RNN(hidden=3).build(1, 1)
    result = drain(fit(net, task, updates=12, batch=4, evaluate_every=1, optimizer="sgd", lr=0.1, shortest=2))
    params, rng = net.init(seed=np.random.SeedSequence(0, spawn_key=(0,))), stream(0, "train")
    spans = []
    for record in result.history:
        spans.append(int(rng.integers(2, 10)))
        batch = task.at(spans[-1]).training(rng, 4)
        loss, gradient = net.loss_and_grad(params, batch.x, batch.target, "mse", batch.weight)
        assert record["train_loss"] == pytest.approx(loss, rel=1e-6)
        params.vector[:] -= np.float32(0.1) * gradient.vector
    assert len(set(spans)) > 4


def test_validation_and_test_are_at_the_task_s_own_span():
    plain, varied = Watched(length=9), Watched(length=9)
    trained(RNN(hidden=3), plain)
    result = trained(RNN(hidden=3), varied, shortest=3)
    assert varied.of("validation") == plain.of("validation") and varied.of("test") == plain.of("test")
    assert result.predictions["y"].shape[0] == 9


def test_the_data_do_not_depend_on_what_is_trained_and_the_bits_on_nothing():
    runs = [trained(RNN(hidden=3), Delay(length=9), shortest=3, evaluate_every=n) for n in (10, 40, 10)]
    assert bits(runs[0]) == bits(runs[2])
    assert runs[0].history[-1]["validation_loss"] == runs[1].history[-1]["validation_loss"]


def test_one_span_is_every_batch_at_that_span():
    assert trained(RNN(hidden=3), Delay(), shortest=6).updates == 40


@pytest.mark.parametrize(
    ("task", "given", "message"),
    [
        (
            Example3(),
            {"shortest": 3},
            "train.shortest=3: task=example3 has no length or span that could be varied",
        ),
        (Delay(), {"shortest": 7}, "train.shortest=7: must be at most task.length=6"),
        (Delay(), {"shortest": 0}, "train.shortest=0: must be a whole number of at least 1"),
        (Delay(), {"shortest": 2.0}, "train.shortest=2.0: must be a whole number of at least 1"),
        (
            TemporalOrder(),
            {"shortest": 9},
            "train.shortest=9: task.length=9: must be a whole number of at least 10",
        ),
        (
            Flipflop(),
            {"shortest": 9},
            "train.shortest=9: the training sequences of task=flipflop do not depend on task.evaluated",
        ),
        (
            Flipflop(),
            {"shortest": 100, "carry_state": True},
            "train.shortest=100: not with carry_state=true; chunks have one length",
        ),
    ],
)
def test_refusals(task, given, message):
    with pytest.raises(ValueError) as refusal:
        fit(build(RNN(), task), task, **given)
    assert str(refusal.value) == message
