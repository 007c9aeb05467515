"""Elementary functions and activations: accuracy over the whole range, infinities, NaN, and derivatives."""

import numpy as np
import pytest

from rnnbench.kernels import tables
from rnnbench.kernels.activations import activate, pull_back
from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.elementary import exp
from tests import naive

CODES = {
    "linear": tables.LINEAR, "tanh": tables.TANH, "sigmoid": tables.SIGMOID, "relu": tables.RELU,
    "square": tables.SQUARE, "softmax": tables.SOFTMAX,
}  # fmt: skip
BOTH = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@kernel
def exponentials(x, out):
    """Apply the kernels' exp to a vector."""
    for i in range(x.size):
        out[i] = exp(x[i])


def over_the_range(dtype, low, high, n=200_001):
    """Spread points between two ends, and near zero of both signs down to the smallest normal."""
    tiny = np.geomspace(np.finfo(dtype).tiny, 1, 2001)
    return np.concatenate([np.linspace(low, high, n), tiny, -tiny]).astype(dtype)


def relative_error(found, reference):
    """Largest relative error, in units of the type's epsilon, where the exact result is a normal number."""
    info = np.finfo(found.dtype)
    normal = (np.abs(reference) >= info.tiny) & (np.abs(reference) <= info.max)
    assert normal.sum() > 1000
    return float(np.max(np.abs((found - reference)[normal] / reference[normal])) / info.eps)


def precise(dtype):
    """A type with more digits; for float64 only some machines have one, the others get half a digit less."""
    return np.float64 if dtype == np.float32 else np.longdouble


def applied(name, z):
    """A copy of ``z`` after the compiled activation."""
    z = z.copy()
    activate(CODES[name], z, z.shape[1])
    return z


@BOTH
def test_exp(dtype):
    x = over_the_range(dtype, *((-87, 88) if dtype == np.float32 else (-708, 709)))
    found = np.empty_like(x)
    exponentials(x, found)
    assert relative_error(found, np.exp(x.astype(precise(dtype)))) < 2
    ends = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1e4, -1e4], dtype=dtype)
    found = np.empty_like(ends)
    exponentials(ends, found)
    np.testing.assert_array_equal(found, [np.inf, 0, np.nan, 1, 1, np.inf, 0])


@BOTH
def test_tanh(dtype):
    x = over_the_range(dtype, -12, 12)
    found = applied("tanh", x[:, None])[:, 0]
    assert relative_error(found, np.tanh(x.astype(precise(dtype)))) < 4
    assert np.abs(found).max() <= 1
    ends = np.array([[np.inf, -np.inf, np.nan, 0.0, 500, -500]], dtype=dtype)
    np.testing.assert_array_equal(applied("tanh", ends), [[1, -1, np.nan, 0, 1, -1]])
    np.testing.assert_array_equal(applied("tanh", -x[None]), -found[None])


@BOTH
def test_sigmoid(dtype):
    x = over_the_range(dtype, *((-87, 87) if dtype == np.float32 else (-708, 708)))
    found = applied("sigmoid", x[:, None])[:, 0]
    assert relative_error(found, 1 / (1 + np.exp(-x.astype(precise(dtype))))) < 4
    ends = np.array([[np.inf, -np.inf, np.nan, 0.0, 1e4, -1e4]], dtype=dtype)
    np.testing.assert_array_equal(applied("sigmoid", ends), [[1, 0, np.nan, 0.5, 1, 0]])


def everywhere():
    """Return float32 of both signs: 110 000 from the least denormal to 16, and all near the switch points."""
    steps = np.arange(1, np.float32(16).view(np.int32), 9973, dtype=np.int32)
    halves = np.log(2) / 4 * np.arange(1, 256, 2)
    switches = np.concatenate(
        [halves, 2 * halves, [8.5, 9.0, 20.0, 87.34, 87.7, 88.0], 2.0 ** np.arange(-13, 4)]
    )
    near = switches.astype(np.float32).view(np.int32)[:, None] + np.arange(-50, 51, dtype=np.int32)
    positive = np.concatenate([steps, near.ravel()]).view(np.float32)
    return np.concatenate([positive, -positive])


@pytest.mark.parametrize(("name", "exact"), [("tanh", np.tanh), ("sigmoid", lambda x: 1 / (1 + np.exp(-x)))])
def test_float32_to_the_last_digits(name, exact):
    x = everywhere()
    found, reference = applied(name, x[None])[0], exact(x.astype(np.float64))
    normal = np.abs(reference) >= np.finfo(np.float32).tiny
    # Units in the last place, which are half an epsilon just below 1.
    place = np.exp2(np.floor(np.log2(np.abs(reference[normal]))) - 23)
    assert np.max(np.abs(found[normal] - reference[normal]) / place) < 3
    np.testing.assert_allclose(found[~normal], reference[~normal], rtol=0, atol=2**-126.5)
    assert np.abs(found).max() == 1
    if name == "tanh":
        half = x.size // 2
        np.testing.assert_array_equal(found[:half], -found[half:])
        small = np.abs(x) < 1e-4
        np.testing.assert_array_equal(found[small], x[small])
        assert (found[x >= 9.02] == 1).all()
    else:
        assert found.min() == 0


@BOTH
@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_an_element_is_the_same_wherever_it_stands(name, dtype):
    x = np.random.default_rng(2).normal(0, 2, 100).astype(dtype)
    alone = np.array([applied(name, x[i : i + 1, None])[0, 0] for i in range(x.size)])
    for first in range(17):
        for size in (1, 3, 8, 15, 16, 17, 40, 67, 83):
            row = x[None, first : first + size]
            np.testing.assert_array_equal(applied(name, row)[0], alone[first : first + size])


@BOTH
def test_relu_square_and_linear(dtype):
    z = np.array([[-2.0, -0.0, 0.0, 3.0, np.inf, -np.inf, np.nan]], dtype=dtype)
    np.testing.assert_array_equal(applied("relu", z), [[0, 0, 0, 3, np.inf, 0, np.nan]])
    np.testing.assert_array_equal(applied("square", z), [[4, 0, 0, 9, np.inf, np.inf, np.nan]])
    np.testing.assert_array_equal(applied("linear", z), z)


@BOTH
def test_softmax(dtype):
    z = np.random.default_rng(0).normal(0, 5, (200, 7)).astype(dtype)
    found = applied("softmax", z)
    np.testing.assert_allclose(
        found, naive.softmax(z.astype(precise(dtype))).astype(float), rtol=20 * np.finfo(dtype).eps
    )
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=4 * np.finfo(dtype).eps)
    large = np.array([[1e4, 0.0, 1e4], [-1e4, -1e4, -1e4], [-1e4, 1e4, -np.inf]], dtype=dtype)
    np.testing.assert_allclose(applied("softmax", large), [[0.5, 0, 0.5], [1 / 3] * 3, [0, 1, 0]], rtol=1e-6)
    for position in range(3):
        row = np.zeros((1, 3), dtype=dtype)
        row[0, position] = np.nan
        assert np.isnan(applied("softmax", row)).all()
    np.testing.assert_array_equal(applied("softmax", np.array([[-3.0], [80.0]], dtype=dtype)), [[1], [1]])


@BOTH
@pytest.mark.parametrize("name", CODES)
def test_derivative_is_the_jacobian(name, dtype):
    rng = np.random.default_rng(1)
    z = rng.normal(0, 2, (11, 5)).astype(dtype)
    value, d = applied(name, z), rng.normal(size=(11, 5)).astype(dtype)
    expected = np.array([d[r].astype(float) @ naive.jacobian(name, z[r].astype(float)) for r in range(11)])
    pull_back(CODES[name], value, z, d, d.shape[1])
    np.testing.assert_allclose(
        d, expected, rtol=1e-4 if dtype == np.float32 else 1e-11, atol=50 * np.finfo(dtype).eps
    )
