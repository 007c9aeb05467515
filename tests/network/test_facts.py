"""What can be read off a graph, and the polls of the lecture (seed 002) that ask for it."""

import math

import numpy as np
import pytest

from rnnbench.network import Arrow, Box, Network
from tests.network import textbook
from tests.network.comparing import random_parameters

INFINITE = math.inf
#: name: (network, receptive field, causal, true recurrence, parameters, multiplications per step by hand)
FACTS = {
    "mlp": (textbook.mlp(2, 5, 3), 0, True, False, 2 * 5 + 5 + 5 * 3 + 3, 2 * 5 + 5 * 3),
    "tdnn": (textbook.tdnn(2, 5, 3, window=4), 4, True, False, 5 * 2 * 5 + 5 + 5 * 3 + 3, 5 * 2 * 5 + 5 * 3),
    "narx": (textbook.narx(2, 5, 3, 1, 2), INFINITE, True, True, 4 * 5 + 6 * 5 + 5 + 18, 4 * 5 + 6 * 5 + 15),
    "top_down": (textbook.top_down(2, 5, 3), INFINITE, True, True, 10 + 15 + 5 + 18, 10 + 15 + 15),
    "top_down_cut": (textbook.top_down(2, 5, 3, cut_every=1), INFINITE, True, False, 10 + 15 + 5 + 18, 40),
    "elman": (textbook.elman(2, 5, 3), INFINITE, True, False, 10 + 25 + 5 + 18, 10 + 25 + 15),
    "rnn": (textbook.rnn(2, [5], 3, initial="learned"), INFINITE, True, True, 10 + 25 + 5 + 18 + 5, 50),
    "rnn_in_chunks": (textbook.rnn(2, [5], 3, cut_every=4), INFINITE, True, True, 10 + 25 + 5 + 18, 50),
    "rnn_two_layers": (textbook.rnn(2, [5, 4], 3), INFINITE, True, True, 40 + 20 + 16 + 4 + 12 + 3, 83),
    "rnn_order_2": (textbook.rnn(2, [5], 3, order=2), INFINITE, True, True, 10 + 50 + 5 + 18, 75),
    "brnn": (textbook.brnn(2, 5, 4, 3), INFINITE, False, True, 40 + 8 + 16 + 4 + 15 + 12 + 3, 86),
}


@pytest.mark.parametrize("name", FACTS)
def test_facts(name):
    net, field, causal, true_recurrence, n_parameters, macs = FACTS[name]
    assert net.receptive_field == field
    assert net.causal is causal
    assert net.true_recurrence is true_recurrence
    assert net.n_parameters == n_parameters
    assert net.macs_per_step == macs


def test_jordan():
    net = textbook.jordan(2, 5, 3, mu=0.5)
    assert net.receptive_field == INFINITE and net.causal and not net.true_recurrence
    assert net.n_parameters == 2 * 5 + 3 * 5 + 5 + 5 * 3 + 3


def test_windows_of_several_layers_add_up():
    """Waibel's 3 and 5 frames are windows 2 and 4: the output sees 7 frames, x_t to x_{t-6}."""
    boxes = [Box("h1", 3), Box("h2", 3), Box("y", 2, "linear")]
    arrows = [
        *(Arrow("x", "h1", lag=k) for k in range(3)),
        *(Arrow("h1", "h2", lag=k) for k in range(5)),
        Arrow("h2", "y"),
    ]
    net = Network(boxes, arrows, n_in=2)
    assert net.receptive_field == 6


def test_cycles_that_do_not_lie_between_input_and_output_do_not_count():
    aside = [Box("h", 2), Box("lost", 2), Box("y", 1)]
    arrows = [Arrow("x", "h", lag=3), Arrow("h", "y"), Arrow("h", "lost"), Arrow("lost", "lost", lag=1)]
    assert Network(aside, arrows, n_in=1).receptive_field == 3


def test_true_recurrence_needs_a_learned_weight_on_the_way_round():
    boxes = [Box("m", 2, "linear"), Box("y", 2)]
    arrows = [Arrow("x", "m"), Arrow("m", "m", lag=1, weight=0.9), Arrow("m", "y")]
    fixed = Network(boxes, arrows, n_in=1)
    assert not fixed.true_recurrence and fixed.receptive_field == INFINITE
    learned = Network(boxes, [Arrow("x", "m"), Arrow("m", "m", lag=1), Arrow("m", "y")], n_in=1)
    assert learned.true_recurrence


@pytest.mark.parametrize(
    "lag, cut_every, round_it", [(1, 2, True), (2, 2, False), (3, 2, False), (2, 3, True)]
)
def test_a_lag_as_long_as_a_chunk_always_crosses_a_border(lag, cut_every, round_it):
    arrows = [Arrow("x", "y"), Arrow("y", "y", lag=lag, cut_every=cut_every)]
    assert Network([Box("y", 2)], arrows, n_in=1).true_recurrence is round_it


def test_poll_1_finite_response():
    """That an input affects the output for all time is false of a TDNN, true of every infinite response."""
    rng = np.random.default_rng(0)
    T = 17  # a contracting net's influence falls below the last bit after some tens of steps
    for net in (textbook.tdnn(1, 4, 1, window=5), textbook.mlp(1, 4, 1)):
        params = random_parameters(net, rng)
        x = rng.normal(size=(T, 1, 1))
        changed = x.copy()
        changed[10] += 1
        moved = np.abs(net.forward(params, x) - net.forward(params, changed))[:, 0, 0] > 0
        assert np.flatnonzero(moved).tolist() == list(range(10, 11 + net.receptive_field))
    for net in (textbook.narx(1, 4, 1, 0, 1, "tanh"), textbook.jordan(1, 4, 1, 0.9), textbook.rnn(1, [4], 1)):
        params = random_parameters(net, rng)
        x = rng.normal(size=(T, 1, 1))
        changed = x.copy()
        changed[10] += 1
        moved = np.abs(net.forward(params, x) - net.forward(params, changed))[:, 0, 0] > 0
        assert not moved[:10].any() and moved[10:].all()


def test_poll_2_memory_neuron_models_have_no_true_recurrence():
    assert not textbook.jordan(2, 3, 1, 0.5).true_recurrence
    assert not textbook.elman(2, 3, 1).true_recurrence
    assert not textbook.elman_with_context(2, 3, 1).true_recurrence
    assert textbook.rnn(2, [3], 1).true_recurrence


def test_poll_3_the_divergence_of_a_sequence_need_not_be_a_sum_over_steps():
    """D = |sum_t (y_t - d_t)|^2: moving one output changes the gradient at every other step."""
    net = textbook.rnn(1, [3], 1)
    rng = np.random.default_rng(1)
    params, x, d = random_parameters(net, rng), rng.normal(size=(5, 1, 1)), rng.normal(size=(5, 1, 1))

    def divergence(vector):
        return float((net.forward(net.parameters(vector), x) - d).sum() ** 2)

    dy = 2 * (net.forward(params, x) - d).sum() * np.ones((5, 1, 1))
    gradient, _, _ = net.backward(params, x, dy)
    step = 1e-6 * rng.normal(size=net.n_parameters)
    slope = (divergence(params.vector + step) - divergence(params.vector - step)) / 2
    np.testing.assert_allclose(slope, gradient.vector @ step, rtol=1e-6)


def test_poll_4_a_day_trader_cannot_use_a_bidirectional_net():
    net = textbook.brnn(1, 3, 3, 1)
    assert not net.causal
    with pytest.raises(ValueError, match="future"):
        net.step(net.init(0), None, np.zeros((1, 1), np.float32))
    with pytest.raises(ValueError, match="future"):
        net.generate(net.init(0), np.zeros((2, 1, 1), np.float32), 3, "output")


def test_summary_names_every_box_and_the_counts():
    net = textbook.rnn(2, [5, 4], 3)
    text = net.summary()
    assert all(word in text for word in ("h1", "h2", "y", str(net.n_parameters)))
