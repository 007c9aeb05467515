"""Drawing symbols: the probabilities themselves at temperature 1, the most probable one at 0."""

import numpy as np
import pytest
from scipy import stats

from rnnbench.network import Arrow, Box, Network
from rnnbench.network.generation import chooser, sample
from tests.network import textbook
from tests.network.comparing import random_parameters

P = np.array([0.5, 0.25, 0.15, 0.07, 0.03])
DRAWS = 20_000


def rng(seed=0):
    return np.random.default_rng(seed)


def constant_net(p):
    """A network whose output is `p` whatever it reads."""
    net = Network([Box("y", len(p), "softmax")], [Arrow("x", "y")], n_in=len(p))
    params = net.parameters(np.zeros(net.n_parameters))
    params["y.bias"][...] = np.log(p)
    return net, params


@pytest.mark.parametrize("temperature", [0.5, 0.8, 1.0, 2.0])
def test_frequencies_are_those_of_a_softmax_of_z_over_the_temperature(temperature):
    net, params = constant_net(P)
    prefix = np.zeros((1, DRAWS), np.int64)
    drawn = net.generate(params, prefix, 1, f"sample:{temperature}", rng())[0]
    expected = np.exp(np.log(P) / temperature)
    expected *= DRAWS / expected.sum()
    assert stats.chisquare(np.bincount(drawn, minlength=5), expected).pvalue > 0.01
    other = {0.5: 1.0, 0.8: 1.0, 1.0: 0.8, 2.0: 1.0}[temperature]
    wrong = np.exp(np.log(P) / other)
    wrong *= DRAWS / wrong.sum()
    assert stats.chisquare(np.bincount(drawn, minlength=5), wrong).pvalue < 1e-6


def test_successive_symbols_follow_the_conditional_probabilities():
    """A Markov chain: the pairs that are written have the probabilities of its table."""
    table = np.array([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3], [0.25, 0.25, 0.5]])
    net = Network([Box("y", 3, "softmax")], [Arrow("x", "y")], n_in=3)
    params = net.parameters(np.zeros(net.n_parameters))
    params["x->y"][...] = np.log(table)
    text = net.generate(params, np.zeros((1, 1), np.int64), 6000, "sample:1", rng(1))[:, 0]
    pairs = np.zeros((3, 3))
    np.add.at(pairs, (text[:-1], text[1:]), 1.0)
    for row, p in zip(pairs, table, strict=True):
        assert stats.chisquare(row, p * row.sum()).pvalue > 0.01


def test_the_same_seed_writes_the_same():
    net = textbook.rnn(5, [6], 5, "softmax")
    params, prefix = random_parameters(net, rng(4), 2.0), rng(5).integers(0, 5, (3, 4))
    texts = [net.generate(params, prefix, 20, "sample:0.7", rng(seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(texts[0], texts[1])
    assert (texts[0] != texts[2]).any()


def test_temperature_0_is_argmax_and_low_ones_come_to_it():
    net = textbook.rnn(5, [6], 5, "softmax")
    params, prefix = random_parameters(net, rng(4), 2.0), rng(5).integers(0, 5, (3, 4))
    expected = net.generate(params, prefix, 20, "argmax")
    np.testing.assert_array_equal(net.generate(params, prefix, 20, "sample:0"), expected)
    for temperature in ("1e-6", "1e-300"):
        found = net.generate(params, prefix, 20, f"sample:{temperature}", rng())
        np.testing.assert_array_equal(found, expected)


def test_temperature_1_draws_as_without_one():
    y = rng(2).dirichlet(np.ones(7), size=500).astype(np.float32)
    np.testing.assert_array_equal(sample(y, rng()), chooser("sample:1.0", None)(y, rng()))


def test_a_symbol_of_probability_0_is_never_drawn():
    y = np.tile(np.array([0.0, 0.7, 0.0, 0.3, 0.0], np.float32), (2000, 1))
    for temperature in (0.1, 1.0, 1e6):
        assert set(sample(y, rng(), temperature)) <= {1, 3}
    assert set(sample(y, rng(), 1e6)) == {1, 3}
    small = np.tile(np.array([1e-38, 3e-38], np.float32), (2000, 1))
    assert set(sample(small, rng(), 0.05)) == {1}, "(1 / 3) ** 20; both powers alone are below every double"


@pytest.mark.parametrize("feed", ["sample:", "sample:-1", "sample:nan", "sample:inf", "sample:warm"])
def test_temperatures_that_are_none_are_refused(feed):
    with pytest.raises(ValueError, match=r"^feed='sample:.*: the temperature must be a finite number of at"):
        chooser(feed, None)


@pytest.mark.parametrize("feed", ["argmax:1", "output:", "samples:1", "", 3, None])
def test_other_names_are_refused(feed):
    with pytest.raises(ValueError, match=r"^feed=.*must be a function .* sample:TEMPERATURE$"):
        chooser(feed, None)


def test_drawing_needs_a_generator():
    net, params = constant_net(P)
    with pytest.raises(ValueError, match=r"^feed='sample': needs rng"):
        net.generate(params, np.zeros((1, 1), np.int64), 1, "sample:0.5")
