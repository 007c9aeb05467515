"""Influence against finite differences of the slow forward pass; 0 is exactly 0, nothing else is."""

import numpy as np
import pytest

from rnnbench.diagnostics import Influence, effective_memory, influence
from tests import naive
from tests.diagnostics.networks import NETWORKS, drawn
from tests.network import textbook
from tests.network.comparing import described


def jacobian(net, params, x, at, gates, **call):
    """dy_at / dx by the oracle: (T, B, O, I)."""
    description, parameters = described(net, params)
    found = np.zeros((*x.shape[:2], net.n_out, net.n_in))
    for s in range(x.shape[1]):
        for unit in range(net.n_out):
            gradient = naive.gate_gradients(
                description, parameters, x, lambda y, s=s, unit=unit: y[..., at[s], s, unit],
                gates, ["dx"], **call,
            )  # fmt: skip
            found[:, s, unit] = gradient["dx"][:, s]
    return found


@pytest.mark.parametrize("gates", ["open", "declared"])
@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_the_norm_of_the_jacobian(name, gates):
    net = NETWORKS[name]
    params, x, _ = drawn(net)
    slow = jacobian(net, params, x, [5, 5], gates)[::-1]
    for norm, expected in (
        ("frobenius", np.sqrt((slow**2).sum(axis=(2, 3)))),
        ("spectral", np.linalg.norm(slow, 2, axis=(2, 3))),
    ):
        found = influence(net, params, x, gates=gates, norm=norm)
        np.testing.assert_array_equal(found.lags, np.arange(6))
        np.testing.assert_allclose(found.norms, expected, rtol=1e-7, atol=1e-10)


def test_a_step_in_the_middle_has_a_future():
    net = NETWORKS["brnn"]
    params, x, _ = drawn(net)
    found = influence(net, params, x, at=2)
    np.testing.assert_array_equal(found.lags, [-3, -2, -1, 0, 1, 2])
    slow = np.sqrt((jacobian(net, params, x, [2, 2], "open") ** 2).sum(axis=(2, 3)))
    np.testing.assert_allclose(found.norms, slow[2 - found.lags], rtol=1e-7)
    assert (found.norms > 0).all()
    causal = NETWORKS["rnn"]
    params, x, _ = drawn(causal)
    assert not influence(causal, params, x, at=2).norms[:3].any()


def test_sequences_of_different_lengths_are_seen_from_their_own_ends():
    net = NETWORKS["rnn"]
    params, x, _ = drawn(net)
    found = influence(net, params, x, lengths=[6, 4])
    alone = influence(net, params, np.ascontiguousarray(x[:4, 1:]))
    np.testing.assert_allclose(found.norms[:4, 1], alone.norms[:, 0], rtol=1e-12)
    assert np.isnan(found.norms[4:, 1]).all() and np.isfinite(found.mean).all()
    np.testing.assert_allclose(found.mean[5], found.norms[5, 0])


def test_one_hot_indices_a_state_and_the_open_loop():
    net = textbook.narx(3, 4, 2, input_taps=1, output_taps=1)
    params, _, target = drawn(net)
    rng = np.random.default_rng(1)
    index = rng.integers(0, 3, (6, 2))
    vectors = np.eye(3)[index]
    found = influence(net, params, index)
    np.testing.assert_allclose(found.norms, influence(net, params, vectors).norms, rtol=1e-12)
    _, state = net.forward(params, vectors, return_state=True)
    carried = influence(net, params, vectors, state=state)
    slow = jacobian(net, params, vectors, [5, 5], "open", state=state)[::-1]
    np.testing.assert_allclose(carried.norms, np.sqrt((slow**2).sum(axis=(2, 3))), rtol=1e-7)
    opened = influence(net, params, vectors, loop="open", target=target)
    assert (opened.norms[:2] > 0).all() and not opened.norms[2:].any()


def test_outputs_in_several_passes_are_those_of_one(monkeypatch):
    from rnnbench.diagnostics import influence as room

    net = NETWORKS["rnn"]
    params, x, _ = drawn(net)
    whole = influence(net, params, x).norms
    monkeypatch.setattr(__import__("sys").modules[room.__module__], "MOST_ROWS", 1)
    np.testing.assert_array_equal(influence(net, params, x).norms, whole)


@pytest.mark.parametrize("window", [0, 3, 20])
def test_a_tdnn_sees_its_window_and_exactly_nothing_beyond(window):
    net = textbook.tdnn(2, 5, 2, window)
    params, x, _ = drawn(net, steps=60)
    found = influence(net, params, x)
    assert net.receptive_field == window
    assert (found.norms[: window + 1] > 0).all()
    assert not found.norms[window + 1 :].any()
    assert effective_memory(found, 0) == window


ENDLESS = {
    "elman": textbook.elman(2, 8, 1),
    "jordan": textbook.jordan(2, 8, 1, mu=0.5),
    "narx": textbook.narx(2, 8, 1, 0, 1),
    "rnn": textbook.rnn(2, [8], 1),
    "top down": textbook.top_down(2, 8, 1, cut_every=1),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_an_infinite_response_reaches_every_lag_whatever_training_sees(name):
    net = ENDLESS[name]
    x = np.random.default_rng(2).normal(0, 1, (51, 3, 2))
    for seed in range(5):
        params = net.init(seed, np.float64)
        assert (influence(net, params, x).norms > 0).all()
        seen = influence(net, params, x, gates="declared").norms
        if name in ("elman", "jordan", "top down"):
            assert (seen[0] > 0).all() and not seen[1:].any()
        else:
            np.testing.assert_array_equal(seen, influence(net, params, x).norms)


def test_a_truncated_gradient_ends_at_the_border_of_its_chunk():
    net = textbook.rnn(1, [4], 1, cut_every=5)
    params, x, _ = drawn(net, steps=12)
    seen = influence(net, params, x, gates="declared").norms
    # Steps 10 and 11 are in the last chunk.
    assert (seen[:2] > 0).all() and not seen[2:].any()


def test_tiny_derivatives_are_not_called_nothing():
    net = textbook.rnn(1, [1], 1, activation="linear")
    params = net.parameters(np.array([1.0, 1e-5, 0.0, 1.0, 0.0]))
    found = influence(net, params, np.ones((60, 1, 1)))
    np.testing.assert_allclose(found.norms[:, 0], 1e-5 ** np.arange(60.0), rtol=1e-10)
    assert 0 < found.norms[-1, 0] < 1e-290


def test_effective_memory():
    lags = np.arange(5)
    decaying = Influence(lags, np.array([[2.0], [0.5], [0.1], [0.019], [0.0]]))
    assert effective_memory(decaying) == 2
    assert effective_memory(decaying, 0.2) == 1
    assert effective_memory(decaying, 0) == 3
    assert effective_memory(Influence(lags, np.zeros((5, 1)))) == 0
    assert effective_memory(Influence(np.arange(-3, 2), np.ones((5, 1)))) == 3
    with pytest.raises(ValueError, match="share=1"):
        effective_memory(decaying, 1)


def test_refusals():
    net = NETWORKS["rnn"]
    params, x, _ = drawn(net)
    for wrong, what in (
        ({"at": 6}, "at=6"),
        ({"norm": "l1"}, "norm=l1: must be one of frobenius"),
        ({"gates": "half"}, "gates"),
    ):
        with pytest.raises(ValueError, match=what):
            influence(net, params, x, **wrong)
    with pytest.raises(ValueError, match="x: expected"):
        influence(net, params, x[:0])
