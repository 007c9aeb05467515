"""The matrix of hard cases, for every textbook network and both precisions."""

import threading

import numpy as np
import pytest

from rnnbench.network import Arrow, Box, InputError, Network
from rnnbench.network.arrays import Shape
from tests.network import textbook
from tests.network.comparing import assert_backward, assert_loss_and_gradient, random_parameters

EVERY = textbook.every()
SMALLEST = {
    "mlp": textbook.mlp(1, 1, 1),
    "tdnn": textbook.tdnn(1, 1, 1, 2),
    "narx": textbook.narx(1, 1, 1, 1, 2),
    "jordan": textbook.jordan(1, 1, 1, 0.5),
    "elman": textbook.elman(1, 1, 1, initial="learned"),
    "rnn": textbook.rnn(1, [1], 1, initial="learned"),
    "rnn_softmax": textbook.rnn(1, [1], 1, "softmax"),
    "brnn": textbook.brnn(1, 1, 1, 1, initial="learned"),
}


def drawn(net, T, B, seed=0):
    """Parameters, x and targets."""
    rng = np.random.default_rng(seed)
    return (
        random_parameters(net, rng),
        rng.normal(size=(T, B, net.n_in)),
        rng.uniform(0.1, 0.9, (T, B, net.n_out)),
    )


@pytest.mark.parametrize("T, B", [(1, 1), (1, 3), (5, 1)])
@pytest.mark.parametrize("name", EVERY)
def test_one_step_and_one_sequence(name, T, B):
    """T = 1 (so every lag and every K is longer than the sequence), B = 1."""
    net = EVERY[name]
    params, x, target = drawn(net, T, B)
    assert_loss_and_gradient(net, params, x, target)
    assert_backward(net, params, x, target)


@pytest.mark.parametrize("name", SMALLEST)
def test_one_unit(name):
    net = SMALLEST[name]
    params, x, target = drawn(net, 4, 2)
    assert_loss_and_gradient(net, params, x, target)
    assert_backward(net, params, x, target)


@pytest.mark.parametrize("lag", [4, 5, 9, -4, -5, -9])
@pytest.mark.parametrize("cut_every", [0, 1, 7])
def test_lags_and_chunks_longer_than_the_sequence(lag, cut_every):
    arrows = [
        Arrow("x", "h", lag=lag),
        Arrow("x", "h"),
        Arrow("h", "h", lag=lag, cut_every=cut_every),
        Arrow("h", "y"),
    ]
    net = Network([Box("h", 2), Box("y", 2, "linear")], arrows, n_in=2, initial="learned")
    params, x, target = drawn(net, 4, 2)
    assert_loss_and_gradient(net, params, x, target)
    assert_backward(net, params, x, target)


@pytest.mark.parametrize("name", EVERY)
def test_loss_only_at_the_last_step(name):
    net = EVERY[name]
    params, x, target = drawn(net, 6, 2)
    weight = np.zeros((6, 2))
    weight[-1] = 1
    assert_loss_and_gradient(net, params, x, target, weight=weight)


@pytest.mark.parametrize("name", EVERY)
def test_loss_only_at_each_sequences_own_last_step(name):
    net = EVERY[name]
    params, x, target = drawn(net, 6, 3)
    lengths = np.array([6, 2, 4])
    weight = (np.arange(6)[:, None] == lengths - 1).astype(float)
    assert_loss_and_gradient(net, params, x, target, weight=weight, lengths=lengths)


@pytest.mark.parametrize("name", EVERY)
def test_nothing_to_score_is_an_error(name):
    net = EVERY[name]
    params, x, target = drawn(net, 3, 2)
    nothing = [{"weight": np.zeros((3, 2))}, {"target": np.full_like(target, np.nan)}]
    for wrong in nothing:
        for reduction in ("mean", "sum"):
            call = {"target": target, "reduction": reduction} | wrong
            with pytest.raises(ValueError, match="weight"):
                net.loss_and_grad(params, x, **call)
            with pytest.raises(ValueError, match="weight"):
                net.loss(params, x, **call)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [name for name in EVERY if "relu" not in name])
def test_saturated_units(name, dtype):
    """Huge pre-activations give values at the ends of the range and finite gradients."""
    net = EVERY[name]
    params, x, target = drawn(net, 5, 2)
    params = net.parameters((params.vector * 300).astype(dtype))
    x = x.astype(dtype)
    y = net.forward(params, x)
    loss, gradient = net.loss_and_grad(params, x, target)
    assert np.isfinite(y).all() and np.isfinite(loss) and np.isfinite(gradient.vector).all()
    for box, values in net.values(params, x).items():
        activation = next(b.activation for b in net.boxes if b.name == box)
        if activation == "tanh":
            assert np.abs(values).max() <= 1 and np.abs(values).max() > 0.999


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saturated_losses_are_finite(dtype):
    """A confidently wrong sigmoid or softmax has a large loss, and a gradient that still points out of it."""
    net = Network([Box("y", 2, "softmax")], [Arrow("x", "y")], n_in=1)
    params = net.parameters(np.array([0, 0, 60, -60], dtype=dtype))
    loss, gradient = net.loss_and_grad(
        params, np.zeros((1, 1, 1), dtype), np.array([[1]]), loss="cross_entropy"
    )
    assert 80 < loss < 125
    np.testing.assert_allclose(gradient["y.bias"], [1, -1], rtol=1e-5)
    net = Network([Box("y", 1, "sigmoid")], [Arrow("x", "y")], n_in=1)
    params = net.parameters(np.array([0, 60], dtype=dtype))
    loss, gradient = net.loss_and_grad(
        params, np.zeros((1, 1, 1), dtype), np.zeros((1, 1, 1), dtype), loss="binary_cross_entropy"
    )
    assert 15 < loss < 61
    np.testing.assert_allclose(gradient["y.bias"], [1], rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ["linear", "tanh", "sigmoid", "relu", "square", "softmax"])
def test_nan_in_x_reaches_y(activation, dtype):
    net = textbook.rnn(2, [3], 2, output=activation, activation=activation)
    params, x, target = drawn(net, 6, 3)
    params, x = net.parameters(params.vector.astype(dtype)), x.astype(dtype)
    x[2, 1, 0] = np.nan
    y = net.forward(params, x)
    assert np.isnan(y[2:, 1]).all()
    assert np.isfinite(y[:2]).all() and np.isfinite(y[:, [0, 2]]).all()
    loss, gradient = net.loss_and_grad(params, x, target)
    assert np.isnan(loss) and np.isnan(gradient.vector).any()


@pytest.mark.parametrize("name", EVERY)
def test_infinite_x_gives_no_exception(name):
    net = EVERY[name]
    params, x, _ = drawn(net, 3, 1)
    x[1] = np.inf
    assert net.forward(params, x).shape == (3, 1, net.n_out)


WRONG_X = {
    "batch-major": np.zeros((2, 5, 3), np.float32).transpose(1, 0, 2),
    "last axis": np.zeros((5, 2, 4), np.float32),
    "two axes of floats": np.zeros((5, 3), np.float32),
    "four axes": np.zeros((5, 2, 3, 1), np.float32),
    "other float": np.zeros((5, 2, 3)),
    "half": np.zeros((5, 2, 3), np.float16),
    "complex": np.zeros((5, 2, 3), complex),
    "boolean": np.zeros((5, 2), bool),
    "not contiguous": np.zeros((5, 4, 3), np.float32)[:, ::2],
    "a list": [[[0.0, 0.0, 0.0]]],
    "nothing": None,
    "no steps": np.zeros((0, 2, 3), np.float32),
    "no sequences": np.zeros((5, 0, 3), np.float32),
    "index out of range": np.full((5, 2), 3),
    "negative index": np.full((5, 2), -1),
}


@pytest.mark.parametrize("what", WRONG_X)
def test_wrong_x_is_refused_with_the_expected_shape(what):
    net = textbook.rnn(3, [4], 2)
    with pytest.raises(InputError, match=r"\(T, B, 3\)|index|indices") as refusal:
        net.forward(net.init(0), WRONG_X[what])
    assert isinstance(refusal.value, ValueError) and isinstance(refusal.value, TypeError)
    assert "x" in str(refusal.value)


WRONG_ARGUMENTS = {
    "target shape": ({"target": np.zeros((5, 2, 3))}, r"target.*\(5, 2, 2\)"),
    "target labels for mse": ({"target": np.zeros((5, 2), int)}, "target"),
    "no target": ({"target": None}, "target"),
    "weight shape": ({"weight": np.ones((5, 2, 1))}, r"weight.*\(5, 2\)"),
    "negative weight": ({"weight": np.full((5, 2), -1.0)}, "weight"),
    "unknown loss": ({"loss": "hinge"}, "hinge"),
    "loss of another output": ({"loss": "cross_entropy", "target": np.zeros((5, 2), int)}, "softmax"),
    "probability loss of a linear output": ({"loss": "binary_cross_entropy"}, "sigmoid"),
    "unknown loop": ({"loop": "ajar"}, "ajar"),
    "negative loop": ({"loop": -1}, "loop"),
    "unknown reduction": ({"reduction": "median"}, "median"),
    "state of another shape": ({"state": {"h": np.zeros((2, 2, 4), np.float32)}}, r"h.*\(1, 2, 4\)"),
    "state of an unknown box": ({"state": {"nobody": np.zeros((1, 2, 4), np.float32)}}, "nobody"),
}


@pytest.mark.parametrize("what", WRONG_ARGUMENTS)
def test_wrong_arguments_are_refused_by_name(what):
    net = textbook.rnn(3, [4], 2)
    keywords, match = WRONG_ARGUMENTS[what]
    call = {"target": np.zeros((5, 2, 2), np.float32)} | keywords
    with pytest.raises(ValueError, match=f"(?s){match}"):
        net.loss_and_grad(net.init(0), np.zeros((5, 2, 3), np.float32), **call)


def test_labels_out_of_range_are_refused():
    net = textbook.rnn(3, [4], 2, "softmax")
    for wrong in (2, -1):
        with pytest.raises(ValueError, match=r"target|label"):
            net.loss_and_grad(
                net.init(0), np.zeros((5, 2, 3), np.float32), np.full((5, 2), wrong), loss="cross_entropy"
            )


def test_open_loop_without_targets_is_refused():
    net = textbook.narx(3, 4, 2, 0, 1)
    with pytest.raises(ValueError, match="target"):
        net.forward(net.init(0), np.zeros((5, 2, 3), np.float32), loop="open")


def test_parameters_of_another_network_are_refused():
    with pytest.raises(ValueError, match="param"):
        textbook.mlp(2, 3, 1).forward(textbook.mlp(2, 4, 1).init(0), np.zeros((1, 1, 2), np.float32))


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8])
def test_integer_input_is_one_hot(kind):
    for net in (
        textbook.rnn(4, [3], 2, initial="learned"),
        textbook.tdnn(4, 3, 2, 2),
        textbook.brnn(4, 2, 3, 2),
    ):
        params, _, target = drawn(net, 5, 3)
        index = np.random.default_rng(1).integers(0, 4, (5, 3)).astype(kind)
        one_hot = np.eye(4)[index]
        np.testing.assert_allclose(net.forward(params, index), net.forward(params, one_hot), rtol=1e-13)
        loss, gradient = net.loss_and_grad(params, index, target)
        expected_loss, expected = net.loss_and_grad(params, one_hot, target)
        np.testing.assert_allclose(loss, expected_loss, rtol=1e-13)
        np.testing.assert_allclose(gradient.vector, expected.vector, rtol=1e-10, atol=1e-14)
        lengths = np.array([5, 2, 3])
        found, expected = (net.backward(params, a, target, lengths=lengths) for a in (index, one_hot))
        np.testing.assert_allclose(found[0].vector, expected[0].vector, rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(found[1], expected[1], rtol=1e-10, atol=1e-14)


def test_integer_input_carries_state_and_steps():
    net = textbook.tdnn(4, 3, 2, 2)
    params, _, _ = drawn(net, 5, 3)
    index = np.random.default_rng(1).integers(0, 4, (5, 3))
    whole = net.forward(params, np.eye(4)[index])
    first, state = net.forward(params, index[:1], return_state=True)
    second = net.forward(params, index[1:], state=state)
    np.testing.assert_allclose(np.concatenate([first, second]), whole, rtol=1e-12)
    state = None
    for t in range(5):
        y, state = net.step(params, state, index[t])
        np.testing.assert_allclose(y, whole[t], rtol=1e-12)


@pytest.mark.parametrize("name", ["rnn", "narx", "brnn"])
def test_what_is_returned_never_aliases_a_workspace(name):
    net = EVERY[name]
    params, x, target = drawn(net, 5, 2)
    y, state = net.forward(params, x, return_state=True)
    values = net.values(params, x)
    _, gradient = net.loss_and_grad(params, x, target)
    pulled, dx, dstate = net.backward(params, x, target)
    held = [y, *state.values(), *values.values(), gradient.vector, pulled.vector, dx, *dstate.values()]
    kept = [a.copy() for a in held]
    for i, a in enumerate(held):
        assert not any(np.shares_memory(a, b) for b in held[i + 1 :] if a.size and b.size)
        assert not np.shares_memory(a, x) and not np.shares_memory(a, params.vector)
    other = net.parameters(params.vector + 1)
    net.forward(other, x + 1)
    net.values(other, x + 1)
    net.loss_and_grad(other, x + 1, target)
    net.backward(other, x + 1, target)
    for a, b in zip(held, kept, strict=True):
        np.testing.assert_array_equal(a, b)
    for a in held:
        a[...] = 7
    np.testing.assert_array_equal(net.forward(params, x), kept[0])


def test_inputs_are_left_as_they_were():
    net = EVERY["narx"]
    params, x, target = drawn(net, 5, 2)
    target[1, 0] = np.nan
    arrays = [params.vector, x, target]
    kept = [a.copy() for a in arrays]
    net.loss_and_grad(params, x, target, loop="open")
    net.backward(params, x, np.ones_like(target), target, "open")
    for a, b in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_share_a_network_and_get_the_same_bits(dtype):
    net = EVERY["rnn_two_layers"]
    work = []
    for i, (T, B) in enumerate([(30, 4), (17, 7), (30, 4), (5, 1)]):
        params, x, target = drawn(net, T, B, seed=i)
        work.append((net.parameters(params.vector.astype(dtype)), x.astype(dtype), target))
    expected = [net.loss_and_grad(*arguments) for arguments in work]
    wrong, start = [], threading.Barrier(4)

    def repeat(i):
        start.wait()
        for _ in range(40):
            loss, gradient = net.loss_and_grad(*work[i])
            if loss != expected[i][0] or not np.array_equal(gradient.vector, expected[i][1].vector):
                wrong.append(i)

    threads = [threading.Thread(target=repeat, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("name", EVERY)
def test_float32_gradients_follow_float64(name):
    net = EVERY[name]
    params, x, target = drawn(net, 6, 3)
    loss, gradient = net.loss_and_grad(params, x, target)
    p32 = net.parameters(params.vector.astype(np.float32))
    loss32, gradient32 = net.loss_and_grad(p32, x.astype(np.float32), target)
    assert gradient32.vector.dtype == np.float32 and isinstance(loss32, float)
    np.testing.assert_allclose(loss32, loss, rtol=1e-5)
    np.testing.assert_allclose(gradient32.vector, gradient.vector, rtol=1e-3, atol=2e-6)


@pytest.mark.parametrize("sizes", [(8, 16), (15, 17), (31, 33), (40, 70)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_widths_around_the_length_of_a_vector(sizes, dtype):
    """Odd and even widths, batches of every remainder: nothing is lost in a tail."""
    rng = np.random.default_rng(0)
    for B in (1, 5, 6, 7):
        net = textbook.rnn(sizes[0], [sizes[1]], sizes[0] + 1, initial="learned")
        params = net.parameters(rng.normal(0, 1 / sizes[1], net.n_parameters).astype(dtype))
        x = rng.normal(size=(3, B, sizes[0])).astype(dtype)
        p = {name: a.astype(np.float64) for name, a in params.items()}
        h, expected = np.tile(p["h.initial"], (B, 1)), []
        for t in range(3):
            h = np.tanh(x[t] @ p["x->h"] + h @ p["h->h@1"] + p["h.bias"])
            expected.append(h @ p["h->y"] + p["y.bias"])
        y = net.forward(params, x)
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(y, expected, atol=100 * eps)
        dy = rng.normal(size=y.shape).astype(dtype)
        gradient, dx, _ = net.backward(params, x, dy)
        np.testing.assert_allclose(gradient["y.bias"], dy.sum(axis=(0, 1)), rtol=100 * eps, atol=100 * eps)
        direction = rng.normal(size=net.n_parameters)
        p64 = net.parameters(params.vector.astype(np.float64))
        g64 = net.backward(p64, x.astype(np.float64), dy.astype(np.float64))[0].vector
        shift = 1e-6 * direction
        up, down = (
            net.forward(net.parameters(p64.vector + k * shift), x.astype(np.float64)) for k in (1, -1)
        )
        np.testing.assert_allclose(g64 @ shift, ((up - down) * dy).sum() / 2, rtol=1e-6)
        np.testing.assert_allclose(gradient.vector, g64, rtol=0, atol=np.abs(g64).max() * 200 * eps)
        assert dx.shape == x.shape


def test_one_network_in_both_types_and_many_shapes():
    """Scratch is as large as its own type needs, whichever type the network was last used with."""
    arrows = [Arrow("x", "h"), Arrow("h", "h", lag=1), Arrow("h", "y")]
    net = Network([Box("h", 3), Box("y", 1)], arrows, n_in=2)
    sizes = {}
    for turn in range(2):
        for dtype in (np.float32, np.float64):
            # A new shape each time, so that its buffers are made now.
            x = np.ones((4 + turn, 2, 2), dtype)
            net.loss_and_grad(net.init(dtype=dtype), x, np.zeros((4 + turn, 2, 1), dtype))
            made = net.buffers(net.plan("closed"), Shape(4 + turn, 2, False), np.dtype(dtype))
            needed = made.packed.size, made.packed_gradient.size, made.transposed.size
            assert sizes.setdefault(dtype, needed) == needed
