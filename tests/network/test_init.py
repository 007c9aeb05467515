"""Initial weights: schemes, what counts as recurrent, and one random stream per array, keyed by its name."""

import numpy as np
import pytest

from rnnbench.network import Arrow, Box, Network
from tests.network import textbook

H = 60


def net_with(*more_boxes, more_arrows=()):
    """An RNN wide enough for statistics."""
    boxes = [Box("h", H), *more_boxes, Box("y", 40, "linear")]
    return Network(boxes, [Arrow("x", "h"), Arrow("h", "h", lag=1), Arrow("h", "y"), *more_arrows], n_in=30)


def test_dtype_and_repeatability():
    net = net_with()
    assert net.init().vector.dtype == np.float32
    assert net.init(dtype=np.float64).vector.dtype == np.float64
    np.testing.assert_array_equal(net.init(4).vector, net.init(4).vector)
    np.testing.assert_array_equal(net.init(4).vector, net.init(4, dtype=np.float64).vector.astype(np.float32))
    assert (net.init(4)["x->h"] != net.init(5)["x->h"]).all()
    sequence = np.random.SeedSequence(4)
    np.testing.assert_array_equal(net.init(sequence).vector, net.init(np.random.SeedSequence(4)).vector)
    np.testing.assert_array_equal(net.init(sequence).vector, net.init(sequence).vector)


def test_defaults_are_glorot_orthogonal_glorot_and_zero():
    params = net_with().init(0, dtype=np.float64)
    for name, bound in {"x->h": np.sqrt(6 / (30 + H)), "h->y": np.sqrt(6 / (H + 40))}.items():
        assert 0.95 * bound < np.abs(params[name]).max() <= bound
        assert abs(params[name].mean()) < 0.1 * bound
    np.testing.assert_allclose(params["h->h@1"] @ params["h->h@1"].T, np.eye(H), atol=1e-10)
    assert not params["h.bias"].any() and not params["y.bias"].any()


@pytest.mark.parametrize("role, name", [("input", "x->h"), ("recurrent", "h->h@1"), ("output", "h->y")])
def test_schemes(role, name):
    def drawn(scheme, **other):
        others = dict.fromkeys(("input", "recurrent", "output"), "uniform:0.001") | {role: scheme} | other
        params = net_with().init(0, dtype=np.float64, **others)
        assert all(np.abs(params[n]).max() <= 0.001 for n in ("x->h", "h->h@1", "h->y") if n != name)
        return params[name]

    w = drawn("uniform:0.3")
    assert 0.28 < np.abs(w).max() <= 0.3 and abs(w.std() - 0.3 / np.sqrt(3)) < 0.02
    w = drawn("normal:0.3")
    assert abs(w.std() - 0.3) < 0.02 and np.abs(w).max() > 0.75
    # seed 003, Example 3: standard deviation 1/sqrt(n_in), nothing beyond two of them
    w = drawn("truncated_normal")
    bound = 2 / np.sqrt(w.shape[0])
    assert 0.9 * bound < np.abs(w).max() <= bound
    w = drawn("orthogonal:0.5")
    gram = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    np.testing.assert_allclose(gram, 0.25 * np.eye(len(gram)), atol=1e-10)


def test_schemes_of_square_arrays():
    net = net_with()
    np.testing.assert_array_equal(net.init(0, recurrent="identity:1.0")["h->h@1"], np.eye(H))
    np.testing.assert_array_equal(net.init(0, recurrent="identity:0.5")["h->h@1"], 0.5 * np.eye(H))
    w = net.init(0, dtype=np.float64, recurrent="spectral_radius:0.95")["h->h@1"]
    np.testing.assert_allclose(np.abs(np.linalg.eigvals(w)).max(), 0.95, rtol=1e-9)


def test_bias():
    params = net_with().init(0, bias=0.25)
    assert (params["h.bias"] == 0.25).all() and (params["y.bias"] == 0.25).all()


@pytest.mark.parametrize(
    "keywords", [{"input": "nobody"}, {"recurrent": "uniform:abc"}, {"output": "orthogonal:-"}]
)
def test_unknown_schemes_are_refused(keywords):
    with pytest.raises(ValueError, match=next(iter(keywords.values()))):
        net_with().init(0, **keywords)


def test_adding_a_box_leaves_the_other_arrays_as_they_were():
    plain = net_with().init(7)
    extended = net_with(Box("g", 3), more_arrows=[Arrow("x", "g"), Arrow("g", "y")]).init(7)
    for name in ("x->h", "h->h@1", "h.bias", "y.bias"):
        np.testing.assert_array_equal(extended[name], plain[name], err_msg=name)
    # y has more incoming weights now, which Glorot's bound counts: the draw is the same but for its scale
    scale = extended["h->y"] / plain["h->y"]
    np.testing.assert_allclose(scale, scale[0, 0], rtol=1e-5)
    names = ["x->h", "h->h@1", "h->y"]
    for one, other in [(0, 1), (0, 2), (1, 2)]:
        a, b = plain[names[one]].ravel()[:500], plain[names[other]].ravel()[:500]
        assert abs(np.corrcoef(a, b)[0, 1]) < 0.2, "arrays share a stream"


def test_recurrent_is_what_lies_inside_a_cycle_of_the_closed_loop():
    net = textbook.narx(4, 4, 4, input_taps=0, output_taps=1)
    params = net.init(0, input="uniform:0.001", recurrent="identity:1", output="uniform:0.001")
    np.testing.assert_array_equal(params["y->h@1"], np.eye(4))
    np.testing.assert_array_equal(params["h->y"], np.eye(4))
    assert np.abs(params["x->h"]).max() <= 0.001
    stacked = textbook.rnn(4, [4, 4], 4).init(
        0, input="uniform:0.001", recurrent="identity:1", output="uniform:0.01"
    )
    np.testing.assert_array_equal(stacked["h2->h2@1"], np.eye(4))
    assert np.abs(stacked["h1->h2"]).max() <= 0.01


def test_initial_values_start_finite_and_float32_is_float64_rounded():
    params = textbook.rnn(2, [3], 1, initial="learned", order=2).init(0)
    assert params["h.initial"].shape == (2, 3) and np.isfinite(params.vector).all()
