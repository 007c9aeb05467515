"""Lengths and padding, carried state, stepping and generating."""

import numpy as np
import pytest
from hypothesis import given, settings

from rnnbench.network import Arrow, Box, Network
from tests.network import textbook
from tests.network.comparing import random_parameters
from tests.network.drawing import cases

EVERY = textbook.every()
CAUSAL = [name for name, net in EVERY.items() if net.causal]
CLOSE = {"rtol": 1e-11, "atol": 1e-13}


@pytest.mark.parametrize("filler", [0.0, 1e3, np.nan])
@pytest.mark.parametrize("name", EVERY)
def test_padding_changes_nothing(name, filler):
    """A padded batch gives each sequence what it gets alone, bits of the padding notwithstanding."""
    net = EVERY[name]
    rng = np.random.default_rng(5)
    params = random_parameters(net, rng)
    lengths = np.array([3, 6, 1, 5])
    x = rng.normal(size=(8, 4, net.n_in))
    target = rng.uniform(0.1, 0.9, (8, 4, net.n_out))
    dy = rng.normal(size=target.shape)
    beyond = np.arange(8)[:, None] >= lengths
    weight = rng.uniform(0.5, 2, (8, 4))
    for a in (x, target, dy):
        a[beyond] = filler
    weight[beyond] = 7.0
    y = net.forward(params, x, lengths=lengths)
    loss, gradient = net.loss_and_grad(params, x, target, weight=weight, reduction="sum", lengths=lengths)
    pulled, dx, dstate = net.backward(params, x, dy, lengths=lengths)
    losses, gradients, pulls = [], [], []
    for s, n in enumerate(lengths):
        one, its_target, its_dy, w = (np.ascontiguousarray(a[:n, s : s + 1]) for a in (x, target, dy, weight))
        np.testing.assert_allclose(y[:n, s : s + 1], net.forward(params, one), **CLOSE)
        final = params["y.final"] if "y.final" in params else np.zeros((0, net.n_out))
        rows = min(8 - n, len(final))
        np.testing.assert_array_equal(y[n : n + rows, s], final[:rows])
        np.testing.assert_array_equal(y[n + rows :, s], 0)
        its_loss, its_gradient = net.loss_and_grad(params, one, its_target, weight=w, reduction="sum")
        its_pull, its_dx, its_dstate = net.backward(params, one, its_dy)
        losses.append(its_loss)
        gradients.append(its_gradient.vector)
        pulls.append(its_pull.vector)
        np.testing.assert_allclose(dx[:n, s : s + 1], its_dx, **CLOSE)
        np.testing.assert_array_equal(dx[n:, s], 0)
        for box, rows in its_dstate.items():
            np.testing.assert_allclose(dstate[box][:, s : s + 1], rows, **CLOSE)
    np.testing.assert_allclose(loss, sum(losses), **CLOSE)
    np.testing.assert_allclose(gradient.vector, sum(gradients), **CLOSE)
    np.testing.assert_allclose(pulled.vector, sum(pulls), **CLOSE)


def test_step_weights_in_the_padding_are_not_read():
    net = EVERY["rnn"]
    rng = np.random.default_rng(5)
    params, x, target = random_parameters(net, rng), rng.normal(size=(4, 2, 2)), rng.normal(size=(4, 2, 2))
    lengths, weight = np.array([4, 2]), np.ones((4, 2))
    expected = net.loss(params, x, target, weight=weight, lengths=lengths)
    for filler in (0.0, np.nan, -1.0):
        weight[2:, 1] = filler
        assert net.loss(params, x, target, weight=weight, lengths=lengths) == expected


def test_mean_counts_only_steps_inside_the_lengths():
    net = EVERY["rnn"]
    rng = np.random.default_rng(5)
    params, x, target = random_parameters(net, rng), rng.normal(size=(4, 2, 2)), rng.normal(size=(4, 2, 2))
    lengths = np.array([4, 1])
    y = net.forward(params, x, lengths=lengths)
    expected = (((y - target) ** 2)[:, 0].sum() + ((y - target) ** 2)[0, 1].sum()) / (5 * 2)
    np.testing.assert_allclose(net.loss(params, x, target, lengths=lengths), expected, rtol=1e-12)


@pytest.mark.parametrize("wrong", [[4, 5], [0, 4], [4], [4.0, 2.5]])
def test_lengths_out_of_range_are_refused(wrong):
    net = EVERY["rnn"]
    with pytest.raises(ValueError, match="lengths"):
        net.forward(net.init(0), np.zeros((4, 2, 2), np.float32), lengths=np.array(wrong))


@pytest.mark.parametrize("loop", ["closed", "open"])
@pytest.mark.parametrize("name", CAUSAL)
def test_chunks_with_carried_state_are_the_whole_sequence(name, loop):
    net = EVERY[name]
    rng = np.random.default_rng(6)
    params, x = random_parameters(net, rng), rng.normal(size=(9, 2, net.n_in))
    target = rng.normal(size=(9, 2, net.n_out))
    whole, last = net.forward(params, x, target, loop, return_state=True)
    pieces, state = [], None
    for start, stop in [(0, 1), (1, 4), (4, 5), (5, 9)]:
        y, state = net.forward(
            params, x[start:stop], target[start:stop], loop, state=state, return_state=True
        )
        pieces.append(y)
        np.testing.assert_array_equal(state["step"], [stop, stop])
    np.testing.assert_allclose(np.concatenate(pieces), whole, **CLOSE)
    assert set(state) == set(last)
    for box in last:
        np.testing.assert_allclose(state[box], last[box], **CLOSE)


def test_gates_count_from_the_start_of_the_stream():
    """With K = 4 the gradient of a whole sequence is the sum over chunks of 4 with carried state."""
    net = textbook.rnn(2, [3], 2, initial="learned", cut_every=4)
    full = textbook.rnn(2, [3], 2, initial="learned")
    rng = np.random.default_rng(7)
    params, x, target = random_parameters(net, rng), rng.normal(size=(11, 2, 2)), rng.normal(size=(11, 2, 2))
    _, gradient = net.loss_and_grad(params, x, target, reduction="sum")
    by_hand, state = np.zeros(net.n_parameters), None
    for start in (0, 4, 8):
        part = slice(start, start + 4)
        _, piece = full.loss_and_grad(params, x[part], target[part], reduction="sum", state=state)
        by_hand += piece.vector
        _, state = full.forward(params, x[part], state=state, return_state=True)
    np.testing.assert_allclose(gradient.vector, by_hand, **CLOSE)

    state = net.forward(params, x[:3], return_state=True)[1]
    _, late = net.loss_and_grad(params, x[3:], target[3:], reduction="sum", state=state)
    in_pieces = full.loss_and_grad(params, x[3:4], target[3:4], reduction="sum", state=state)[1].vector.copy()
    for start, stop in [(4, 8), (8, 11)]:
        state = net.forward(params, x[:start], return_state=True)[1]
        in_pieces += full.loss_and_grad(
            params, x[start:stop], target[start:stop], reduction="sum", state=state
        )[1].vector
    np.testing.assert_allclose(late.vector, in_pieces, **CLOSE)


def test_state_of_sequences_of_different_length_ends_where_each_ends():
    net = textbook.rnn(2, [3], 2, order=2, initial="learned")
    rng = np.random.default_rng(8)
    params, x = random_parameters(net, rng), rng.normal(size=(5, 3, 2))
    lengths = np.array([5, 1, 3])
    _, state = net.forward(params, x, lengths=lengths, return_state=True)
    h = net.values(params, x, lengths=lengths)["h"]
    np.testing.assert_array_equal(state["step"], lengths)
    np.testing.assert_array_equal(state["h"][:, 0], h[[4, 3], 0])
    np.testing.assert_array_equal(state["h"][:, 1], [h[0, 1], params["h.initial"][0]])
    np.testing.assert_array_equal(state["h"][:, 2], h[[2, 1], 2])


@pytest.mark.parametrize("name", CAUSAL)
def test_step_is_forward(name):
    net = EVERY[name]
    rng = np.random.default_rng(9)
    params, x = random_parameters(net, rng), rng.normal(size=(7, 3, net.n_in))
    whole, state = net.forward(params, x), None
    for t in range(7):
        y, state = net.step(params, state, x[t])
        assert y.shape == (3, net.n_out)
        np.testing.assert_allclose(y, whole[t], **CLOSE)


def test_step_does_not_write_into_the_state_it_is_given():
    net = EVERY["rnn_order_2"]
    params, x = random_parameters(net, np.random.default_rng(1)), np.ones((1, 2))
    _, state = net.step(params, None, x)
    kept = {box: rows.copy() for box, rows in state.items()}
    net.step(params, state, x)
    for box, rows in kept.items():
        np.testing.assert_array_equal(state[box], rows)


@settings(max_examples=30)
@given(cases())
def test_steps_of_networks_nobody_has_named(case):
    net, params = case.engine()
    if any(arrow["lag"] < 0 for arrow in case.net["arrows"]):
        with pytest.raises(ValueError, match="future"):
            net.step(params, None, case.x[0])
        return
    whole, state = net.forward(params, case.x), None
    for t, x_t in enumerate(case.x):
        y, state = net.step(params, state, x_t)
        np.testing.assert_allclose(y, whole[t], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("loop", ["closed", 3])
def test_warm_up_then_run_free_is_a_step_at_a_time(loop):
    """loop=t0 reads targets before step t0 and its own output from t0 on."""
    net = textbook.narx(1, 4, 2, 0, 1, "tanh")
    rng = np.random.default_rng(2)
    params, x, target = random_parameters(net, rng), rng.normal(size=(8, 2, 1)), rng.normal(size=(8, 2, 2))
    y = net.forward(params, x, target, loop)
    state = None
    for t in range(8):
        own, state = net.step(params, state, x[t])
        np.testing.assert_allclose(y[t], own, **CLOSE)
        if loop != "closed" and t < loop:
            state["y"] = target[t][None].copy()


def free_run(net, params, prefix, steps, choose):
    """Write generation out: feed what ``choose`` makes of the last output, run over everything so far."""
    x = prefix
    for _ in range(steps):
        y = net.forward(params, np.ascontiguousarray(x))
        x = np.concatenate([x, choose(y[-1])[None]])
    return x[len(prefix) :]


@pytest.mark.parametrize("name", ["mlp", "tdnn", "narx", "jordan", "rnn", "rnn_two_layers"])
def test_generating_from_the_output(name):
    net = {**EVERY, "tdnn": textbook.tdnn(2, 3, 2, window=3)}[name]
    rng = np.random.default_rng(3)
    params, prefix = random_parameters(net, rng), rng.normal(size=(4, 2, 2))
    expected = free_run(net, params, prefix, 6, lambda y: y)
    np.testing.assert_allclose(net.generate(params, prefix, 6, "output"), expected, **CLOSE)
    np.testing.assert_allclose(net.generate(params, prefix, 6, lambda y, rng: y), expected, **CLOSE)
    halved = free_run(net, params, prefix, 6, lambda y: y / 2)
    np.testing.assert_allclose(net.generate(params, prefix, 6, lambda y, rng: y / 2), halved, **CLOSE)


def test_generating_characters():
    net = textbook.rnn(5, [6], 5, "softmax")
    rng = np.random.default_rng(4)
    params, prefix = random_parameters(net, rng, 2.0), rng.integers(0, 5, (3, 4))
    expected = free_run(net, params, prefix, 7, lambda y: y.argmax(axis=1))
    found = net.generate(params, prefix, 7, "argmax")
    assert found.shape == (7, 4) and np.issubdtype(found.dtype, np.integer)
    np.testing.assert_array_equal(found, expected)
    one, two, other = (net.generate(params, prefix, 7, "sample", np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert (one != other).any() and one.min() >= 0 and one.max() < 5


def test_sampling_follows_the_probabilities():
    net = Network([Box("y", 3, "softmax")], [Arrow("x", "y")], n_in=3)
    params = net.parameters(np.zeros(net.n_parameters))
    params["y.bias"][...] = np.log([0.2, 0.5, 0.3])
    drawn = net.generate(params, np.zeros((1, 4000), int), 1, "sample", np.random.default_rng(0))
    np.testing.assert_allclose(np.bincount(drawn[0], minlength=3) / 4000, [0.2, 0.5, 0.3], atol=0.03)


@pytest.mark.parametrize("cut_every", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("lag", [1, 2])
def test_backward_chunk_by_chunk_gives_the_gradient_of_the_whole(cut_every, lag):
    """What a later chunk passes back to the state is added to dy; gates count from the stream's start."""
    boxes = [Box("h", 3), Box("y", 2)]
    gated = [Arrow("y", "h", lag, cut_every), Arrow("y", "y", lag, cut_every)]
    net = Network(boxes, [Arrow("x", "h"), Arrow("h", "y"), *gated], n_in=1)
    params, rng = net.init(seed=0, dtype=np.float64), np.random.default_rng(0)
    x, dy = rng.normal(size=(7, 2, 1)), rng.normal(size=(7, 2, 2))
    whole, dx, _ = net.backward(params, x, dy)
    _, state = net.forward(params, x[:3], return_state=True)
    later, dx_later, dstate = net.backward(params, x[3:], dy[3:], state=state)
    carried = dy[:3].copy()
    carried[-lag:] += dstate["y"][::-1]
    earlier, dx_earlier, _ = net.backward(params, x[:3], carried)
    np.testing.assert_allclose(earlier.vector + later.vector, whole.vector, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(np.concatenate([dx_earlier, dx_later]), dx, rtol=1e-12, atol=1e-13)
