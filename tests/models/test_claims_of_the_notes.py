"""What the lecture notes say about the models, as facts of graphs, values and gradients."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from rnnbench.models.brnn import BRNN
from rnnbench.models.elman import Elman
from rnnbench.models.jordan import Jordan
from rnnbench.models.memory import Memory
from rnnbench.models.narx import NARX
from rnnbench.models.rnn import RNN
from rnnbench.models.sizes import SPANS, sizes
from rnnbench.models.tdnn import TDNN
from rnnbench.training import SGD
from tests.models.small import small
from tests.network.comparing import random_parameters

# "Other recurrences": h_t = a h_{t-1} + b h_{t-2}. Without input, from its learned initial values.
PERIOD, DECAY, STEPS = 8, 0.97, 48
WAVE = DECAY ** np.arange(STEPS) * np.cos(2 * np.pi * np.arange(STEPS) / PERIOD)


def linear_net(units, order):
    return RNN(hidden=units, order=order, activation="linear", initial="learned").build(1, 1)


def free_run(net, vector):
    return net.forward(net.parameters(vector), np.zeros((STEPS, 1, 1)))[:, 0, 0]


def best_fit(units, order, starts):
    """Return the smallest share of the wave's power that is missed, from several starting points."""
    net = linear_net(units, order)
    x, target = np.zeros((STEPS, 1, 1)), WAVE[:, None, None]

    def objective(vector):
        loss, gradient = net.loss_and_grad(net.parameters(vector), x, target)
        return loss / np.mean(WAVE**2), gradient.vector / np.mean(WAVE**2)

    rng = np.random.default_rng(0)
    options = {"maxiter": 3000}
    draws = [rng.normal(0, 0.6, net.n_parameters) for _ in range(starts)]
    # A trial step of the search may run away; it is then taken back.
    with np.errstate(all="ignore"):
        found = [minimize(objective, v, jac=True, method="L-BFGS-B", options=options).fun for v in draws]
    return min(found)


def test_one_linear_unit_of_order_two_holds_a_damped_oscillation():
    net = linear_net(1, 2)
    params = net.parameters(np.zeros(net.n_parameters))
    angle = 2 * np.pi / PERIOD
    params["h->h@1"][:] = 2 * DECAY * np.cos(angle)
    params["h->h@2"][:] = -(DECAY**2)
    params["h.initial"][:, 0] = np.cos(angle) / DECAY, np.cos(2 * angle) / DECAY**2
    params["h->y"][:] = 1.0
    np.testing.assert_allclose(free_run(net, params.vector), WAVE, atol=1e-12)


def test_two_linear_units_of_order_one_hold_it_too():
    net = linear_net(2, 1)
    params = net.parameters(np.zeros(net.n_parameters))
    c, s = np.cos(2 * np.pi / PERIOD), np.sin(2 * np.pi / PERIOD)
    params["h->h@1"][:] = DECAY * np.array([[c, s], [-s, c]])
    params["h.initial"][0] = np.linalg.solve(params["h->h@1"].T, [1.0, 0.0])
    params["h->y"][:] = [[1.0], [0.0]]
    np.testing.assert_allclose(free_run(net, params.vector), WAVE, atol=1e-12)


def test_one_linear_unit_of_order_one_can_only_decay_or_alternate():
    """Around its fixed point every value is the last one times the same number, w."""
    net = linear_net(1, 1)
    for seed in range(20):
        params = random_parameters(net, np.random.default_rng(seed))
        w, b = params["h->h@1"].item(), params["h.bias"].item()
        h = net.values(params, np.zeros((STEPS, 1, 1)))["h"][:, 0, 0]
        away = h - b / (1 - w)
        np.testing.assert_allclose(away[1:], w * away[:-1], rtol=1e-6, atol=1e-9)
        turns = np.sign(np.diff(away[:12]))
        assert (turns == turns[0]).all() or (turns[1:] == -turns[:-1]).all()


def test_training_finds_what_the_order_allows():
    assert best_fit(1, 2, starts=5) < 1e-6
    assert best_fit(2, 1, starts=5) < 1e-6
    assert best_fit(1, 1, starts=8) > 0.5


def changed_steps(model, at=3, steps=15):
    """Return at which steps the output moves when one input does."""
    net = model.build(1, 1)
    rng = np.random.default_rng(1)
    params = random_parameters(net, rng)
    x = rng.normal(size=(steps, 1, 1))
    moved = x.copy()
    moved[at] += 1
    return np.flatnonzero(net.forward(params, x) != net.forward(params, moved)).tolist()


def test_poll_1_a_convolution_is_a_finite_response_system():
    for model, reach in ((TDNN(4, window=3), 3), (TDNN(4, windows=[2, 4]), 6)):
        assert model.build(1, 1).receptive_field == reach
        assert changed_steps(model) == list(range(3, 4 + reach))
    for model in (NARX(4), Jordan(4, mu=0.9), Elman(4), Memory(4), RNN(4)):
        assert model.build(1, 1).receptive_field == math.inf
        assert changed_steps(model) == list(range(3, 15))


@pytest.mark.parametrize("model", [Jordan(4), Elman(4), Memory(4, gradient="blocked")])
def test_poll_2_memory_neurons_are_no_true_recurrence(model):
    """The output remembers, but an error does not reach the input that caused it; with one switch it does."""
    reached = []
    for gradient in ("blocked", "full"):
        net = type(model)(4, gradient=gradient).build(1, 1)
        rng = np.random.default_rng(2)
        params = random_parameters(net, rng)
        dy = np.zeros((10, 1, 1))
        dy[-1] = 1.0
        x = rng.normal(size=(10, 1, 1))
        reached.append(np.abs(net.backward(params, x, dy)[1][:, 0, 0]) > 0)
        opened = net.backward(params, x, dy, gates="open")[1][:, 0, 0]
        assert np.abs(opened).min() > 0
        # Jordan's memory has fixed weights, but the way round leads over learned ones.
        assert net.true_recurrence == (gradient == "full")
    assert np.flatnonzero(reached[0]).tolist() == [9]
    assert reached[1].all()


def test_poll_3_one_update_for_a_sequence_not_one_for_each_step():
    """Updating after each step would use the old state with new weights: another path, another result."""
    net = RNN(4).build(1, 1)
    rng = np.random.default_rng(3)
    start, x, target = random_parameters(net, rng), rng.normal(size=(6, 1, 1)), rng.normal(size=(6, 1, 1))
    lr = 0.1
    whole = net.loss_and_grad(start, x, target, reduction="sum")[1].vector
    steps = np.zeros_like(whole)
    y = net.forward(start, x)
    for t in range(6):
        dy = np.zeros_like(y)
        dy[t] = 2 * (y - target)[t]
        steps += net.backward(start, x, dy)[0].vector
    # One sequence gives one gradient: the sum over its steps, all with the same weights.
    np.testing.assert_allclose(whole, steps, rtol=1e-12)
    params, state = start.copy(), None
    for t in range(6):
        gradient = net.loss_and_grad(params, x[t : t + 1], target[t : t + 1], reduction="sum", state=state)[1]
        state = net.forward(params, x[t : t + 1], state=state, return_state=True)[1]
        params.vector[:] -= lr * gradient.vector
    assert np.abs(params.vector - (start.vector - lr * whole)).max() > 1e-3


def test_poll_3_fit_makes_one_update_for_a_batch_of_sequences():
    from rnnbench.training import drain, fit
    from tests.training.small_tasks import Delay

    task = Delay()
    net = RNN(3).build(task.n_in, task.n_out)
    result = drain(fit(net, task, updates=7, batch=2, optimizer=SGD(lr=0.1), stop_when_solved=False))
    assert task.training(np.random.default_rng(0), 2).x.shape[0] > 1
    assert result.updates == 7


def test_poll_4_a_day_trader_cannot_use_a_bidirectional_net():
    for model in (BRNN(3), BRNN(3, blocks=2, depth=2)):
        net = model.build(1, 1)
        assert not net.causal
        with pytest.raises(ValueError, match="reads the future"):
            net.step(net.init(0), None, np.zeros((1, 1), np.float32))
    for model in (NARX(3), RNN(3, layers=2), Memory(3), TDNN(3, pool="sum")):
        net = model.build(1, 1)
        assert net.causal
        assert net.step(net.init(0), None, np.zeros((1, 1), np.float32))[0].shape == (1, 1)


def test_the_model_always_has_the_same_size_or_grows_with_its_history():
    I, O, H = 2, 3, 5
    table = {(size.model, size.span): size for size in sizes(SPANS, I, O, H)}
    for span in SPANS:
        tdnn, narx, rnn = (table[name, span] for name in ("tdnn", "narx", "rnn"))
        rest = H + H * O + O
        assert tdnn.n_parameters == (span + 1) * I * H + rest
        assert narx.n_parameters == I * H + span * O * H + rest
        assert rnn.n_parameters == I * H + H * H + rest
        for size in (tdnn, narx, rnn):
            assert size.macs_per_step == size.n_parameters - H - O
        assert (tdnn.state_size, narx.state_size, rnn.state_size) == (span * I, span * O, H)
        assert (tdnn.receptive_field, narx.receptive_field) == (span, math.inf)
    assert len({tuple(table["rnn", span])[2:] for span in SPANS}) == 1
    with pytest.raises(ValueError, match="span=0: must be a whole number of at least 1"):
        sizes([0])


def test_state_size_is_what_the_state_of_a_network_holds():
    for name in ("tdnn", "narx", "jordan", "memory", "rnn"):
        net = small(name).build(2, 3)
        state = net.forward(net.init(0), np.zeros((4, 1, 2), np.float32), return_state=True)[1]
        assert net.state_size == sum(value.size for box, value in state.items() if box != "step")
