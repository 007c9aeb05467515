"""Gradients against the gate oracle: textbook networks and networks nobody has named."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbench.network import Arrow, Box, Network, schedule
from tests import naive
from tests.network import textbook
from tests.network.comparing import (
    assert_backward,
    assert_gradients,
    assert_loss_and_gradient,
    random_parameters,
)
from tests.network.drawing import cases

T, B = 6, 2
EVERY = textbook.every()


def drawn(net, seed=0, labels=False):
    """Parameters, x and a target (strictly inside (0, 1), or labels) for a network."""
    rng = np.random.default_rng(seed)
    params = random_parameters(net, rng)
    x = rng.normal(size=(T, B, net.n_in))
    target = rng.integers(0, net.n_out, (T, B)) if labels else rng.uniform(0.1, 0.9, (T, B, net.n_out))
    return params, x, target


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", EVERY)
def test_mse(name, reduction):
    assert_loss_and_gradient(EVERY[name], *drawn(EVERY[name]), reduction=reduction)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(
    "name", [name for name, net in EVERY.items() if net.to_dict()["boxes"][-1]["activation"] == "sigmoid"]
)
def test_binary_cross_entropy(name, reduction):
    assert_loss_and_gradient(
        EVERY[name], *drawn(EVERY[name]), loss="binary_cross_entropy", reduction=reduction
    )


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(
    "name", [name for name, net in EVERY.items() if net.to_dict()["boxes"][-1]["activation"] == "softmax"]
)
def test_cross_entropy(name, reduction):
    assert_loss_and_gradient(
        EVERY[name], *drawn(EVERY[name], labels=True), loss="cross_entropy", reduction=reduction
    )


@pytest.mark.parametrize("loop", ["closed", "open", 0, 2, T])
@pytest.mark.parametrize("name", ["narx", "jordan", "top_down", "deep_top_down", "rnn"])
def test_loops(name, loop):
    assert_loss_and_gradient(EVERY[name], *drawn(EVERY[name]), loop=loop)


@pytest.mark.parametrize("loop", ["closed", "open", 2])
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_softmax_with_feedback(loss, loop):
    """What arrives over feedback arrows passes the Jacobian and joins the fused loss term."""
    net = textbook.top_down(2, 3, 3, "softmax")
    assert_loss_and_gradient(net, *drawn(net, labels=loss == "cross_entropy"), loss=loss, loop=loop)


@pytest.mark.parametrize("loop", ["closed", "open", 2])
def test_unknown_targets(loop):
    """Weight 0 or NaN: not scored, and the network's own output is fed where a target would be."""
    net = textbook.narx(2, 3, 2, 1, 2, "sigmoid")
    params, x, target = drawn(net)
    target[2, 0] = np.nan
    target[3, 1] = np.nan
    weight = np.ones((T, B))
    weight[1, 0] = weight[4, 1] = 0
    weight[5] = 2.5
    assert_loss_and_gradient(net, params, x, target, weight=weight, loop=loop)
    replaced = np.where(weight[..., None] == 0, 1e6, target)
    found = net.loss_and_grad(params, x, replaced, weight=weight, loop=loop)
    expected = net.loss_and_grad(params, x, target, weight=weight, loop=loop)
    assert found[0] == expected[0]
    np.testing.assert_array_equal(found[1].vector, expected[1].vector)


@pytest.mark.parametrize("name", EVERY)
def test_backward(name):
    """Dx and the gradient of the values before the sequence, for a divergence that is no sum over steps."""
    net = EVERY[name]
    params, x, target = drawn(net)
    y = net.forward(params, x)
    dy = 2 * (y.sum(axis=0) - target.sum(axis=0)) * np.ones_like(y)  # of D = |sum_t y - sum_t target|^2
    gradient, _, _ = assert_backward(net, params, x, dy)

    def divergence(y):
        return ((y.sum(axis=-3) - target.sum(axis=0)) ** 2).sum(axis=(-2, -1))

    parameters = {name: np.array(a) for name, a in params.items()}
    assert_gradients(gradient, naive.gate_gradients(net.to_dict(), parameters, x, divergence))


@pytest.mark.parametrize("name", ["elman", "jordan", "rnn_in_chunks", "elman_with_context"])
def test_backward_with_open_gates(name):
    params, x, target = drawn(EVERY[name])
    opened, _, _ = assert_backward(EVERY[name], params, x, target, gates="open")
    declared, _, _ = EVERY[name].backward(params, x, target)
    assert np.abs(opened.vector - declared.vector).max() > 1e-3


@pytest.mark.parametrize("lag", [1, 2, 3])
@pytest.mark.parametrize("cut_every", [0, 1, 2, 3, 4, 100])
@pytest.mark.parametrize("forward", [True, False])
def test_gate_on_one_arrow(forward, cut_every, lag):
    """Every K against every lag, from the stream's start and from each sequence's own end."""
    arrow = Arrow("h", "h", lag=lag if forward else -lag, cut_every=cut_every)
    boxes = [Box("h", 2), Box("y", 1, "linear")]
    net = Network(boxes, [Arrow("x", "h"), arrow, Arrow("h", "y")], n_in=1, initial="learned")
    params, x, target = drawn(net)
    lengths = np.array([T, T - 2])
    state = {"step": np.array([0, 3])}
    if forward:
        state["h"] = np.random.default_rng(1).normal(size=(lag, B, 2))
    assert_loss_and_gradient(net, params, x, target, lengths=lengths, state=state)
    assert_backward(net, params, x, target, lengths=lengths, state=state)
    assert_loss_and_gradient(net, params, x, target)


def test_gate_on_an_arrow_of_lag_zero():
    arrows = [Arrow("x", "h"), Arrow("h", "y", cut_every=1), Arrow("x", "y")]
    net = Network([Box("h", 2), Box("y", 1, "linear")], arrows, n_in=2)
    params, x, target = drawn(net)
    gradient = assert_loss_and_gradient(net, params, x, target)
    assert not gradient["x->h"].any() and gradient["h->y"].any()
    assert_backward(net, params, x, target)


def test_gate_never_cuts_the_input_or_initial_values():
    arrows = [Arrow("x", "h", lag=1, cut_every=1), Arrow("h", "h", lag=2, cut_every=1), Arrow("h", "y")]
    net = Network([Box("h", 2), Box("y", 1, "linear")], arrows, n_in=2, initial="learned")
    params, x, target = drawn(net)
    gradient, dx, dstate = assert_backward(net, params, x, target)
    assert np.abs(dx[:-1]).min() > 0 and not dx[-1].any()
    assert np.abs(gradient["h.initial"]).min() > 0
    np.testing.assert_allclose(dstate["h"].sum(axis=1), gradient["h.initial"], rtol=1e-12)


def test_fixed_weights_pass_gradients():
    boxes = [Box("h", 2), Box("g", 2, "linear", bias=False), Box("y", 2, "sigmoid")]
    arrows = [Arrow("x", "h"), Arrow("h", "g", weight=-0.7), Arrow("g", "g", lag=1, weight=0.9),
              Arrow("x", "g", lag=1, weight=0.3), Arrow("g", "y", weight=1.0)]  # fmt: skip
    net = Network(boxes, arrows, n_in=2)
    params, x, target = drawn(net)
    assert_loss_and_gradient(net, params, x, target)
    assert_backward(net, params, x, target)


@pytest.mark.parametrize("place", ["x->s", "inside a cycle", "backward in time"])
def test_softmax_on_a_hidden_box(place):
    lag = {"x->s": 0, "inside a cycle": 1, "backward in time": -1}[place]
    arrows = [Arrow("x", "s"), Arrow("s", "h"), Arrow("h", "y")]
    if lag:
        arrows.append(Arrow("h", "s", lag=lag))
    net = Network(
        [Box("s", 3, "softmax"), Box("h", 2), Box("y", 2, "softmax")], arrows, n_in=2, initial="learned"
    )
    assert_loss_and_gradient(net, *drawn(net))
    assert_loss_and_gradient(net, *drawn(net, labels=True), loss="cross_entropy")


@settings(max_examples=60)
@given(cases(), st.sampled_from(("mean", "sum")))
def test_networks_nobody_has_named(case, reduction):
    net, params = case.engine()
    assert_loss_and_gradient(net, params, case.x, case.target, reduction=reduction, **case.call)


@settings(max_examples=20)
@given(cases(outputs=("sigmoid",)))
def test_networks_nobody_has_named_binary_cross_entropy(case):
    net, params = case.engine()
    assert_loss_and_gradient(net, params, case.x, case.target, loss="binary_cross_entropy", **case.call)


@settings(max_examples=25)
@given(cases(outputs=("softmax",), labels=True))
def test_networks_nobody_has_named_cross_entropy(case):
    net, params = case.engine()
    assert_loss_and_gradient(net, params, case.x, case.target, loss="cross_entropy", **case.call)


@settings(max_examples=60)
@given(cases(), st.sampled_from(("declared", "open")))
def test_networks_nobody_has_named_backward(case, gates):
    net, params = case.engine()
    dy = case.rng.normal(size=(*case.x.shape[:2], net.n_out))
    assert_backward(net, params, case.x, dy, gates, case.target, **case.call)


@settings(max_examples=40)
@given(cases(), st.sampled_from((1, 300, 1000)), st.sampled_from(("declared", "open")))
def test_blocks_of_time(case, bytes_of_a_block, gates):
    """Groups of stages run in blocks that fit the cache: here blocks of one or a few steps."""
    with mock.patch.object(schedule, "BLOCK_BYTES", bytes_of_a_block):
        net, params = case.engine()
        dy = case.rng.normal(size=(*case.x.shape[:2], net.n_out))
        assert_backward(net, params, case.x, dy, gates, case.target, **case.call)
        values = net.values(params, case.x, target=case.target, **case.call)
    slow = case.naive_pass()
    for name, found in values.items():
        np.testing.assert_allclose(found, slow.values(name), rtol=1e-11, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("name", ["rnn_two_layers", "brnn", "narx", "jordan"])
def test_blocks_of_time_of_a_long_sequence(name):
    """Several blocks of the usual size give what one block gives."""
    results = []
    for size in (schedule.BLOCK_BYTES, 2**40):
        net = textbook.every()[name]
        rng = np.random.default_rng(0)
        params = random_parameters(net, rng, 0.3)
        x, target = rng.normal(size=(4000, 5, 2)), rng.uniform(size=(4000, 5, 2))
        with mock.patch.object(schedule, "BLOCK_BYTES", size):
            loss, gradient = net.loss_and_grad(params, x, target)
            blocks = -(-4000 // net.plan("closed").block(4000, 5, np.float64))
        results.append((blocks, loss, gradient.vector))
    (many, loss, gradient), (one, loss_of_one, gradient_of_one) = results
    assert many > 2 and one == 1
    np.testing.assert_allclose(loss, loss_of_one, rtol=1e-12)
    np.testing.assert_allclose(gradient, gradient_of_one, rtol=1e-9, atol=1e-13)


def test_float32_gradients_of_long_sequences_stay_accurate():
    """Sums over 160,000 rows: in float32 alone they would lose two digits."""
    net = textbook.rnn(2, [16], 1)
    rng = np.random.default_rng(0)
    x, target = (rng.normal(0, 0.1, (20_000, 8, n)).astype(np.float32) for n in (2, 1))
    params = net.init(seed=0)
    _, gradient = net.loss_and_grad(params, x, target)
    exact = net.parameters(params.vector.astype(np.float64))
    _, expected = net.loss_and_grad(exact, x.astype(np.float64), target)
    distance = np.linalg.norm(gradient.vector - expected.vector) / np.linalg.norm(expected.vector)
    assert distance < 5e-7
