"""Every gradient equation of the lecture notes (seeds 000 to 003) by name, against the engine."""

import numpy as np
import pytest

from rnnbench.network import Arrow, Box, Network
from tests import naive
from tests.network import textbook
from tests.network.comparing import random_parameters

T = 6
CLOSE = {"rtol": 1e-10, "atol": 1e-12}


def drawn(net, seed=3):
    """Parameters, one input sequence (T, 1, I) and the gradient of a divergence at its outputs (T, 1, O)."""
    rng = np.random.default_rng(seed)
    return random_parameters(net, rng), rng.normal(size=(T, 1, net.n_in)), rng.normal(size=(T, 1, net.n_out))


def assert_same(found, expected):
    """Compare gradients {name of ours: array of the notes'}; every name of ours must be there."""
    assert set(found.keys()) == set(expected)
    for name, g in expected.items():
        np.testing.assert_allclose(found[name], np.reshape(g, found[name].shape), **CLOSE, err_msg=name)


@pytest.mark.parametrize("output", ["linear", "sigmoid", "tanh", "softmax"])
def test_one_hidden_layer(output):
    """Seeds 000-002: W2, b2, W11, W1, b1, h(-1) and X(t); scalar and vector output activation."""
    net = textbook.rnn(3, [4], 3, output, initial="learned")
    p, x, dY = drawn(net)
    weights = p["x->h"], p["h->h@1"], p["h.bias"], p["h.initial"][0], p["h->y"], p["y.bias"]
    g = naive.bptt_of_seed_002(x[:, 0], dY[:, 0], *weights, sigma=output)
    gradient, dx, dstate = net.backward(p, x, dY)
    ours = {"x->h": "W1", "h->h@1": "W11", "h.bias": "b1", "h->y": "W2", "y.bias": "b2", "h.initial": "h(-1)"}
    assert_same(gradient, {name: g[notes] for name, notes in ours.items()})
    np.testing.assert_allclose(dx[:, 0], g["X"], **CLOSE)
    np.testing.assert_allclose(dstate["h"][0, 0], g["h(-1)"], **CLOSE)


def test_last_step_alone():
    """Seed 001, "derivative at time T" with T = 0: nothing arrives from a later step."""
    net = textbook.rnn(2, [3], 2, "sigmoid", initial="learned")
    p, x, dY = drawn(net)
    x, dY = x[:1].copy(), dY[:1].copy()
    gradient, dx, _ = net.backward(p, x, dY)
    y = net.forward(p, x)[0, 0]
    h = net.values(p, x)["h"][0, 0]
    dZ2 = dY[0, 0] * y * (1 - y)
    dh = p["h->y"] @ dZ2
    dZ1 = dh * (1 - h**2)
    expected = {
        "h->y": np.outer(h, dZ2), "y.bias": dZ2, "x->h": np.outer(x[0, 0], dZ1), "h.bias": dZ1,
        "h->h@1": np.outer(p["h.initial"][0], dZ1), "h.initial": p["h->h@1"] @ dZ1,
    }  # fmt: skip
    assert_same(gradient, expected)
    np.testing.assert_allclose(dx[0, 0], p["x->h"] @ dZ1, **CLOSE)


@pytest.mark.parametrize("softmax_output", [False, True])
def test_equations_a_to_e_of_seed_003(softmax_output):
    """Grad u(t), (A) to (E), and the sums for c, b, V, W and U."""
    net = textbook.rnn(3, [4], 3, "softmax" if softmax_output else "linear")
    p, x, d = drawn(net)
    labels = np.array([[0], [2], [1], [1], [0], [2]])
    weights = p["x->h"], p["h->h@1"], p["h.bias"], p["h->y"], p["y.bias"]
    if softmax_output:
        g = naive.bptt_of_seed_003(x[:, 0], labels[:, 0], *weights, True)
        _, gradient = net.loss_and_grad(p, x, labels, loss="cross_entropy", reduction="sum")
    else:
        g = naive.bptt_of_seed_003(x[:, 0], d[:, 0], *weights, False)
        gradient, _, _ = net.backward(p, x, net.forward(p, x) - d)
        _, of_the_square = net.loss_and_grad(p, x, d, loss="mse", reduction="sum")
        np.testing.assert_allclose(of_the_square.vector, 2 * gradient.vector, **CLOSE)
    assert_same(
        gradient, {"x->h": g["U"], "h->h@1": g["W"], "h.bias": g["b"], "h->y": g["V"], "y.bias": g["c"]}
    )


def test_rnn_bptt_of_two_layers():
    """Seed 002's subroutine RNN_bptt, L = 2: dx, dWc, dWr, db and dh(-1)."""
    boxes = [Box("h1", 3), Box("y", 2)]
    arrows = [Arrow("x", "h1"), Arrow("h1", "h1", lag=1), Arrow("h1", "y"), Arrow("y", "y", lag=1)]
    net = Network(boxes, arrows, n_in=3, initial="learned")
    p, x, dh_top = drawn(net)
    layers = (
        [p["x->h1"], p["h1->y"]], [p["h1->h1@1"], p["y->y@1"]], [p["h1.bias"], p["y.bias"]],
        [p["h1.initial"][0], p["y.initial"][0]],
    )  # fmt: skip
    dx, dWc, dWr, db, dh = naive.RNN_bptt(*layers, x[:, 0], dh_top[:, 0])
    gradient, found_dx, dstate = net.backward(p, x, dh_top)
    expected = {
        "x->h1": dWc[0], "h1->y": dWc[1], "h1->h1@1": dWr[0], "y->y@1": dWr[1], "h1.bias": db[0],
        "y.bias": db[1],
        "h1.initial": dh[0], "y.initial": dh[1],
    }  # fmt: skip
    assert_same(gradient, expected)
    np.testing.assert_allclose(found_dx[:, 0], dx, **CLOSE)
    np.testing.assert_allclose(dstate["h1"][0, 0], dh[0], **CLOSE)


def test_bidirectional_block():
    """Seed 002's "BRNN block: gradient computation": two calls of RNN_bptt, fliplr, dx = dx_f + dx_b."""
    net = textbook.brnn(3, 4, 2, 3, "softmax", initial="learned")
    p, x, dY = drawn(net)
    forward = [p["x->f"]], [p["f->f@1"]], [p["f.bias"]], [p["f.initial"][0]]
    backward = [p["x->b"]], [p["b->b@-1"]], [p["b.bias"]], [p["b.final"][0]]
    g = naive.brnn_bptt(x[:, 0], forward, backward, p["f->y"], p["b->y"], p["y.bias"], dY[:, 0], "softmax")
    gradient, dx, _ = net.backward(p, x, dY)
    (_, dWc_f, dWr_f, db_f, dh_f), (_, dWc_b, dWr_b, db_b, dh_b) = g["forward"], g["backward"]
    expected = {
        "x->f": dWc_f[0], "f->f@1": dWr_f[0], "f.bias": db_f[0], "f.initial": dh_f[0],
        "x->b": dWc_b[0], "b->b@-1": dWr_b[0], "b.bias": db_b[0], "b.final": dh_b[0],
        "f->y": g["V_f"], "b->y": g["V_b"], "y.bias": g["c"],
    }  # fmt: skip
    assert_same(gradient, expected)
    np.testing.assert_allclose(dx[:, 0], g["dx"], **CLOSE)


def test_backward_half_is_the_forward_half_on_the_flipped_sequence():
    """Same weights in both halves: h_b(x) = fliplr(h_f(fliplr(x))); alone, each half gives its part of dx."""

    def half(lag):
        arrows = [Arrow("x", "y"), Arrow("y", "y", lag=lag)]
        return Network([Box("y", 3)], arrows, n_in=2, initial="learned")

    forward, backward = half(1), half(-1)
    p, x, dY = drawn(forward)
    p_b = backward.parameters(p.vector)
    flip = np.ascontiguousarray
    np.testing.assert_allclose(backward.forward(p_b, x), forward.forward(p, flip(x[::-1]))[::-1], **CLOSE)
    g_b, dx_b, _ = backward.backward(p_b, x, dY)
    g_f, dx_f, _ = forward.backward(p, flip(x[::-1]), flip(dY[::-1]))
    np.testing.assert_allclose(g_b.vector, g_f.vector, **CLOSE)
    np.testing.assert_allclose(dx_b, dx_f[::-1], **CLOSE)

    both = [Arrow("x", "f"), Arrow("f", "f", lag=1), Arrow("x", "b"), Arrow("b", "b", lag=-1),
            Arrow("f", "y", weight=1.0), Arrow("b", "y", weight=1.0)]  # fmt: skip
    boxes = [Box("f", 3), Box("b", 3), Box("y", 3, "linear", bias=False)]
    block = Network(boxes, both, n_in=2, initial="learned")
    _, dx, _ = block.backward(block.parameters(np.concatenate([p.vector, p.vector])), x, dY)
    _, dx_f, _ = forward.backward(p, x, dY)
    np.testing.assert_allclose(dx, dx_f + dx_b, **CLOSE)


def test_elman_is_a_sum_of_one_step_histories():
    """The blocked gradient is the sum over t of one-step MLP gradients on [x_t; c_t]."""
    net = textbook.elman(3, 4, 2, "sigmoid")
    p, x, dY = drawn(net)
    weights = p["x->h"], p["h->h@1"], p["h.bias"], p["h->y"], p["y.bias"]
    g = naive.elman_gradient(x[:, 0], dY[:, 0], *weights, "sigmoid")
    gradient, _, _ = net.backward(p, x, dY)
    assert_same(
        gradient, {"x->h": g["U"], "h->h@1": g["W"], "h.bias": g["b"], "h->y": g["V"], "y.bias": g["c"]}
    )

    mlp = textbook.mlp(7, 4, 2, "sigmoid")
    context = np.concatenate([np.zeros((1, 1, 4)), net.values(p, x)["h"][:-1]])
    both = np.vstack([p["x->h"], p["h->h@1"]])
    q = mlp.parameters(np.concatenate([a.ravel() for a in (both, p["h.bias"], p["h->y"], p["y.bias"])]))
    one_step, _, _ = mlp.backward(q, np.concatenate([x, context], axis=2), dY)
    np.testing.assert_allclose(one_step["x->h"], np.vstack([gradient["x->h"], gradient["h->h@1"]]), **CLOSE)


def test_elman_drawn_with_context_units_learns_the_same():
    """A context box with a fixed weight of 1 and no gradient over the 1 link."""
    plain, drawn_out = textbook.elman(2, 3, 2), textbook.elman_with_context(2, 3, 2)
    p, x, dY = drawn(plain)
    names = {"x->h": "x->h", "h->h@1": "c->h", "h.bias": "h.bias", "h->y": "h->y", "y.bias": "y.bias"}
    q = drawn_out.parameters(np.zeros(drawn_out.n_parameters))
    for ours, theirs in names.items():
        q[theirs][...] = p[ours]
    found, _, _ = drawn_out.backward(q, x, dY)
    expected, _, _ = plain.backward(p, x, dY)
    assert_same(found, {theirs: expected[ours] for ours, theirs in names.items()})


def test_gradient_to_the_past_is_blocked_at_the_memory_units():
    """Jordan and Elman: "current error does not actually propagate to the past"; a full RNN's does."""
    for net, blocked in [
        (textbook.jordan(2, 3, 2, 0.5), True), (textbook.elman(2, 3, 2), True),
        (textbook.rnn(2, [3], 2), False),
    ]:  # fmt: skip
        p, x, dY = drawn(net)
        dY[:-1] = 0
        _, dx, _ = net.backward(p, x, dY)
        assert dx[-1].any()
        assert dx[:-1].any() != blocked
