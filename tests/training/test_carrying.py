"""Training on streams: chunk after chunk, the state carried from each to the next."""

import numpy as np
import pytest

from rnnbench.models.brnn import BRNN
from rnnbench.models.elman import Elman
from rnnbench.models.narx import NARX
from rnnbench.models.rnn import RNN
from rnnbench.tasks.flipflop import Flipflop
from rnnbench.training import SGD, drain, fit
from rnnbench.training.streams import sequence, stream
from tests.training.in_threads import fit_in_threads
from tests.training.small_tasks import Delay
from tests.training.test_fit import bits

SMALL = Flipflop(restart=0.3, validation_size=8, test_size=8, evaluated=20)


@pytest.mark.parametrize(
    "model", [Elman(hidden=4), RNN(hidden=4, initial="learned"), NARX(hidden=4, output_taps=2)]
)
def test_updates_by_hand(model):
    """What `fit` does, written out: one stream of chunks, a state that goes on, sequences that restart."""
    net = model.build(1, 1)
    options = dict(updates=8, batch=4, optimizer=SGD(lr=0.1), evaluate_every=1, carry_state=True)
    result = drain(fit(net, SMALL, stop_when_solved=False, **options))
    params, state = net.init(seed=sequence(0, "init")), None
    chunks = SMALL.training_stream(stream(0, "train"), 4)
    restarts = 0
    for record, (batch, reset) in zip(result.history, chunks, strict=False):
        restarts += int(reset.sum())
        loss, gradient, state = net.loss_and_grad(
            params, batch.x, batch.target, "mse", state=state, reset=reset, return_state=True
        )
        assert record["train_loss"] == pytest.approx(loss, rel=1e-6)
        params.vector[:] -= np.float32(0.1) * gradient.vector
    assert restarts > 6
    last = result.history[-1]["validation_loss"]
    validation = SMALL.validation(stream(0, "validation"))
    assert last == pytest.approx(net.loss(params, validation.x, validation.target), rel=1e-5)


def test_what_outlives_a_chunk_is_learned_only_with_the_state():
    task, scores = Flipflop(), {}
    net = RNN(hidden=8).build(1, 1)
    for carry in (False, True):
        options = dict(updates=800, lr=0.02, carry_state=carry, stop_when_solved=False)
        results = fit_in_threads(net, task, [0, 1, 2], 1, **options)
        scores[carry] = [result.scores["test_score"] for result in results]
    assert min(scores[True]) > 0.95
    assert np.median(scores[False]) < 0.8


def test_bits_do_not_depend_on_threads():
    net, options = RNN(hidden=4).build(1, 1), dict(updates=10, batch=4, evaluate_every=5, carry_state=True)
    alone = [bits(drain(fit(net, SMALL, seed=seed, **options))) for seed in (0, 1, 2)]
    together = fit_in_threads(net, SMALL, [0, 1, 2], 3, **options)
    assert [bits(result) for result in together] == alone


REFUSED = {
    "brnn": (BRNN(hidden=2), SMALL, {}, r"needs a network that reads only the past; box b reads the future"),
    "task": (RNN(hidden=2), Delay(), {}, "needs a task that gives streams, and small_tasks gives none"),
    "memory": (RNN(hidden=2), SMALL, {"memory": "recompute"}, "needs train.memory=full"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_carry_a_state_is_refused(case):
    model, task, options, line = REFUSED[case]
    with pytest.raises(ValueError, match=rf"^train\.carry_state=true: {line}"):
        fit(model.build(1, 1), task, carry_state=True, **options)


def test_the_switch_is_a_switch():
    with pytest.raises(ValueError, match=r"^train\.carry_state=1: must be true or false$"):
        fit(RNN(hidden=2).build(1, 1), SMALL, carry_state=1)
