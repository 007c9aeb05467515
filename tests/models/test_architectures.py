"""Each model against the design's table: its arrows, its facts, its count by hand, its paper's equations."""

import math

import numpy as np
import pytest

from rnnbench import models
from rnnbench.models.narx import NARX
from rnnbench.models.tdnn import TDNN
from rnnbench.network import Arrow, Box
from tests import naive
from tests.models.small import small
from tests.network import textbook
from tests.network.comparing import random_parameters

I, H, O = 2, 3, 4
T = 9


def arrows(net):
    return set(net.arrows)


TEXTBOOK = {
    "mlp": (small("mlp"), textbook.mlp(I, H, O)),
    "tdnn": (small("tdnn", window=3), textbook.tdnn(I, H, O, window=3)),
    "narx": (small("narx", input_taps=2, output_taps=3), textbook.narx(I, H, O, 2, 3)),
    "narx one tap": (small("narx"), textbook.narx(I, H, O, 0, 1)),
    "jordan": (small("jordan", mu=0.3), textbook.jordan(I, H, O, mu=0.3)),
    "jordan average": (small("jordan", mu=0.3, average=True), textbook.jordan(I, H, O, mu=0.3, average=True)),
    "elman": (small("elman"), textbook.elman(I, H, O)),
    "rnn": (small("rnn"), textbook.rnn(I, [H], O)),
    "rnn learned": (small("rnn", initial="learned"), textbook.rnn(I, [H], O, initial="learned")),
    "brnn": (small("brnn"), textbook.brnn(I, H, H, O)),
    "rnn of two layers": (small("rnn", hidden=[3, 2]), textbook.rnn(I, [3, 2], O)),
    "rnn order 2": (small("rnn", order=2), textbook.rnn(I, [H], O, order=2)),
    "rnn blocked": (small("rnn", gradient="blocked"), textbook.elman(I, H, O)),
    "rnn skips": (small("rnn", hidden=[3, 2], skip="all"), textbook.skips(I, 3, 2, O)),
    "elman full": (small("elman", gradient="full"), textbook.rnn(I, [H], O)),
    "elman in chunks": (small("elman", gradient=4), textbook.rnn(I, [H], O, cut_every=4)),
    "jordan top-down": (small("jordan", kind="top_down", gradient="full"), textbook.top_down(I, H, O)),
    "jordan top-down cut": (small("jordan", kind="top_down"), textbook.top_down(I, H, O, cut_every=1)),
    "jordan deep top-down": (
        small("jordan", kind="top_down", gradient="full", hidden=[3, 2]),
        textbook.deep_top_down(I, 3, 2, O),
    ),
    "memory": (small("memory", units=2), textbook.memory(I, H, 2, O)),
    "custom": (small("custom"), textbook.rnn(I, [H], O)),
}


@pytest.mark.parametrize(("model", "expected"), TEXTBOOK.values(), ids=TEXTBOOK.keys())
def test_boxes_and_arrows_are_those_of_the_design(model, expected):
    net = model.build(I, O)
    assert net.boxes == expected.boxes
    assert arrows(net) == arrows(expected)
    assert net.initial == expected.initial


def test_jordan_s_arrows_by_the_letter_of_the_table():
    net = small("jordan", mu=0.25, average=True).build(I, O)
    assert Box("m", O, "linear", bias=False) in net.boxes
    assert arrows(net) == {
        Arrow("m", "m", lag=1, cut_every=1, weight=0.25),
        Arrow("y", "m", lag=1, cut_every=1, weight=0.75),
        Arrow("x", "h"),
        Arrow("m", "h"),
        Arrow("h", "y"),
    }


def test_narx_takes_explicit_lists_of_lags_in_any_order():
    net = NARX(hidden=H, input_taps=[5, 0], output_taps=(3, 1)).build(I, O)
    lags = {(arrow.source, arrow.lag) for arrow in net.arrows if arrow.target == "h"}
    assert lags == {("x", 0), ("x", 5), ("y", 1), ("y", 3)}
    assert net == NARX(hidden=H, input_taps=(0, 5), output_taps=[1, 3]).build(I, O)


def test_narx_without_output_taps_is_the_tdnn_to_the_bit():
    narx, tdnn = NARX(hidden=H, input_taps=4, output_taps=0), TDNN(hidden=H, window=4)
    assert narx.build(I, O) == tdnn.build(I, O)
    assert NARX(hidden=H, input_taps=[0, 1], output_taps=[]).build(I, O) == TDNN(hidden=H, window=1).build(
        I, O
    )


# Counts by hand: an arrow has (source x target) weights, a box with bias one more per unit.
COUNTS = {
    "mlp": (small("mlp"), I * H + H + H * O + O),
    "tdnn": (small("tdnn", window=10), 11 * I * H + H + H * O + O),
    "narx": (small("narx", input_taps=2, output_taps=5), 3 * I * H + 5 * O * H + H + H * O + O),
    "narx learned": (
        small("narx", output_taps=5, initial="learned"),
        I * H + 5 * O * H + H + H * O + O + 5 * O,
    ),
    "jordan": (small("jordan"), I * H + O * H + H + H * O + O),
    "jordan learned": (small("jordan", initial="learned"), I * H + O * H + H + H * O + O + O + O),
    "elman": (small("elman"), I * H + H * H + H + H * O + O),
    "rnn": (small("rnn"), I * H + H * H + H + H * O + O),
    "rnn learned": (small("rnn", initial="learned"), I * H + H * H + H + H * O + O + H),
    "brnn": (small("brnn"), 2 * (I * H + H * H + H) + 2 * H * O + O),
    "brnn learned": (small("brnn", initial="learned"), 2 * (I * H + H * H + H) + 2 * H * O + O + 2 * H),
    "brnn of blocks": (
        small("brnn", blocks=2, depth=2, initial="learned"),
        2 * (I * H + 3 * H * H + 5 * H * H + 4 * H) + 2 * H * O + O + 2 * 4 * H,
    ),
    "tdnn windows": (
        small("tdnn", windows=[2, 4], hidden=[8, 3]),
        3 * I * 8 + 8 + 5 * 8 * 3 + 3 + 3 * O + O,
    ),
    "tdnn pool": (small("tdnn", window=1, pool="sum"), 2 * I * H + H + H * O + O),
    "rnn order 2 learned": (
        small("rnn", order=2, initial="learned"),
        I * H + 2 * H * H + H + H * O + O + 2 * H,
    ),
    "rnn widths": (
        small("rnn", hidden=[5, 4, 3], skip="all"),
        I * (5 + 4 + 3) + 25 + 5 * 4 + 16 + 4 * 3 + 9 + 5 + 4 + 3 + (5 + 4 + 3) * O + O,
    ),
    "memory": (
        small("memory", units=2, initial="learned"),
        (O + H + 2) * 2 + 2 + 2 + I * H + 2 * H + H + H + H * O + O + O,
    ),
    "custom": (small("custom", embedding=5), I * 5 + 5 * H + H * H + H + H * O + O),
}


@pytest.mark.parametrize(("model", "count"), COUNTS.values(), ids=COUNTS.keys())
def test_parameter_count_by_hand(model, count):
    assert model.build(I, O).n_parameters == count


# The polls: a convolution is a finite response system; memory neurons are not true recurrence; a day trader
# cannot use a bidirectional net.
FACTS = {
    "mlp": (small("mlp"), True, False, 0),
    "tdnn": (small("tdnn", window=5), True, False, 5),
    "narx": (small("narx"), True, True, math.inf),
    "narx without feedback": (small("narx", input_taps=[0, 4], output_taps=0), True, False, 4),
    "jordan": (small("jordan"), True, False, math.inf),
    "elman": (small("elman"), True, False, math.inf),
    "rnn": (small("rnn"), True, True, math.inf),
    "brnn": (small("brnn"), False, True, math.inf),
    "tdnn windows": (small("tdnn", windows=[2, 4]), True, False, 6),
    "tdnn pool": (small("tdnn", windows=[2, 4], pool="sum"), True, False, math.inf),
    "narx in chunks": (small("narx", output_taps=[3], gradient=3), True, False, math.inf),
    "rnn blocked": (small("rnn", gradient="blocked", output_taps=2), True, False, math.inf),
    "elman in chunks": (small("elman", gradient=2), True, True, math.inf),
    "jordan full": (small("jordan", gradient="full"), True, True, math.inf),
    "jordan top-down": (small("jordan", kind="top_down"), True, False, math.inf),
    "memory": (small("memory"), True, True, math.inf),
    "memory blocked": (small("memory", gradient="blocked"), True, False, math.inf),
    "custom": (small("custom", boxes=["h"], arrows=["x->h", "x->h@3", "h->y"]), True, False, 3),
}


@pytest.mark.parametrize(("model", "causal", "true_recurrence", "reach"), FACTS.values(), ids=FACTS.keys())
def test_facts_of_the_polls(model, causal, true_recurrence, reach):
    net = model.build(I, O)
    assert (net.causal, net.true_recurrence, net.receptive_field) == (causal, true_recurrence, reach)


def test_every_model_found_has_its_facts_and_count_here():
    for table in (FACTS, COUNTS, TEXTBOOK):
        assert set(models.found()) <= {name.split()[0] for name in table}


def run(model, seed=0, **call):
    """Return x (T, I), the arrays by name, and y (T, O) of one sequence with random parameters."""
    rng = np.random.default_rng(seed)
    net = model.build(I, O, "sigmoid")
    params = random_parameters(net, rng)
    x = rng.normal(size=(T, 1, I))
    y = net.forward(params, x, **call)
    return x[:, 0], {name: np.array(value) for name, value in params.items()}, y[:, 0]


def test_mlp_is_its_equation():
    x, p, y = run(small("mlp"))
    expected = naive.mlp(x, p["x->h"], p["h.bias"], p["h->y"], p["y.bias"], sigma="sigmoid")[-1]
    np.testing.assert_allclose(y, expected, rtol=1e-12)


def test_tdnn_is_its_equation():
    x, p, y = run(small("tdnn", window=2))
    taps = [p["x->h"], p["x->h@1"], p["x->h@2"]]
    expected = naive.tdnn(x, taps, p["h.bias"], p["h->y"], p["y.bias"], sigma="sigmoid")[-1]
    np.testing.assert_allclose(y, expected, rtol=1e-12)


@pytest.mark.parametrize("loop", ["closed", "open"])
def test_narx_is_its_equation_in_both_loops(loop):
    teacher = np.random.default_rng(9).random((T, O)) if loop == "open" else None
    target = None if teacher is None else teacher[:, None].copy()
    x, p, y = run(small("narx", input_taps=1, output_taps=2), target=target, loop=loop)
    taps = [p["x->h"], p["x->h@1"]], [p["y->h@1"], p["y->h@2"]]
    expected = naive.narx(x, *taps, p["h.bias"], p["h->y"], p["y.bias"], sigma="sigmoid", teacher=teacher)[-1]
    np.testing.assert_allclose(y, expected, rtol=1e-12)


@pytest.mark.parametrize("average", [False, True])
def test_jordan_is_its_equation(average):
    x, p, y = run(small("jordan", mu=0.4, average=average))
    weights = p["x->h"], p["m->h"], p["h.bias"], p["h->y"], p["y.bias"]
    expected = naive.jordan(x, *weights, 0.4, average, sigma="sigmoid")[-1]
    np.testing.assert_allclose(y, expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["elman", "rnn"])
def test_elman_and_rnn_run_alike(name):
    x, p, y = run(small(name))
    weights = p["x->h"], p["h->h@1"], p["h.bias"], p["h->y"], p["y.bias"]
    np.testing.assert_allclose(y, naive.elman(x, *weights, sigma="sigmoid")[-1], rtol=1e-12)


def test_brnn_is_its_equation():
    x, p, y = run(small("brnn", initial="learned"))
    forward = [p["x->f"]], [p["f->f@1"]], [p["f.bias"]], [p["f.initial"][0]]
    backward = [p["x->b"]], [p["b->b@-1"]], [p["b.bias"]], [p["b.final"][0]]
    expected = naive.brnn(x, forward, backward, p["f->y"], p["b->y"], p["y.bias"], sigma="sigmoid")[-1]
    np.testing.assert_allclose(y, expected, rtol=1e-12)


def test_elman_learns_like_independent_steps_and_rnn_does_not():
    rng = np.random.default_rng(6)
    nets = [small(name).build(I, O) for name in ("elman", "rnn")]
    vector = random_parameters(nets[0], rng).vector
    x, target = rng.normal(size=(T, 1, I)), rng.normal(size=(T, 1, O))
    gradients = [net.loss_and_grad(net.parameters(vector), x, target, reduction="sum")[1] for net in nets]
    p = {name: np.array(value) for name, value in nets[0].parameters(vector).items()}
    weights = p["x->h"], p["h->h@1"], p["h.bias"], p["h->y"], p["y.bias"]
    y = naive.elman(x[:, 0], *weights)[-1]
    expected = naive.elman_gradient(x[:, 0], 2 * (y - target[:, 0]), *weights)
    for ours, theirs in {"x->h": "U", "h->h@1": "W", "h.bias": "b", "h->y": "V", "y.bias": "c"}.items():
        np.testing.assert_allclose(gradients[0][ours], expected[theirs], rtol=1e-10)
    assert np.abs(gradients[0]["h->h@1"] - gradients[1]["h->h@1"]).max() > 0.01
