"""Training on divergences between sequences: CTC, soft-DTW, and functions of one's own."""

from dataclasses import dataclass

import numpy as np
import pytest

from rnnbench.models.brnn import BRNN
from rnnbench.models.rnn import RNN
from rnnbench.network.divergences import between_sequences
from rnnbench.tasks.contract import Batch
from rnnbench.tasks.spoken import Spoken
from rnnbench.training import SGD, drain, evaluate, fit
from tests.training.in_threads import fit_in_threads
from tests.training.small_tasks import Delay
from tests.training.test_fit import bits

SMALL = Spoken(symbols=2, fewest=1, most=2, validation_size=16, test_size=16)


def build(model, task):
    return model.build(task.n_in, task.n_out, task.output_activation)


@pytest.mark.parametrize("model", [BRNN(hidden=12), RNN(hidden=16)])
def test_a_task_whose_alignment_is_unknown_is_learned(model):
    task = Spoken(validation_size=100, test_size=200)
    result = drain(fit(build(model, task), task, updates=600, evaluate_every=50, lr=0.01))
    assert result.outcome == "solved", result.history[-1]
    floors = {floor.name: floor.score for floor in task.floors(np.random.default_rng(0))}
    assert result.scores["test_score"] > 0.9 > floors["single steps"] + 0.1


@pytest.mark.parametrize("memory", ["full", "recompute"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_two_updates_by_hand(dtype, memory):
    """What `fit` does is `loss_and_grad` and a step, batch after batch; evaluation gives the same loss."""
    net = build(RNN(hidden=4), SMALL)
    options = dict(updates=2, batch=4, optimizer=SGD(lr=0.1), dtype=dtype, evaluate_every=1, memory=memory)
    result = drain(fit(net, SMALL, stop_when_solved=False, **options))
    from rnnbench.training.streams import sequence, stream

    params, rng = net.init(seed=sequence(0, "init"), dtype=dtype), stream(0, "train")
    validation = SMALL.validation(stream(0, "validation"))
    for record in result.history:
        batch = SMALL.training(rng, 4)
        x = batch.x.astype(dtype)
        loss, gradient = net.loss_and_grad(params, x, batch.target, "ctc", lengths=batch.lengths)
        assert record["train_loss"] == pytest.approx(loss, rel=1e-5 if dtype == "float32" else 1e-12)
        params.vector[:] -= np.asarray(0.1, dtype) * gradient.vector
        valid = net.loss(
            params, validation.x.astype(dtype), validation.target, "ctc", lengths=validation.lengths
        )
        assert record["validation_loss"] == pytest.approx(valid, rel=1e-5)


def test_bits_do_not_depend_on_threads():
    net, options = build(RNN(hidden=4), SMALL), dict(updates=10, batch=4, evaluate_every=5)
    alone = [bits(drain(fit(net, SMALL, seed=seed, **options))) for seed in (0, 1, 2)]
    together = fit_in_threads(net, SMALL, [0, 1, 2], 3, **options)
    assert [bits(result) for result in together] == alone


def test_a_summed_loss_is_recorded_as_a_mean_over_labels():
    net = build(RNN(hidden=4), SMALL)
    result = drain(fit(net, SMALL, updates=1, batch=6, reduction="sum", optimizer=SGD(lr=0.01)))
    from rnnbench.training.streams import sequence, stream

    params, batch = net.init(seed=sequence(0, "init")), SMALL.training(stream(0, "train"), 6)
    each = net.sequence_losses(params, batch.x, batch.target, "ctc", lengths=batch.lengths)
    expected = each.sum() / (batch.target > 0).sum()
    assert result.history[0]["train_loss"] == pytest.approx(expected, rel=1e-5)


@dataclass
class Mumbled(Spoken):
    """Some sequences end before everything can be said."""

    option: str = "ctc"

    @property
    def loss(self):
        """CTC, with an option."""
        return self.option

    def training(self, rng, size):
        """Cut every fourth sequence to one step."""
        batch = super().training(rng, size)
        batch.lengths[::4] = 1
        batch.x[1:, ::4] = 0
        return batch


def test_labels_that_cannot_be_aligned_end_a_training_with_one_line():
    task = Mumbled(fewest=2, validation_size=8, test_size=8)
    net = build(RNN(hidden=4), task)
    with pytest.raises(ValueError, match=r"target: 2 of 8 label sequences cannot be aligned; sequence 0: "):
        drain(fit(net, task, updates=1, batch=8))
    left_out = Mumbled(fewest=2, validation_size=8, test_size=8, option="ctc:zero_infinity")
    result = drain(fit(net, left_out, updates=3))
    assert np.isfinite(result.history[-1]["train_loss"])


@dataclass
class Curve(Delay):
    """A curve whose shape counts and whose timing does not: soft-DTW."""

    gamma: float = 0.1

    @property
    def loss(self):
        """Soft-DTW."""
        return f"soft_dtw:{self.gamma}"

    def draw(self, rng, size):
        """Draw one pulse, whose height is to be shown at any time."""
        x, height = np.zeros((8, size, 1), np.float32), rng.choice([-1.0, 1.0], size).astype(np.float32)
        x[rng.integers(0, 8, size), np.arange(size), 0] = height
        target = np.zeros((3, size, 1), np.float32)
        target[1, :, 0] = height
        return Batch(x, target, np.ones(size, np.float32), rng.integers(6, 9, size))

    def score(self, y, batch):
        """Minus the loss."""
        loss = between_sequences(self.loss)
        return -loss.compare(y.copy(), batch.target, batch.lengths, batch.weight, "mean").value

    def solved(self, y, batch):
        """Never."""
        return False


def warped(y, target, lengths, weight):
    """Squared error of the mean of each sequence's outputs."""
    inside = (np.arange(len(y))[:, None] < lengths)[..., None]
    error = np.where(inside, y, 0).sum(axis=0) / lengths[:, None] - target.mean(axis=0)
    return (error**2).sum() / len(weight), np.where(inside, 2 * error / lengths[:, None] / len(weight), 0.0)


@dataclass
class Averaged(Curve):
    """A loss of one's own on the same data."""

    @property
    def loss(self):
        """The function."""
        return warped


@pytest.mark.parametrize("kind", [Curve, Averaged])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_other_divergences_train(kind, reduction):
    task = kind()
    if kind is Averaged:
        task.score = lambda y, batch: -warped(y, batch.target, batch.lengths, batch.weight)[0]
    net = build(RNN(hidden=6), task)
    result = drain(fit(net, task, updates=150, batch=8, lr=0.02, reduction=reduction, evaluate_every=50))
    first, last = result.history[0], result.history[-1]
    assert result.outcome == "finished" and last["validation_loss"] < first["validation_loss"]
    validation = task.validation(np.random.default_rng(0))
    found = evaluate(net, result.parameters, task, validation)
    assert found.loss == pytest.approx(-found.score, rel=1e-5)
    # A summed loss is recorded as a mean, but for a function, whose value is its own.
    assert last["train_loss"] < 2.0 * max(0.1, abs(first["validation_loss"]) * 10)


def test_a_loss_without_a_score_says_so():
    task = Averaged()
    Averaged.score, kept = Delay.score, Averaged.score
    try:
        with pytest.raises(NotImplementedError, match="a task with the loss warped defines its own score"):
            drain(fit(build(RNN(hidden=2), task), task, updates=1))
    finally:
        Averaged.score = kept


def test_a_function_that_returns_nonsense_ends_a_training_with_one_line():
    @dataclass
    class Nonsense(Averaged):
        @property
        def loss(self):
            return lambda y, target: y

    task = Nonsense()
    with pytest.raises(ValueError, match=r"must return \(value, dy\); returned shape") as caught:
        drain(fit(build(RNN(hidden=2), task), task, updates=1))
    assert "\n" not in str(caught.value)


def test_the_open_loop_is_refused():
    with pytest.raises(ValueError, match="loop=open needs targets known before the scored step"):
        fit(build(RNN(hidden=2), SMALL), SMALL, loop="open")
