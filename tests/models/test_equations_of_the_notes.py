"""The forms that the lecture notes draw beside the six textbook networks, each against its equation."""

from itertools import pairwise

import numpy as np
import pytest

from tests import naive
from tests.models.small import small
from tests.models.test_architectures import H, I, O, T, run
from tests.network.comparing import assert_loss_and_gradient, random_parameters

SAME = {"rtol": 1e-12, "atol": 1e-14}


def stack(p, names, below, order=1):
    """Layers as `naive.rnn_with_everything` wants them: from below, skip from x, taps, bias, initial."""
    layers = []
    for name in names:
        skip = p.get(f"x->{name}") if below != "x" else None
        taps = [p[f"{name}->{name}@{lag}"] for lag in range(1, order + 1)]
        initial = p.get(f"{name}.initial", np.zeros((order, taps[0].shape[0])))
        layers.append((p[f"{below}->{name}"], skip, taps, p[f"{name}.bias"], initial))
        below = name
    return layers


RNNS = {
    "three widths": {"layers": 3, "hidden": [5, 4, 3]},
    "skip input": {"layers": 3, "skip": "input"},
    "skip output": {"layers": 3, "skip": "output"},
    "skip all": {"hidden": [4, 2], "skip": "all"},
    "order 3": {"order": 3},
    "order 2, two layers": {"order": 2, "layers": 2},
    "shades of NARX": {"output_taps": 2},
    "all together": {"layers": 3, "skip": "all", "order": 2, "output_taps": [1, 4]},
}


@pytest.mark.parametrize("gradient", ["full", "blocked", 3])
@pytest.mark.parametrize("fields", RNNS.values(), ids=RNNS.keys())
def test_rnn(fields, gradient):
    model = small("rnn", initial="zero", gradient=gradient, **fields)
    x, p, y = run(model)
    compare_rnn(model, x, p, y, {})


@pytest.mark.parametrize("order", [1, 2, 4])
def test_rnn_with_as_many_learned_initial_states_as_its_order(order):
    model = small("rnn", initial="learned", order=order, layers=2)
    x, p, y = run(model)
    assert p["h1.initial"].shape == p["h2.initial"].shape == (order, H)
    compare_rnn(model, x, p, y, {})


def compare_rnn(model, x, p, y, feedback):
    hidden = [n.removesuffix(".bias") for n in p if n.endswith(".bias") and n != "y.bias"]
    feedback = {int(n.partition("@")[2]): W for n, W in p.items() if n.startswith(f"y->{hidden[0]}@")}
    readout = {level: p[f"{name}->y"] for level, name in enumerate(hidden) if f"{name}->y" in p}
    expected_readout = len(hidden) if model.skip in ("output", "all") else 1
    assert len(readout) == expected_readout
    assert sum(n.startswith("x->") for n in p) == (len(hidden) if model.skip in ("input", "all") else 1)
    layers = stack(p, hidden, "x", model.order)
    expected = naive.rnn_with_everything(x, layers, feedback, readout, p["y.bias"], "sigmoid")[1]
    np.testing.assert_allclose(y, expected, **SAME)


@pytest.mark.parametrize("pool", ["none", "sum"])
@pytest.mark.parametrize(("windows", "hidden"), [([2, 4], [4, 3]), ([0, 3, 1], 2), ([5], 3)])
def test_tdnn_of_several_windows(windows, hidden, pool):
    x, p, y = run(small("tdnn", windows=windows, hidden=hidden, pool=pool))
    names = ["h"] if len(windows) == 1 else [f"h{n}" for n in range(1, len(windows) + 1)]
    layers = []
    for below, name, window in zip(["x", *names], names, windows, strict=False):
        taps = [p[f"{below}->{name}" + (f"@{k}" if k else "")] for k in range(window + 1)]
        layers.append((taps, p[f"{name}.bias"]))
    V = p["p->y" if pool == "sum" else f"{names[-1]}->y"]
    expected = naive.tdnn_of_layers(x, layers, V, p["y.bias"], sigma="sigmoid", pooled=pool == "sum")[1]
    np.testing.assert_allclose(y, expected, **SAME)


def test_a_pooled_tdnn_does_not_mind_when_its_pattern_came():
    """Waibel's point: the answer at the last step is the same for a pattern that comes later."""
    net = small("tdnn", windows=[2, 4], pool="sum").build(I, O)
    rng = np.random.default_rng(1)
    params = net.parameters(rng.normal(size=net.n_parameters))
    pattern, answers = rng.normal(size=(4, 1, I)), []
    for start in (0, 5, 11):
        x = np.zeros((30, 1, I))
        x[start : start + 4] = pattern
        # At t < 0 the layers are 0, not what an input of 0 makes of them: leave room before the pattern.
        answers.append(net.forward(params, np.concatenate([np.zeros((10, 1, I)), x]))[-1])
    np.testing.assert_allclose(answers[1], answers[0], rtol=1e-12)
    np.testing.assert_allclose(answers[2], answers[0], rtol=1e-12)


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("gradient", ["blocked", "full"])
def test_jordan_top_down(layers, gradient):
    x, p, y = run(small("jordan", kind="top_down", layers=layers, gradient=gradient))
    names = ["x", *(["h"] if layers == 1 else [f"h{n}" for n in range(1, layers + 1)]), "y"]
    parts = [
        (p[f"{below}->{name}"], p[f"{above}->{name}@1"], p[f"{name}.bias"])
        for below, name, above in zip(names, names[1:], names[2:], strict=False)
    ]
    V = p[f"{names[-2]}->y"]
    np.testing.assert_allclose(y, naive.deep_top_down(x, parts, V, p["y.bias"], sigma="sigmoid")[1], **SAME)


def test_jordan_of_several_layers():
    x, p, y = run(small("jordan", hidden=[3, 4], mu=0.4))
    layers = [(p["x->h1"], p["h1.bias"]), (p["h1->h2"], p["h2.bias"])]
    expected = naive.deep_jordan(x, layers, p["m->h1"], p["h2->y"], p["y.bias"], 0.4, "sigmoid")
    np.testing.assert_allclose(y, expected, **SAME)


@pytest.mark.parametrize("initial", ["zero", "learned"])
@pytest.mark.parametrize("recall", ["tanh", "linear", "sigmoid"])
def test_memory(recall, initial):
    x, p, y = run(small("memory", units=2, recall=recall, initial=initial))
    keep = p["y->m@1"], p["h->m@1"], p["m->m@1"], p["m.bias"]
    use = p["x->h"], p["m->h"], p["h.bias"], p["h->y"], p["y.bias"]
    before = tuple(p[f"{name}.initial"][0] for name in "yhm") if initial == "learned" else None
    expected = naive.explicit_memory(x, *keep, *use, recall, "sigmoid", before)[-1]
    np.testing.assert_allclose(y, expected, **SAME)


def test_memory_learns_over_all_three_sources():
    net = small("memory").build(I, O)
    rng = np.random.default_rng(0)
    params = net.parameters(rng.normal(size=net.n_parameters))
    gradient = net.loss_and_grad(params, rng.normal(size=(T, 1, I)), rng.normal(size=(T, 1, O)))[1]
    for source in "yhm":
        assert np.abs(gradient[f"{source}->m@1"]).min() > 0


@pytest.mark.parametrize("initial", ["zero", "learned"])
@pytest.mark.parametrize(("blocks", "depth"), [(2, 1), (1, 2), (2, 2), (3, 2)])
def test_brnn_of_blocks(blocks, depth, initial):
    x, p, y = run(small("brnn", blocks=blocks, depth=depth, initial=initial))

    def name(letter, block, layer):
        first = letter if blocks == 1 else f"{letter}{block + 1}"
        return first if depth == 1 else f"{first}_{layer + 1}"

    def net(letter, block, lag, end):
        names = [name(letter, block, layer) for layer in range(depth)]
        read = ["x"] if block == 0 else [name(other, block - 1, depth - 1) for other in "fb"]
        Wc = [np.vstack([p[f"{below}->{names[0]}"] for below in read])]
        Wc += [p[f"{below}->{above}"] for below, above in pairwise(names)]
        ends = [p[f"{n}.{end}"][0] if initial == "learned" else np.zeros(H) for n in names]
        return Wc, [p[f"{n}->{n}@{lag}"] for n in names], [p[f"{n}.bias"] for n in names], ends

    nets = [(net("f", block, 1, "initial"), net("b", block, -1, "final")) for block in range(blocks)]
    V_f, V_b = (p[f"{name(letter, blocks - 1, depth - 1)}->y"] for letter in "fb")
    np.testing.assert_allclose(y, naive.brnn_of_blocks(x, nets, V_f, V_b, p["y.bias"], "sigmoid"), **SAME)


LAGS = [([0, 2, 5], [1, 3]), ([1], [2]), (2, [4, 1]), ([0, 7], 0)]


@pytest.mark.parametrize("loop", ["closed", "open", 0, 4, T])
@pytest.mark.parametrize(("inputs", "outputs"), LAGS)
def test_narx_of_any_lags_in_every_loop(inputs, outputs, loop):
    teacher = np.random.default_rng(9).random((T, O))
    model = small("narx", input_taps=inputs, output_taps=outputs, loop=loop, initial="learned")
    x, p, y = run(model, target=teacher[:, None].copy(), loop=model.loop)
    switch = {"closed": 0, "open": T}.get(loop, loop)
    expected = naive.narx_with_lags(x, *taps_of(p), teacher, switch, p.get("y.initial"), "sigmoid")[1]
    np.testing.assert_allclose(y, expected, **SAME)


def taps_of(p):
    """Return {lag: W} of x and of y, and the rest, in the order of `naive.narx_with_lags`."""
    inputs, outputs = (
        {int(name.partition("@")[2] or 0): W for name, W in p.items() if name.startswith(f"{source}->h")}
        for source in "xy"
    )
    return inputs, outputs, p["h.bias"], p["h->y"], p["y.bias"]


def test_at_the_switch_the_state_of_a_narx_is_carried_over():
    """Open until step 5 and closed from its state on is the same as the loop that switches at 5."""
    net = small("narx", input_taps=[0, 2], output_taps=[1, 3]).build(I, O)
    rng = np.random.default_rng(3)
    params = net.parameters(rng.normal(size=net.n_parameters))
    x, target = rng.normal(size=(T, 2, I)), rng.normal(size=(T, 2, O))
    whole = net.forward(params, x, target, 5)
    first, state = net.forward(params, x[:5], target[:5], "open", return_state=True)
    np.testing.assert_array_equal(state["y"], target[[4, 3, 2]])
    second = net.forward(params, x[5:], state=state)
    np.testing.assert_allclose(np.concatenate([first, second]), whole, **SAME)
    forgotten = net.forward(params, x[5:])
    assert np.abs(forgotten - second)[:3].min() > 1e-3


EMBEDDED = {
    "mlp": {},
    "tdnn": {"window": 2},
    "narx": {"input_taps": [0, 3], "output_taps": 2},
    "jordan": {},
    "elman": {},
    "rnn": {"layers": 2, "skip": "all"},
    "brnn": {"blocks": 2},
    "memory": {},
    "custom": {},
}


@pytest.mark.parametrize("name", EMBEDDED)
def test_an_embedding_puts_rows_of_a_table_in_place_of_symbols(name):
    """The rest of the network then sees what the same model without an embedding sees as its input."""
    symbols, d = 11, 4
    net = small(name, embedding=d, **EMBEDDED[name]).build(symbols, O, "softmax")
    plain = small(name, **EMBEDDED[name]).build(d, O, "softmax")
    rng = np.random.default_rng(2)
    params = net.parameters(rng.normal(size=net.n_parameters))
    indices = rng.integers(symbols - 1, size=(T, 2))
    x = np.stack([naive.embedded(column, np.array(params["x->e"])) for column in indices.T], axis=1)
    assert net.n_parameters == plain.n_parameters + symbols * d
    y = net.forward(params, indices)
    np.testing.assert_allclose(y, plain.forward(plain.parameters(params.vector[symbols * d :]), x), **SAME)
    # Only rows that were picked learn.
    gradient = net.loss_and_grad(params, indices, rng.integers(O, size=(T, 2)), "cross_entropy")[1]
    learned = np.abs(gradient["x->e"]).max(axis=1) > 0
    assert set(np.flatnonzero(learned)) == set(indices.ravel())


@pytest.mark.parametrize("name", EMBEDDED)
def test_an_embedding_s_gradient_is_that_of_differences_on_symbols(name):
    net = small(name, embedding=2, initial="learned", **EMBEDDED[name]).build(5, 3, "softmax")
    rng = np.random.default_rng(3)
    params = random_parameters(net, rng)
    indices, labels = rng.integers(5, size=(5, 2)), rng.integers(3, size=(5, 2))
    assert_loss_and_gradient(net, params, indices, labels, loss="cross_entropy")


@pytest.mark.parametrize("loop", ["open", 2])
@pytest.mark.parametrize("name", ["rnn", "jordan", "memory", "custom"])
def test_models_that_feed_the_output_back_are_trained_in_every_loop(name, loop):
    given = {"rnn": {"output_taps": 2}, "custom": {"arrows": ["x->h", "y->h@1", "h->h@1", "h->y"]}}
    model = small(name, loop=loop, **given.get(name, {}), **({} if name == "custom" else {"gradient": 2}))
    net = model.build(I, O, "sigmoid")
    rng = np.random.default_rng(4)
    params = random_parameters(net, rng)
    x, target = rng.normal(size=(5, 2, I)), rng.random((5, 2, O))
    assert_loss_and_gradient(net, params, x, target, loss="binary_cross_entropy", loop=model.loop)
