"""Streams: state carried from chunk to chunk, its gradient cut at the border, and sequences that restart."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from rnnbench.network import InputError, Network
from tests import naive
from tests.network import textbook
from tests.network.comparing import assert_gradients, described, random_parameters

EVERY = textbook.every()
CAUSAL = [name for name, net in EVERY.items() if net.causal]
#: Steps of a chunk, and chunks of a stream.
K, CHUNKS = 4, 3
CLOSE = {"rtol": 1e-11, "atol": 1e-13}


def cut(net, every):
    """Return the network with its gates closed between chunks, those closed everywhere left so."""
    arrows = [
        replace(a, cut_every=every) if a.lag > 0 and a.cut_every != 1 and a.source != "x" else a
        for a in net.arrows
    ]
    return Network(net.boxes, arrows, net.n_in, net.output, net.initial)


def opened(net):
    """Return the network with no gates but those closed everywhere."""
    arrows = [replace(a, cut_every=1 if a.cut_every == 1 else 0) for a in net.arrows]
    return Network(net.boxes, arrows, net.n_in, net.output, net.initial)


def over_chunks(net, params, x, target, resets=None, **call):
    """Return the summed loss and gradient of chunks, each from the state that the one before left behind."""
    total, gradient, state = 0.0, np.zeros(net.n_parameters), None
    for number in range(len(x) // K):
        part = slice(K * number, K * (number + 1))
        value, its_gradient, state = net.loss_and_grad(
            params, x[part], target[part], reduction="sum", state=state, return_state=True,
            reset=None if resets is None else resets[number], **call,
        )  # fmt: skip
        total, gradient = total + value, gradient + its_gradient.vector
    return total, gradient, state


@pytest.mark.parametrize("name", CAUSAL)
def test_chunk_by_chunk_is_the_gate_oracle(name):
    """The gradient of truncated backpropagation is that of the whole, values behind the border constants."""
    net, rng = opened(EVERY[name]), np.random.default_rng(0)
    params = random_parameters(net, rng)
    x, target = rng.normal(size=(K * CHUNKS, 2, 2)), rng.uniform(0.1, 0.9, (K * CHUNKS, 2, net.n_out))
    value, gradient, state = over_chunks(net, params, x, target)
    gated = cut(net, K)
    whole, expected = gated.loss_and_grad(params, x, target, reduction="sum")
    np.testing.assert_allclose(value, whole, rtol=1e-12)
    np.testing.assert_allclose(gradient, expected.vector, **CLOSE)
    oracle = naive.gate_gradients(
        *described(gated, params), x, lambda y: ((y - target) ** 2).sum(axis=(-3, -2, -1))
    )
    assert_gradients(net.parameters(gradient), oracle)
    np.testing.assert_array_equal(state["step"], [K * CHUNKS] * 2)


@pytest.mark.parametrize("name", CAUSAL)
def test_sequences_that_restart(name):
    """A restarted stream is two sequences: outputs, loss, and the gradient of the initial values too."""
    net, rng = opened(EVERY[name]), np.random.default_rng(1)
    params = random_parameters(net, rng)
    x, target = rng.normal(size=(K * CHUNKS, 3, 2)), rng.uniform(0.1, 0.9, (K * CHUNKS, 3, net.n_out))
    resets = [np.ones(3, bool), np.array([False, True, False]), np.array([False, False, True])]
    value, gradient, state = over_chunks(net, params, x, target, resets)
    np.testing.assert_array_equal(state["step"], [3 * K, 2 * K, K])
    gated, losses, gradients = cut(net, K), [], []
    for b, borders in enumerate([(0, 3), (0, 1, 3), (0, 2, 3)]):
        for first, last in pairwise(borders):
            one = (slice(first * K, last * K), slice(b, b + 1))
            its_x, its_target = np.ascontiguousarray(x[one]), np.ascontiguousarray(target[one])
            its_value, its_gradient = gated.loss_and_grad(params, its_x, its_target, reduction="sum")
            losses.append(its_value)
            gradients.append(its_gradient.vector)
    np.testing.assert_allclose(value, sum(losses), rtol=1e-12)
    np.testing.assert_allclose(gradient, sum(gradients), **CLOSE)


def test_gates_count_from_a_restart():
    """A network with gates of its own counts its chunks from where each sequence starts anew."""
    net, rng = textbook.rnn(2, [3], 2, initial="learned", cut_every=3), np.random.default_rng(2)
    params, x, target = random_parameters(net, rng), rng.normal(size=(8, 2, 2)), rng.normal(size=(8, 2, 2))
    resets = [np.ones(2, bool), np.array([True, False])]
    _, gradient, _ = over_chunks(net, params, x, target, resets)
    full, by_hand = opened(net), np.zeros(net.n_parameters)
    # Both cuts apply: after every third step of a sequence, and where a chunk of the stream ends.
    for b, pieces in enumerate([[(0, 3), (3, 4), (4, 7), (7, 8)], [(0, 3), (3, 4), (4, 6), (6, 8)]]):
        start = {0: 0, 3: 0, 4: 4 if b == 0 else 0, 7: 4, 6: 0}
        for first, last in pieces:
            one = np.ascontiguousarray(x[:, b : b + 1])
            begin = start[first]
            state = None
            if first > begin:
                state = full.forward(params, one[begin:first], return_state=True)[1]
            its_target = np.ascontiguousarray(target[first:last, b : b + 1])
            by_hand += full.loss_and_grad(params, one[first:last], its_target, reduction="sum", state=state)[
                1
            ].vector
    np.testing.assert_allclose(gradient, by_hand, **CLOSE)


def test_symbols_and_delays_restart_too():
    """Of a restarted sequence no earlier input is seen, indices included."""
    net = textbook.tdnn(4, 3, 2, window=2)
    rng = np.random.default_rng(3)
    params, x, target = random_parameters(net, rng), rng.integers(0, 4, (8, 2)), rng.normal(size=(8, 2, 2))
    resets = [np.ones(2, bool), np.array([False, True])]
    value, gradient, _ = over_chunks(net, params, x, target, resets)
    whole = net.loss_and_grad(params, x[:, :1].copy(), target[:, :1].copy(), reduction="sum")
    halves = [
        net.loss_and_grad(params, x[p, 1:].copy(), target[p, 1:].copy(), reduction="sum")
        for p in (slice(0, 4), slice(4, 8))
    ]
    np.testing.assert_allclose(value, whole[0] + sum(h[0] for h in halves), rtol=1e-12)
    np.testing.assert_allclose(gradient, whole[1].vector + sum(h[1].vector for h in halves), **CLOSE)


def test_streams_under_a_divergence_of_ones_own():
    """Chunks may be compared by any divergence; the state goes on all the same."""
    net = EVERY["rnn"]
    rng = np.random.default_rng(4)
    params, x, target = random_parameters(net, rng), rng.normal(size=(8, 2, 2)), rng.normal(size=(8, 2, 2))

    def summed(y, target):
        return ((y - target) ** 2).sum(), 2 * (y - target)

    _, expected, _ = over_chunks(net, params, x, target)
    _, found, _ = over_chunks(net, params, x, target, loss=summed)
    np.testing.assert_allclose(found, expected, **CLOSE)


def test_the_state_given_is_not_written_to():
    net = EVERY["rnn_order_2"]
    params, x = random_parameters(net, np.random.default_rng(5)), np.ones((3, 2, 2))
    state = net.loss_and_grad(params, x, np.ones((3, 2, 1)), return_state=True)[2]
    kept = {name: rows.copy() for name, rows in state.items()}
    net.loss_and_grad(params, x, np.ones((3, 2, 1)), state=state, reset=np.array([True, False]))
    for name, rows in kept.items():
        np.testing.assert_array_equal(state[name], rows)


@pytest.mark.parametrize("wrong", [np.array([1, 0]), np.array([True]), [True, False]])
def test_flags_that_do_not_fit_are_refused(wrong):
    net = EVERY["rnn"]
    x = np.zeros((4, 2, 2), np.float32)
    with pytest.raises(InputError, match=r"reset: expected \(2,\) booleans, one per sequence; given"):
        net.loss_and_grad(net.init(), x, x, reset=wrong)


def test_pieces_of_one_sequence_carry_nothing_on():
    net = EVERY["rnn"]
    x = np.zeros((4, 2, 2), np.float32)
    with pytest.raises(ValueError, match="carries no state from batch to batch"):
        net.loss_and_grad(net.init(), x, x, memory="recompute", return_state=True)
