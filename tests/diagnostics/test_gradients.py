"""dL/dh_t against the parameters' own gradients and finite differences; vanishing and exploding as powers."""

import numpy as np
import pytest

from rnnbench.diagnostics import gradient_norms, value_gradients
from tests import naive
from tests.diagnostics.networks import NETWORKS, drawn
from tests.network import textbook
from tests.network.comparing import described


class Nudged(naive.Pass):
    """A pass in which the value of one box at one step and sequence is larger by `nudge`.

    The nudge is part of the value, so what is recorded behind closed gates (the unnudged pass) is not.
    """

    place, nudge = None, 0.0

    def value(self, box, t, s):
        new = (box, t, s) not in self.remembered
        found = super().value(box, t, s)
        if new and (box, t, s) == self.place:
            self.remembered[box, t, s] = found = found + self.nudge
        return found


def by_nudging(net, params, x, target, loss, gates, **call):
    """dL/dv_t of every box, step, sequence and unit, by central differences: {box: (T, B, size)}."""
    description, parameters = described(net, params)
    known = {name: call.get(name) for name in ("weight", "lengths")}
    frozen = None
    if gates == "declared":
        frozen = naive.Pass(description, parameters, x, target=target, **call)
    found = {}
    for box in description["boxes"]:
        found[box["name"]] = np.zeros((*x.shape[:2], box["size"]))
        for t, s in np.ndindex(*x.shape[:2]):

            def function(nudge, place=(box["name"], t, s)):
                run = Nudged(description, parameters, x, target=target, frozen=frozen, **call)
                run.place, run.nudge = place, nudge
                return naive.divergence(loss, run.output(), target, **known)

            found[box["name"]][t, s] = naive.central_differences(function, np.zeros(box["size"]))
    return found


@pytest.mark.parametrize("gates", ["declared", "open"])
@pytest.mark.parametrize("name", NETWORKS)
def test_against_finite_differences(name, gates):
    net = NETWORKS[name]
    params, x, target = drawn(net, steps=5)
    weight = np.array([[0, 1], [0, 0], [1, 0.5], [0, 0], [2, 1]], float)
    found = value_gradients(net, params, x, target, weight=weight, gates=gates)
    slow = by_nudging(net, params, x, target, "mse", gates, weight=weight)
    assert list(found) == list(slow)
    for box in slow:
        np.testing.assert_allclose(found[box], slow[box], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("loop", ["open", 2])
@pytest.mark.parametrize("name", ["narx", "mixed", "jordan"])
def test_targets_that_are_fed_hide_the_outputs(name, loop):
    net = NETWORKS[name]
    params, x, target = drawn(net, steps=5)
    target[1, 0] = np.nan
    found = value_gradients(net, params, x, target, loop=loop)
    slow = by_nudging(net, params, x, target, "mse", "declared", loop=loop)
    for box in slow:
        np.testing.assert_allclose(found[box], slow[box], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("loss", "activation"), [("binary_cross_entropy", "sigmoid"), ("cross_entropy", "softmax")]
)
def test_the_entropies_ragged_sequences_and_one_hot_input(loss, activation):
    net = textbook.rnn(3, [4], 3, output=activation)
    params, _, _ = drawn(net)
    rng = np.random.default_rng(4)
    x, labels = rng.integers(0, 3, (5, 2)), rng.integers(0, 3, (5, 2))
    target = labels if loss == "cross_entropy" else rng.uniform(0, 1, (5, 2, 3))
    found = value_gradients(net, params, x, target, loss, lengths=[5, 3])
    slow = by_nudging(net, params, x, target, loss, "declared", lengths=[5, 3])
    for box in slow:
        np.testing.assert_allclose(found[box], slow[box], rtol=1e-6, atol=1e-8)
    assert not found["h"][3:, 1].any()


def test_a_carried_state_and_a_loss_of_ones_own():
    net = NETWORKS["narx"]
    params, x, target = drawn(net)
    _, state = net.forward(params, x, return_state=True)
    found = value_gradients(net, params, x, target, state=state)

    def half_loss(y, d):
        return float(((y - d) ** 2).sum() / 2), y - d

    own = value_gradients(net, params, x, target, half_loss, state=state)
    for box, gradient in found.items():
        np.testing.assert_allclose(own[box], gradient * target.size / 2, rtol=1e-10)
    assert abs(found["h"] - value_gradients(net, params, x, target)["h"]).max() > 1e-3


def test_the_bias_hears_the_sum_of_what_is_shown():
    net = textbook.rnn(2, [4], 1)
    params, x, target = drawn(net, steps=9)
    found = value_gradients(net, params, x, target)["h"]
    h = net.values(params, x)["h"]
    _, gradient = net.loss_and_grad(params, x, target)
    np.testing.assert_allclose((found * (1 - h**2)).sum(axis=(0, 1)), gradient["h.bias"], rtol=1e-10)


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_scaled_rotations_vanish_and_explode_as_powers(factor):
    net = textbook.rnn(2, [6], 1, activation="linear")
    params = net.init(0, np.float64, recurrent=f"orthogonal:{factor}")
    x = np.random.default_rng(0).normal(0, 1, (40, 3, 2))
    weight = np.zeros((40, 3))
    weight[-1] = 1
    norms = gradient_norms(net, params, x, np.zeros((40, 3, 1)), weight=weight)["h"]
    steps_back = np.arange(39, -1, -1)[:, None]
    np.testing.assert_allclose(norms, norms[-1] * factor**steps_back, rtol=1e-9)
    tanh = textbook.rnn(2, [6], 1)
    bent = gradient_norms(tanh, tanh.parameters(params.vector), x, np.zeros((40, 3, 1)), weight=weight)["h"]
    assert (bent[:-1] < bent[-1] * factor ** steps_back[:-1]).all()


def test_where_the_gradient_is_blocked_the_past_hears_nothing():
    net = textbook.elman(2, 4, 1)
    params, x, target = drawn(net, steps=8)
    weight = np.zeros((8, 2))
    weight[-1] = 1
    seen = gradient_norms(net, params, x, target, weight=weight)["h"]
    assert (seen[-1] > 0).all() and not seen[:-1].any()
    true = gradient_norms(net, params, x, target, weight=weight, gates="open")["h"]
    assert (true > 0).all()


def test_refusals():
    net = NETWORKS["rnn"]
    params, x, target = drawn(net)
    for wrong, what in (
        ({"loss": "mae"}, "loss='mae'"),
        ({"reduction": "max"}, "reduction=max: must be one of mean, sum"),
        ({"weight": np.zeros((6, 2))}, "no step is scored"),
    ):
        with pytest.raises(ValueError, match=what):
            value_gradients(net, params, x, target, **wrong)
