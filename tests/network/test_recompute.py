"""Training in memory of the root of T: the gradient of the plain pass, from pieces of it."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings

from rnnbench.network import Arrow, Box, InputError, Network, recompute
from tests.network import textbook
from tests.network.comparing import random_parameters
from tests.network.drawing import cases

EVERY = textbook.every()
CAUSAL = [name for name, net in EVERY.items() if net.causal]
CLOSE = {"rtol": 1e-11, "atol": 1e-13}


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch):
    """Pieces of the root of T, however few rows that are."""
    monkeypatch.setattr(recompute, "LEAST_ROWS", 1)


def assert_same(net, params, x, target, **call):
    """The loss and the gradient of both ways of using memory; returns the gradient."""
    value, gradient = net.loss_and_grad(params, x, target, **call)
    again, pieced = net.loss_and_grad(params, x, target, memory="recompute", **call)
    np.testing.assert_allclose(again, value, **CLOSE)
    assert list(pieced.keys()) == list(gradient.keys())
    assert pieced.vector.dtype == gradient.vector.dtype
    np.testing.assert_allclose(pieced.vector, gradient.vector, **CLOSE)
    call = {key: call[key] for key in ("loop", "weight", "lengths", "state") if key in call}
    y, state = net.forward(params, x, target, return_state=True, **call)
    its_y, its_state = net.forward(params, x, target, return_state=True, memory="recompute", **call)
    np.testing.assert_allclose(its_y, y, **CLOSE)
    assert list(its_state) == list(state)
    for name, rows in state.items():
        assert its_state[name].dtype == rows.dtype
        np.testing.assert_allclose(its_state[name], rows, **CLOSE)
    return gradient


def drawn(net, T, B, seed=0):
    rng = np.random.default_rng(seed)
    x, target = rng.normal(size=(T, B, net.n_in)), rng.uniform(0.1, 0.9, (T, B, net.n_out))
    return random_parameters(net, rng), x, target


def given_state(net, B, rng):
    """Values before the first step for all that has any, and steps already consumed."""
    shapes = net.state_shapes(recompute.Shape(1, B, False), np.dtype(np.float64))
    state = {name: rng.uniform(-0.9, 0.9, shape) for name, (shape, _) in shapes.items() if name != "step"}
    return {**state, "step": rng.integers(0, 9, B)}


@pytest.mark.parametrize("loop", ["closed", "open", 5])
@pytest.mark.parametrize("name", CAUSAL)
def test_the_gradient_is_that_of_the_whole(name, loop):
    net = EVERY[name]
    params, x, target = drawn(net, 23, 3)
    for reduction in ("mean", "sum"):
        assert_same(net, params, x, target, loop=loop, reduction=reduction)
    rng = np.random.default_rng(1)
    lengths, weight = np.array([4, 21, 9]), rng.choice([0.0, 0.5, 2.0], (23, 3))
    target[7:9] = np.nan
    assert_same(net, params, x, target, loop=loop, lengths=lengths, weight=weight)
    assert_same(net, params, x, target, loop=loop, state=given_state(net, 3, rng), weight=weight)
    assert_same(net, params, x, target, loop=loop, state=given_state(net, 3, rng), lengths=lengths)


@pytest.mark.parametrize("lag", [1, 2, 3])
@pytest.mark.parametrize("cut_every", [0, 1, 2, 3, 4, 7, 20])
def test_gates_across_borders(lag, cut_every):
    boxes = [Box("h", 3), Box("m", 3, "square"), Box("y", 2)]
    gated = [Arrow(*ends, lag, cut_every) for ends in [("y", "h"), ("y", "y"), ("h", "m"), ("m", "h")]]
    plain = [Arrow("x", "h"), Arrow("x", "y", 4), Arrow("h", "y"), Arrow("h", "h", 1)]
    for initial in ("zero", "learned"):
        net = Network(boxes, [*plain, *gated], n_in=2, initial=initial)
        params, x, target = drawn(net, 30, 2)
        params.vector[:] *= 0.5
        for loop in ("closed", "open", 11):
            gradient = assert_same(net, params, x, target, loop=loop)
            assert np.isfinite(gradient.vector).all() and gradient.vector.any()
        assert_same(net, params, x, target, state={"step": np.array([2, 5])})


@pytest.mark.parametrize("T", [1, 2, 3, 9, 10, 11, 47])
def test_lags_longer_than_the_root_of_the_length(T):
    arrows = [Arrow("x", "h", 9), Arrow("x", "h"), Arrow("h", "h", 6), Arrow("h", "y")]
    arrows += [Arrow("y", "h", 10, 4)]
    net = Network([Box("h", 3), Box("y", 2)], arrows, n_in=2, initial="learned")
    params, x, target = drawn(net, T, 2)
    for loop in ("closed", "open", 3):
        assert_same(net, params, x, target, loop=loop)


def test_one_hot_inputs_labels_and_symbols_fed_back():
    boxes = [Box("h", 4), Box("y", 5, "softmax")]
    arrows = [Arrow("x", "h"), Arrow("x", "h", 3), Arrow("h", "h", 2), Arrow("y", "h", 1), Arrow("h", "y")]
    net = Network(boxes, arrows, n_in=6, initial="learned")
    rng = np.random.default_rng(3)
    params = random_parameters(net, rng)
    x, labels = rng.integers(0, 6, (20, 3), dtype=np.int32), rng.integers(0, 5, (20, 3), dtype=np.int32)
    state = {"x": rng.integers(-1, 6, (3, 3)), "y": rng.uniform(size=(1, 3, 5))}
    for call in ({}, {"loop": "open"}, {"state": state}, {"lengths": [2, 20, 13], "state": state}):
        assert_same(net, params, x, labels, loss="cross_entropy", **call)


def test_what_the_padding_holds_does_not_matter():
    net = textbook.narx(2, 3, 2, 4, 2)
    params, x, target = drawn(net, 25, 3)
    weight, lengths = np.ones((25, 3)), np.array([3, 18, 12])
    expected = assert_same(net, params, x, target, weight=weight, lengths=lengths)
    beyond = np.arange(25)[:, None] >= lengths
    for array in (x, target, weight):
        array[beyond] = np.nan
    again = assert_same(net, params, x, target, weight=weight, lengths=lengths)
    np.testing.assert_array_equal(again.vector, expected.vector)


@settings(max_examples=50)
@given(cases())
def test_networks_nobody_has_named(case):
    net, params = case.engine()
    call = {key: case.call[key] for key in ("loop", "weight", "lengths", "state")}
    if net.causal:
        assert_same(net, params, case.x, case.target, reduction="sum", **call)
    else:
        with pytest.raises(ValueError, match=r"memory=recompute: needs a network .* reads the future"):
            net.loss_and_grad(params, case.x, case.target, memory="recompute", **call)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_types(dtype):
    net = textbook.rnn(2, [20], 2)
    params, x, target = drawn(net, 400, 4)
    weak = net.parameters((0.3 * params.vector).astype(dtype))
    x = x.astype(dtype)
    _, gradient = net.loss_and_grad(weak, x, target)
    _, pieced = net.loss_and_grad(weak, x, target, memory="recompute")
    assert pieced.vector.dtype == dtype
    distance = np.linalg.norm(pieced.vector.astype(float) - gradient.vector)
    assert distance < 16 * np.finfo(dtype).eps * np.linalg.norm(gradient.vector.astype(float))
    again = net.loss_and_grad(weak, x, target, memory="recompute")[1]
    np.testing.assert_array_equal(again.vector, pieced.vector)


def test_data_may_be_read_only_and_of_other_types():
    net = textbook.narx(2, 3, 2, 1, 1)
    params, x, target = drawn(net, 12, 2)
    weight = np.random.default_rng(0).integers(0, 3, (12, 2))
    target = target.astype(np.float32)
    for array in (x, target, weight):
        array.setflags(write=False)
    assert_same(net, params, x, target, weight=weight, loop="open")


def test_plain_calls_in_between_do_not_disturb():
    """Pieces of 4 steps and a plain call of 4 steps use the same buffers."""
    net = textbook.rnn(2, [3], 2, initial="learned")
    params, x, target = drawn(net, 16, 2)
    short = net.loss_and_grad(params, x[:4], target[:4])[1]
    assert_same(net, params, x, target, state=given_state(net, 2, np.random.default_rng(0)))
    np.testing.assert_array_equal(net.loss_and_grad(params, x[:4], target[:4])[1].vector, short.vector)


@pytest.mark.parametrize(
    "wrong",
    [
        {"x": np.zeros((6, 2, 3))},
        {"target": np.zeros((5, 2, 2))},
        {"weight": np.zeros((5, 2))},
        {"weight": np.zeros((6, 2))},
        {"weight": np.where(np.arange(12).reshape(6, 2) == 9, -1.0, 1.0)},
        {"lengths": [7, 1]},
        {"loop": "ajar"},
        {"state": {"z": np.zeros((1, 2, 3))}},
        {"loss": "mae"},
        {"loss": "cross_entropy"},
        {"reduction": "max"},
        {"target": None},
    ],
)
def test_what_is_refused_is_what_the_plain_pass_refuses(wrong):
    net = textbook.rnn(2, [3], 2)
    params, x, target = drawn(net, 6, 2)
    call = {"x": x, "target": target, **wrong}
    texts = []
    for memory in ("full", "recompute"):
        with pytest.raises((InputError, ValueError)) as refused:
            net.loss_and_grad(params, **call, memory=memory)
        texts.append(str(refused.value))
    assert texts[0] == texts[1]


def test_unknown_memory():
    net = textbook.rnn(2, [3], 2)
    params, x, target = drawn(net, 3, 2)
    with pytest.raises(ValueError, match="memory='half': must be one of full, recompute"):
        net.loss_and_grad(params, x, target, memory="half")


def test_networks_that_read_the_future_are_refused_by_name():
    net = EVERY["brnn"]
    params, x, target = drawn(net, 4, 2)
    future = next(arrow for arrow in net.arrows if arrow.lag < 0)
    with pytest.raises(ValueError, match=f"reads only the past; box {future.target} reads the future"):
        net.loss_and_grad(params, x, target, memory="recompute")


def most_bytes(net, T):
    """Peak of what a step allocates besides its data, buffers included."""
    params = net.init(seed=0)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((T, 2, net.n_in), dtype=np.float32)
    target = rng.standard_normal((T, 2, net.n_out), dtype=np.float32)
    call = {"weight": np.ones((T, 2), np.float32), "lengths": np.array([T, T - 5]), "loop": "open"}
    tracemalloc.start()
    net.loss_and_grad(params, x, target, memory="recompute", **call)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


@pytest.mark.parametrize(
    "make", [lambda: textbook.rnn(1, [16], 1), lambda: textbook.narx(1, 16, 1, 2, 2)], ids=["rnn", "narx"]
)
def test_memory_grows_with_the_root_of_the_length(make):
    most_bytes(make(), 20)
    # Fresh networks, which have no buffers yet.
    few, many = most_bytes(make(), 1000), most_bytes(make(), 100_000)
    assert 3 * few < many < 11 * few


def test_a_forward_pass_keeps_the_outputs_only():
    net = textbook.rnn(1, [64], 1)
    params, x = net.init(seed=0), np.zeros((50_000, 2, 1), np.float32)
    net.forward(params, x[:9], memory="recompute")
    tracemalloc.start()
    y = net.forward(params, x, memory="recompute")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # All values would be 64 times the outputs.
    assert y.nbytes < most < 2 * y.nbytes
