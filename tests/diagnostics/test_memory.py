"""Memory capacity: N for a delay line of N units, never more than the units, nothing without memory."""

import numpy as np
import pytest

from rnnbench.diagnostics import memory_capacity
from rnnbench.network import Arrow, Box, Network
from tests.diagnostics.networks import NETWORKS, drawn
from tests.network import textbook


def delay_line(n):
    boxes = [Box(f"d{k}", 1, "linear", bias=False) for k in range(1, n + 1)]
    arrows = [Arrow(f"d{k - 1}" if k > 1 else "x", f"d{k}", 1, weight=1.0) for k in range(1, n + 1)]
    return Network([*boxes, Box("y", 1, "linear")], [*arrows, Arrow(f"d{n}", "y")], 1)


@pytest.mark.parametrize("n", [1, 5, 20])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_delay_line_of_n_units_remembers_n_steps(n, dtype):
    net = delay_line(n)
    found = memory_capacity(net, net.init(0, dtype))
    assert found.units == n
    assert found.total == pytest.approx(n, abs=1e-9)
    np.testing.assert_allclose(found.by_lag[1 : n + 1], 1, atol=1e-9)
    np.testing.assert_allclose(np.delete(found.by_lag, np.s_[1 : n + 1]), 0, atol=1e-9)


def test_a_linear_ring_holds_as_much_as_it_has_units():
    net = textbook.rnn(1, [8], 1, activation="linear")
    params = net.init(3, np.float64, recurrent="orthogonal:0.9")
    found = memory_capacity(net, params, max_lag=80)
    # The present takes one of its eight dimensions, in part.
    assert 6.5 < found.total <= 8
    assert found.total + found.by_lag[0] == pytest.approx(8, abs=0.1)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "brnn"])
def test_never_more_than_the_units(name):
    net = NETWORKS[name]
    for seed in range(3):
        params, _, _ = drawn(net, seed, scale=1.0)
        found = memory_capacity(net, params, steps=400)
        assert 0 <= found.total <= found.units
        assert (found.by_lag <= 1).all()


def test_no_memory_no_capacity():
    net = NETWORKS["mlp"]
    found = memory_capacity(net, drawn(net)[0])
    assert found.by_lag[0] > 0.9 and found.total < 0.02


def test_larger_inputs_bend_the_units_and_cost_memory():
    net = textbook.rnn(1, [10], 1)
    params = net.init(0, np.float64, recurrent="orthogonal:0.95")
    gentle, strong = (memory_capacity(net, params, scale=scale).total for scale in (0.01, 5.0))
    assert gentle > 7 > 2 * strong > 0


def test_a_tdnn_read_at_its_output_and_at_its_layer():
    net = textbook.tdnn(2, 5, 1, window=3)
    params, _, _ = drawn(net, scale=0.1)
    assert memory_capacity(net, params).total == pytest.approx(3, abs=1e-3)
    output = memory_capacity(net, params, boxes=["y"], channel=1)
    assert output.units == 1 and 0 < output.total <= 1
    assert memory_capacity(net, params, boxes=["y"], channel=1).by_lag.tolist() == output.by_lag.tolist()


def test_a_network_that_runs_away_has_none():
    net = textbook.rnn(1, [2], 1, activation="linear")
    params = net.init(0, np.float32, recurrent="identity:10")
    assert np.isnan(memory_capacity(net, params).total)


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"boxes": ["q"]}, "'q' is no box"),
        ({"channel": 2}, "channel=2"),
        ({"scale": 0}, "scale=0"),
        ({"max_lag": 0}, "max_lag=0"),
        ({"steps": 59}, "steps=59: must be at least 60"),
    ],
)
def test_refusals(wrong, what):
    net = NETWORKS["rnn"]
    with pytest.raises(ValueError, match=what):
        memory_capacity(net, drawn(net)[0], **wrong)
