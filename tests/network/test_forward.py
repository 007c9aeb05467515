"""Forward values against the papers' equations and against the slow general network."""

import numpy as np
import pytest
from hypothesis import given, settings

from tests import naive
from tests.network import textbook
from tests.network.comparing import random_parameters
from tests.network.drawing import cases

T, B = 7, 3


def columns(function, x, *rest):
    """Apply a function of one sequence to each of a batch; each result (T, B, ...)."""
    results = [function(x[:, s], *(r[:, s] for r in rest)) for s in range(x.shape[1])]
    if isinstance(results[0], np.ndarray):
        return np.stack(results, axis=1)
    return [np.stack(parts, axis=1) for parts in zip(*results, strict=True)]


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def run(request):
    """A function that runs a network on drawn numbers, and how close its values must be."""
    rng = np.random.default_rng(11)
    tolerance = (
        {"atol": 2e-6, "rtol": 2e-5} if request.param == np.float32 else {"atol": 1e-13, "rtol": 1e-12}
    )

    def check(net, slow, **call):
        p64 = random_parameters(net, rng, 0.5)
        params = net.parameters(p64.vector.astype(request.param))
        x = rng.normal(size=(T, B, net.n_in)).astype(request.param)
        call = {name: rng.normal(size=(T, B, net.n_out)) if a == "draw" else a for name, a in call.items()}
        values = net.values(params, x, **call)
        y = net.forward(params, x, **call)
        assert y.dtype == request.param and y.shape == (T, B, net.n_out)
        np.testing.assert_array_equal(values["y"], y)
        p = {name: np.asarray(a, dtype=np.float64) for name, a in params.items()}
        targets = [call["target"]] if "target" in call else []
        expected = columns(lambda *sequences: slow(p, *sequences), x.astype(np.float64), *targets)
        for name, e in zip(slow.boxes, expected, strict=True):
            np.testing.assert_allclose(values[name], e, **tolerance, err_msg=name)

    return check


def gives(*boxes):
    """Say which boxes a slow model returns the values of, in order."""

    def mark(function):
        function.boxes = boxes
        return function

    return mark


@pytest.mark.parametrize("output", ["linear", "tanh", "sigmoid", "relu", "square", "softmax"])
def test_mlp(run, output):
    @gives("h", "y")
    def slow(p, x):
        return naive.mlp(x, p["x->h"], p["h.bias"], p["h->y"], p["y.bias"], sigma=output)

    run(textbook.mlp(3, 5, 4, output), slow)


@pytest.mark.parametrize("window", [0, 1, 4, 12])
def test_tdnn(run, window):
    @gives("h", "y")
    def slow(p, x):
        taps = [p["x->h" + f"@{k}" * (k > 0)] for k in range(window + 1)]
        return naive.tdnn(x, taps, p["h.bias"], p["h->y"], p["y.bias"])

    run(textbook.tdnn(2, 4, 1, window), slow)


@pytest.mark.parametrize("loop", ["closed", "open"])
@pytest.mark.parametrize("taps", [(0, 1), (2, 3)])
def test_narx(run, taps, loop):
    @gives("h", "y")
    def slow(p, x, target=None):
        into = [p["x->h" + f"@{k}" * (k > 0)] for k in range(taps[0] + 1)]
        back = [p[f"y->h@{k}"] for k in range(1, taps[1] + 1)]
        return naive.narx(x, into, back, p["h.bias"], p["h->y"], p["y.bias"], sigma="tanh", teacher=target)

    call = {} if loop == "closed" else {"target": "draw", "loop": "open"}
    run(textbook.narx(2, 4, 2, *taps, output="tanh"), slow, **call)


@pytest.mark.parametrize("mu", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("average", [False, True])
def test_jordan(run, mu, average):
    @gives("m", "h", "y")
    def slow(p, x):
        weights = p["x->h"], p["m->h"], p["h.bias"], p["h->y"], p["y.bias"]
        return naive.jordan(x, *weights, mu, average, sigma="sigmoid")

    run(textbook.jordan(2, 4, 2, mu, average, "sigmoid"), slow)


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_top_down(run, output):
    @gives("h", "y")
    def slow(p, x):
        return naive.top_down(x, p["x->h"], p["y->h@1"], p["h.bias"], p["h->y"], p["y.bias"], sigma=output)

    run(textbook.top_down(2, 4, 3, output), slow)


def test_deep_top_down(run):
    @gives("h1", "h2", "y")
    def slow(p, x):
        layers = [(p["x->h1"], p["h2->h1@1"], p["h1.bias"]), (p["h1->h2"], p["y->h2@1"], p["h2.bias"])]
        (h1, h2), y = naive.deep_top_down(x, layers, p["h2->y"], p["y.bias"])
        return h1, h2, y

    run(textbook.deep_top_down(2, 4, 3, 2), slow)


def test_elman(run):
    @gives("h", "y")
    def slow(p, x):
        weights = p["x->h"], p["h->h@1"], p["h.bias"], p["h->y"], p["y.bias"]
        return naive.elman(x, *weights, context=p["h.initial"][0])[1:]

    run(textbook.elman(2, 4, 3, initial="learned"), slow)


def test_elman_with_a_context_box(run):
    """A context box with a fixed weight of 1 is the same network."""

    @gives("c", "h", "y")
    def slow(p, x):
        return naive.elman(x, p["x->h"], p["c->h"], p["h.bias"], p["h->y"], p["y.bias"])

    run(textbook.elman_with_context(2, 4, 3), slow)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_rnn(run, activation):
    @gives("h", "y")
    def slow(p, x):
        layer = [p["x->h"]], [p["h->h@1"]], [p["h.bias"]], [p["h.initial"][0]]
        (h,), y = naive.rnn(x, *layer, p["h->y"], p["y.bias"], phi=activation)
        return h, y

    run(textbook.rnn(2, [5], 3, initial="learned", activation=activation), slow)


def test_rnn_of_two_layers(run):
    @gives("h1", "h2", "y")
    def slow(p, x):
        layers = (
            [p["x->h1"], p["h1->h2"]],
            [p["h1->h1@1"], p["h2->h2@1"]],
            [p["h1.bias"], p["h2.bias"]],
            [p["h1.initial"][0], p["h2.initial"][0]],
        )
        (h1, h2), y = naive.rnn(x, *layers, p["h2->y"], p["y.bias"], sigma="softmax")
        return h1, h2, y

    run(textbook.rnn(2, [5, 3], 4, "softmax", initial="learned"), slow)


def test_rnn_with_skips(run):
    @gives("h1", "h2", "y")
    def slow(p, x):
        first = p["x->h1"], p["h1->h1@1"], p["h1.bias"]
        second = p["h1->h2"], p["x->h2"], p["h2->h2@1"], p["h2.bias"]
        return naive.rnn_with_skips(x, *first, *second, p["h2->y"], p["h1->y"], p["y.bias"], "sigmoid")

    run(textbook.skips(2, 5, 3, 2, "sigmoid"), slow)


@pytest.mark.parametrize("order", [1, 2, 3, 9])
def test_rnn_of_order(run, order):
    @gives("h", "y")
    def slow(p, x):
        taps = [p[f"h->h@{k}"] for k in range(1, order + 1)]
        return naive.rnn_of_order(x, p["x->h"], taps, p["h.bias"], p["h.initial"], p["h->y"], p["y.bias"])

    run(textbook.rnn(2, [4], 3, initial="learned", order=order), slow)


def test_brnn(run):
    @gives("f", "b", "y")
    def slow(p, x):
        forward = [p["x->f"]], [p["f->f@1"]], [p["f.bias"]], [p["f.initial"][0]]
        backward = [p["x->b"]], [p["b->b@-1"]], [p["b.bias"]], [p["b.final"][0]]
        return naive.brnn(x, forward, backward, p["f->y"], p["b->y"], p["y.bias"], "softmax")

    run(textbook.brnn(2, 4, 3, 2, "softmax", initial="learned"), slow)


def test_order_two_holds_a_damped_oscillation():
    """h_t = a h_{t-1} + b h_{t-2}: 2 r cos(w) and -r^2 give r^t cos(w t), period 8 here."""
    r, w = 0.95, 2 * np.pi / 8
    net = textbook.linear_of_order_two(2 * r * np.cos(w), -(r**2))
    params = net.parameters(np.array([[r ** (-k) * np.cos(-w * k)] for k in (1, 2)]).ravel())
    y = net.forward(params, np.zeros((24, 1, 1)))[:, 0, 0]
    np.testing.assert_allclose(y, r ** np.arange(24) * np.cos(w * np.arange(24)), atol=1e-12)


@settings(max_examples=60)
@given(cases())
def test_networks_nobody_has_named(case):
    net, params = case.engine()
    slow = case.naive_pass()
    values = net.values(params, case.x, target=case.target, **case.call)
    assert set(values) == {box["name"] for box in case.net["boxes"]}
    for name, found in values.items():
        np.testing.assert_allclose(found, slow.values(name), rtol=1e-11, atol=1e-13, err_msg=name)
    y, state = net.forward(params, case.x, target=case.target, return_state=True, **case.call)
    np.testing.assert_array_equal(y, values["y"])
    expected = slow.final_state()
    assert set(state) == set(expected)
    for name, rows in expected.items():
        np.testing.assert_allclose(state[name], rows, rtol=1e-11, atol=1e-13, err_msg=name)


@settings(max_examples=25)
@given(cases())
def test_float32_follows_float64(case):
    net, params = case.engine(np.float32)
    state = case.call["state"]
    if state is not None:
        state = {name: rows if name == "step" else rows.astype(np.float32) for name, rows in state.items()}
    y = net.forward(params, case.x.astype(np.float32), target=case.target, **{**case.call, "state": state})
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, case.naive_pass().output(), rtol=3e-4, atol=3e-5)
