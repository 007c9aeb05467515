"""Shares and slopes counted by hand."""

import numpy as np
import pytest

from rnnbench.diagnostics import saturation
from rnnbench.network import Arrow, Box, Network


def one_layer(activation):
    net = Network([Box("h", 1, activation), Box("y", 1, "linear")], [Arrow("x", "h"), Arrow("h", "y")], 1)
    params = net.parameters(np.array([1.0, 0.0, 1.0, 0.0]))
    return net, params, np.array([0.0, 1.0, 10.0, -10.0]).reshape(4, 1, 1)


def test_what_is_flat():
    slope = 1 - np.tanh(1) ** 2
    logistic = 1 / (1 + np.exp(-1))
    for activation, share, derivative in (
        ("tanh", 0.5, (1 + slope) / 4),
        ("sigmoid", 0.5, (0.25 + logistic * (1 - logistic)) / 4),
        ("relu", 0.5, 0.5),
    ):
        (found,) = saturation(*one_layer(activation)).values()
        assert found.share == share
        assert found.derivative == pytest.approx(derivative, abs=1e-4)
    assert saturation(*one_layer("linear")) == {}


def test_threshold_and_padding():
    net, params, x = one_layer("tanh")
    assert saturation(net, params, x, threshold=0.5)["h"].share == 0.75
    assert saturation(net, params, x, lengths=[2])["h"].share == 0
    with pytest.raises(ValueError, match="threshold=1"):
        saturation(net, params, x, threshold=1)
