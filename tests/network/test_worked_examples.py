"""Seed 003's worked examples, hidden values and outputs to the digits printed in the notes."""

import numpy as np
import pytest

from tests.network import textbook

U = [[-1.0, 0.5, 0.2], [0.5, 0.1, -2.0]]


def fill(net, **arrays):
    """Parameters under names with "to" for "->" and "at" for "@" and "_" for "."."""
    params = net.parameters(np.full(net.n_parameters, np.nan))
    for name, a in arrays.items():
        params[name.replace("_to_", "->").replace("_at_", "@").replace("_", ".")][...] = a
    assert not np.isnan(params.vector).any()
    return params


def as_printed(values):
    """Two decimals."""
    return np.round(values, 2) + 0.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_example_1_hidden_recurrence(dtype):
    net = textbook.rnn(2, [3], 2, "sigmoid")
    params = fill(
        net,
        x_to_h=U,
        h_to_h_at_1=[[2.0, 1.3, -1.0], [1.5, 0.0, -0.5], [-0.2, 1.5, 0.4]],
        h_bias=[0.2, 0.2, 0.2],
        h_to_y=[[2.0, -1.0], [-1.5, 0.5], [0.2, 0.8]],
        y_bias=[0.5, 0.1],
    )
    params = net.parameters(params.vector.astype(dtype))
    x = np.array([[[1, 2]], [[-1, 1]], [[0, 3]], [[2, -1]]], dtype=dtype)
    values = net.values(params, x)
    h = [[0.2, 0.72, -1.0], [1.0, -0.89, -0.99], [0.99, 0.3, -1.0], [0.31, 0.71, 0.79]]
    y = [[0.41, 0.37], [0.97, 0.11], [0.86, 0.18], [0.55, 0.68]]
    np.testing.assert_array_equal(as_printed(values["h"][:, 0].astype(np.float64)), h)
    np.testing.assert_array_equal(as_printed(values["y"][:, 0].astype(np.float64)), y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_example_2_top_down_recurrence(dtype):
    """A batch of two. The notes print Y(1) in the line for H(3), but H(3)'s numbers come from Y(2)."""
    net = textbook.top_down(2, 3, 1, "sigmoid")
    params = fill(
        net,
        x_to_h=U,
        y_to_h_at_1=[[2.0, 1.3, -1.0]],
        h_bias=[0.2, 0.2, 0.2],
        h_to_y=[[2.0], [-1.5], [0.2]],
        y_bias=[0.1],
    )
    params = net.parameters(params.vector.astype(dtype))
    x = np.array([[[1, 2], [-1, 0]], [[-1, 1], [2, -1]], [[0, 3], [3, -1]]], dtype=dtype)
    values = net.values(params, x)
    h = [
        [[0.2, 0.72, -1.0], [0.83, -0.29, 0.0]],
        [[0.98, 0.21, -0.98], [-0.46, 0.98, 0.94]],
        [[1.0, 0.92, -1.0], [-1.0, 0.94, 0.99]],
    ]
    y = [[0.31, 0.90], [0.83, 0.11], [0.63, 0.04]]
    np.testing.assert_array_equal(as_printed(values["h"].astype(np.float64)), h)
    np.testing.assert_array_equal(as_printed(values["y"][..., 0].astype(np.float64)), y)
    y1, y2 = values["y"][0, :, 0], values["y"][1, :, 0]
    with_y1, with_y2 = (np.tanh(x[2] @ U + np.outer(y, [2.0, 1.3, -1.0]) + 0.2) for y in (y1, y2))
    np.testing.assert_allclose(values["h"][2], with_y2, rtol=1e-5)
    assert np.abs(as_printed(with_y1) - h[2]).max() > 0.01
