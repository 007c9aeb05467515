"""Spectral radii against numpy.linalg on matrices written out by hand."""

import numpy as np
import pytest

from rnnbench.diagnostics import companion, spectral_radius
from rnnbench.network import Arrow, Box, Network
from tests.diagnostics.networks import NETWORKS, drawn
from tests.network import textbook


def radius(matrix):
    return np.abs(np.linalg.eigvals(matrix)).max()


def test_a_layer_is_its_recurrent_matrix():
    net = textbook.elman(2, 5, 1)
    params, _, _ = drawn(net)
    assert spectral_radius(net, params) == {
        "h": pytest.approx(radius(params["h->h@1"]), rel=1e-12),
        "all": pytest.approx(radius(params["h->h@1"]), rel=1e-12),
    }
    rotation = net.init(0, np.float64, recurrent="orthogonal:0.9")
    assert spectral_radius(net, rotation)["h"] == pytest.approx(0.9)


def test_no_loop_no_radius():
    for name in ("mlp", "tdnn"):
        assert spectral_radius(NETWORKS[name], drawn(NETWORKS[name])[0]) == {"all": 0.0}


def test_the_second_order_recurrence_of_the_notes():
    net = textbook.rnn(1, [1], 1, order=2, activation="linear")
    params = net.parameters(np.zeros(net.n_parameters))
    # Poles of a damped oscillation of period 8.
    params["h->h@1"], params["h->h@2"] = [[2 * 0.95 * np.cos(np.pi / 4)]], [[-(0.95**2)]]
    assert spectral_radius(net, params)["h"] == pytest.approx(0.95)
    expected = [[2 * 0.95 * np.cos(np.pi / 4), 1], [-(0.95**2), 0]]
    np.testing.assert_allclose(companion(net, params, ["h"]), expected)


def test_narx_turns_through_its_output():
    net = textbook.narx(2, 4, 2, input_taps=1, output_taps=3)
    params, _, _ = drawn(net)
    back = [params[f"y->h@{k}"] @ params["h->y"] for k in (1, 2, 3)]
    zero, one = np.zeros((2, 2)), np.eye(2)
    by_hand = np.block([[back[0], one, zero], [back[1], zero, one], [back[2], zero, zero]])
    np.testing.assert_allclose(companion(net, params, ["h", "y"]), by_hand)
    assert spectral_radius(net, params)["h.y"] == pytest.approx(radius(by_hand))


def test_a_jordan_memory():
    net = textbook.jordan(2, 4, 1, mu=0.7)
    params, _, _ = drawn(net)
    around = (params["m->h"] @ params["h->y"])[0, 0]
    # m_t = mu m_{t-1} + y_{t-1} and y_t = around * m_t.
    assert spectral_radius(net, params)["m.h.y"] == pytest.approx(abs(0.7 + around))
    params["m->h"][:] = 0
    assert spectral_radius(net, params)["m.h.y"] == pytest.approx(0.7)


def test_several_loops_each_by_its_name_the_future_too():
    net = NETWORKS["brnn"]
    params, _, _ = drawn(net)
    found = spectral_radius(net, params)
    assert found["f"] == pytest.approx(radius(params["f->f@1"]))
    assert found["b"] == pytest.approx(radius(params["b->b@-1"]))
    assert found["all"] == max(found["f"], found["b"])


def test_a_delay_line_forgets_and_a_ring_does_not():
    names = ["a", "b", "c"]
    line = [Arrow("x", "a"), Arrow("a", "b", 1, weight=1.0), Arrow("b", "c", 1, weight=1.0)]
    boxes = [Box(name, 2, "linear", bias=False) for name in names]
    net = Network(boxes, line, 2, output="c")
    params = net.init(0, np.float64)
    assert radius(companion(net, params, names)) == 0
    assert spectral_radius(net, params) == {"all": 0.0}
    ring = Network(boxes, [*line, Arrow("c", "a", 1, weight=0.5)], 2, output="c")
    assert spectral_radius(ring, ring.init(0, np.float64))["a.b.c"] == pytest.approx(0.5 ** (1 / 3))


def test_it_foretells_the_free_run_of_a_linear_network():
    net = textbook.narx(1, 3, 2, input_taps=0, output_taps=2)
    boxes = [Box("h", 3, "linear", bias=False), Box("y", 2, "linear", bias=False)]
    net = Network(boxes, net.arrows, 1)
    params, _, _ = drawn(net)
    x = np.zeros((400, 1, 1))
    x[0] = 1
    y = np.linalg.norm(net.forward(params, x)[:, 0], axis=1)
    growth = np.polyfit(np.arange(300, 400), np.log(y[300:]), 1)[0]
    assert np.exp(growth) == pytest.approx(spectral_radius(net, params)["h.y"], rel=2e-3)


def test_weights_that_are_no_numbers():
    net = textbook.elman(1, 2, 1)
    params = net.parameters(np.full(net.n_parameters, np.nan))
    assert np.isnan(spectral_radius(net, params)["h"])
