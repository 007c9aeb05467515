"""Each planted bug breaks a contract of models, which is named.

The built-in models are checked in tests/models.
"""

import json
from dataclasses import dataclass, field
from itertools import count
from typing import ClassVar

import numpy as np
import pytest

from rnnbench.checking import check_model, reference
from rnnbench.network import Arrow, Box, Network
from tests import naive
from tests.network import textbook
from tests.network.comparing import described, random_parameters


@pytest.mark.parametrize("name", ["tdnn", "narx", "jordan", "rnn_order_2", "brnn", "top_down_softmax"])
def test_the_reference_agrees_with_the_oracle_of_the_tests(name):
    net = textbook.every()[name]
    rng = np.random.default_rng(0)
    params = random_parameters(net, rng)
    assert_equal_to_the_oracle(
        net, params, rng.normal(size=(5, 2, net.n_in)), rng.normal(size=(5, 2, net.n_out))
    )


@pytest.mark.parametrize("chunk", [1, 2, 3])
@pytest.mark.parametrize("lag", [1, 2, -1])
def test_the_reference_has_the_gates_of_the_oracle(lag, chunk):
    arrows = [Arrow("x", "h"), Arrow("h", "h", lag, cut_every=chunk), Arrow("h", "y")]
    net = Network([Box("h", 2), Box("y", 1, "linear")], arrows, 1, initial="learned")
    rng = np.random.default_rng(1)
    params = random_parameters(net, rng)
    assert_equal_to_the_oracle(net, params, rng.normal(size=(7, 2, 1)), rng.normal(size=(7, 2, 1)))


def assert_equal_to_the_oracle(net, params, x, dy):
    """Compare outputs and differences of the reference with the oracle's."""
    description, arrays = described(net, params)
    expected = naive.Pass(description, arrays, x).output()
    np.testing.assert_allclose(reference.Pass(net, arrays, x).outputs(), expected, rtol=1e-11, atol=1e-13)
    elements = {name: np.eye(a.size).reshape(a.size, *a.shape) for name, a in arrays.items()}
    found = reference.slopes(net, arrays, x, dy, elements)
    oracle = naive.gate_gradients(description, arrays, x, lambda y: (y * dy).sum(axis=(-3, -2, -1)))
    for name, gradient in oracle.items():
        np.testing.assert_allclose(found[name], gradient.ravel(), rtol=1e-5, atol=1e-7)


class Sound:
    """What the planted bugs are planted in."""

    VERSION: ClassVar[int] = 1
    network: ClassVar[type] = Network

    def arrows(self):
        return [Arrow("x", "h"), Arrow("h", "h", lag=1), Arrow("h", "y")]

    def build(self, n_in, n_out, output_activation="linear"):
        boxes = [Box("h", self.hidden), Box("y", n_out, output_activation)]
        return self.network(boxes, self.arrows(), n_in)


def broken(check=None, **members):
    """Return a model whose networks (or the model itself) have other members."""

    @dataclass
    class Model(Sound):
        hidden: int = 3

    if check:
        setattr(Model, check.__name__, check)
    if members:
        Model.network = type("Broken", (Network,), members)
    return Model()


def failures(model):
    return {f.contract: f.note for f in check_model(model) if not f.holds}


def test_the_model_without_a_bug_is_sound():
    assert failures(broken()) == {}


def test_a_gradient_that_misses_an_array():
    def backward(self, *given, **call):
        gradient, dx, dstate = Network.backward(self, *given, **call)
        gradient["h->h@1"][...] *= 0.5
        return gradient, dx, dstate

    found = failures(broken(backward=backward))
    assert "h->h@1" in found["gradient"] and "central differences" in found["gradient"]
    assert set(found) == {"gradient"}


def test_a_gradient_that_passes_a_gate():
    def arrows(self):
        return [Arrow("x", "h"), Arrow("h", "h", lag=1, cut_every=1), Arrow("h", "y")]

    def backward(self, *given, **call):
        return Network.backward(self, *given, **{**call, "gates": "open"})

    assert "gradient" in failures(broken(arrows, backward=backward))


def test_a_loss_gradient_of_its_own():
    def loss_and_grad(self, *given, **call):
        value, gradient = Network.loss_and_grad(self, *given, **call)
        gradient.vector[:] *= 2.0
        return value, gradient

    assert "disagree" in failures(broken(loss_and_grad=loss_and_grad))["gradient"]


def test_outputs_that_are_not_those_of_the_arrows():
    def forward(self, *given, **call):
        found = Network.forward(self, *given, **call)
        return (found[0] + 1, found[1]) if call.get("return_state") else found + 1

    assert "boxes and arrows" in failures(broken(forward=forward))["values"]


def test_a_network_that_claims_to_be_causal():
    def arrows(self):
        return [Arrow("x", "h"), Arrow("x", "h", lag=-1), Arrow("h", "y")]

    found = failures(broken(arrows, causal=property(lambda self: True)))
    assert found["causality"] == "net.causal is True, but outputs change with later inputs"


def test_a_network_that_claims_to_read_the_future():
    found = failures(broken(causal=property(lambda self: False)))
    assert "no output changes with later inputs" in found["causality"]


@pytest.mark.parametrize(
    ("claimed", "said"), [(1, "see inputs 2 steps away"), (5, "see inputs 2 steps away and no further")]
)
def test_a_receptive_field_that_is_not_so(claimed, said):
    def arrows(self):
        return [Arrow("x", "h"), Arrow("x", "h", lag=2), Arrow("h", "y")]

    found = failures(broken(arrows, receptive_field=property(lambda self: claimed)))
    assert said in found["reach"]


@pytest.mark.parametrize("lag", [9, -9])
def test_long_lags_are_seen(lag):
    def arrows(self):
        return [Arrow("x", "h"), Arrow("h", "h", lag), Arrow("h", "y")]

    assert failures(broken(arrows)) == {}
    claimed = failures(broken(arrows, causal=property(lambda self: lag < 0)))
    assert "causality" in claimed


def test_a_model_that_must_be_wide():
    def __post_init__(self):
        if self.hidden < 5:
            raise ValueError(f"model.hidden={self.hidden}: must be at least 5")

    @dataclass
    class Model(Sound):
        hidden: int = 6

    Model.__post_init__ = __post_init__
    assert failures(Model()) == {}


def test_initial_weights_from_another_source_of_chance():
    chance = count(7)
    found = failures(broken(init=lambda self, seed=0, **given: Network.init(self, next(chance), **given)))
    assert "initial weights of one seed differ" in found["determinism"]


def test_lengths_that_are_not_read():
    def forward(self, *given, lengths=None, **call):
        return Network.forward(self, *given, **call)

    def arrows(self):
        return [Arrow("x", "h"), Arrow("h", "h", lag=-1), Arrow("h", "y")]

    assert "in a longer batch" in failures(broken(arrows, forward=forward))["padding"]


def test_a_state_that_is_lost_between_steps():
    def step(self, params, state, x_t):
        return Network.step(self, params, None, x_t)

    assert "net.step differs from net.forward at step 1" in failures(broken(step=step))["steps"]


def test_sizes_that_are_not_the_tasks():
    def build(self, n_in, n_out, output_activation="linear"):
        return Sound.build(self, n_in, 2, output_activation)

    assert "has 1 inputs and 2 outputs; expected 1 and 1" in failures(broken(build))["build"]


def test_an_output_activation_that_is_ignored():
    def build(self, n_in, n_out, output_activation="linear"):
        return Sound.build(self, n_in, n_out)

    assert "its output y is linear; expected softmax" in failures(broken(build))["build"]


def test_a_build_that_fails_is_named_with_its_place():
    def build(self, n_in, n_out, output_activation="linear"):
        return self.nothing

    found = failures(broken(build))
    assert "AttributeError" in found["build"] and "test_model.py, line" in found["build"]
    assert "settings" in found  # the senseless width ends in the same error, not in a ValueError


def test_a_build_that_returns_nothing():
    def build(self, n_in, n_out, output_activation="linear"):
        return None

    assert "returns a NoneType, not a Network" in failures(broken(build))["build"]


def test_a_build_that_changes():
    widths = count(3)

    def build(self, n_in, n_out, output_activation="linear"):
        boxes = [Box("h", next(widths)), Box("y", n_out, output_activation)]
        return Network(boxes, self.arrows(), n_in)

    assert "differs from one call to the next" in failures(broken(build))["build"]


def test_defaults_that_change():
    widths = count(3)

    @dataclass
    class Model(Sound):
        hidden: int = field(default_factory=lambda: next(widths))

    assert "not equal" in failures(Model())["settings"]


def test_findings_are_plain():
    findings = check_model(broken())
    assert all(str(f).startswith("ok ") and "\n" not in str(f) for f in findings)
    json.dumps([f._asdict() for f in findings])
