"""Clipping: the notes' two notations are one operation; norms hold where squares overflow; NaN is kept."""

import math

import numpy as np
import pytest

from rnnbench.kernels.clipping import clip, clip_by_norm, clip_by_value, global_norm
from tests import naive

DTYPES = [np.float32, np.float64]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 7, 64, 1001])
def test_both_notations_of_the_notes_are_this_operation(size, dtype):
    rng = np.random.default_rng(size)
    for threshold in (1e-3, 0.5, 3.0, 1e3):
        g = rng.normal(size=size).astype(dtype)
        norm = np.linalg.norm(g.astype(float))
        clipped = g.copy()
        found, changed = clip_by_norm(clipped, threshold)
        tolerance = float(8 * np.finfo(dtype).eps)
        assert found == pytest.approx(norm, rel=tolerance)
        assert changed == (norm > threshold)
        # 1. "if ||g|| > v: ||g|| <- v": the norm becomes v; nothing is said of the direction, so it stays.
        assert np.linalg.norm(clipped.astype(float)) == pytest.approx(min(norm, threshold), rel=tolerance)
        cosine = clipped.astype(float) @ g / np.linalg.norm(clipped.astype(float)) / norm
        assert cosine == pytest.approx(1, rel=tolerance)
        # 2. "if ||g|| > v: g <- g / ||g|| v".
        np.testing.assert_allclose(clipped, naive.clip_by_norm(g.astype(float), threshold), rtol=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
def test_by_value(dtype):
    g = np.array([-3, -0.5, 0, 0.25, 7], dtype)
    norm, changed = clip_by_value(g, 0.5)
    assert norm == pytest.approx(math.sqrt(9 + 0.25 + 0.0625 + 49))
    assert changed
    assert g.tolist() == [-0.5, -0.5, 0, 0.25, 0.5]
    assert clip_by_value(g, 0.5)[1] is False


def test_values_before_norm_and_norm_of_the_raw_gradient_returned():
    g = np.array([3.0, 4.0, 12.0])
    norm, changed = clip(g, 1.0, 2.0)
    assert (norm, changed) == (13.0, True)
    np.testing.assert_allclose(g, np.full(3, 1 / math.sqrt(3)))


def test_infinite_bounds_clip_nothing():
    g = np.array([1e30, -1e-30])
    before = g.tobytes()
    assert clip(g, np.inf, np.inf) == (1e30, False)
    assert g.tobytes() == before


def test_norm_is_summed_in_float64():
    # In float32 the sum of a million squares of 0.1 is off by more than a per cent.
    g = np.full(1_000_000, 0.1, np.float32)
    assert global_norm(g) == pytest.approx(np.sqrt((g.astype(float) ** 2).sum()), rel=1e-10)


def test_norm_is_finite_where_squares_are_not():
    # The warning is NumPy's, when the kernels run without the compiler.
    with np.errstate(over="ignore"):
        assert global_norm(np.array([3e200, -4e200])) == pytest.approx(5e200)
    assert global_norm(np.array([3e38, 0], np.float32)) == pytest.approx(3e38)
    assert global_norm(np.zeros(5)) == 0
    assert global_norm(np.empty(0)) == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, math.nan], math.nan),
        ([math.inf, 1], math.inf),
        ([-math.inf, 1], math.inf),
        ([math.inf, math.nan], math.nan),
        ([math.nan, math.inf], math.nan),
    ],
)
def test_not_finite_stays_as_it_is(values, expected, dtype):
    g = np.array(values, dtype)
    before = g.tobytes()
    np.testing.assert_equal(global_norm(g), expected)
    norm, changed = clip_by_norm(g, 1.0)
    np.testing.assert_equal(norm, expected)
    assert (changed, g.tobytes()) == (False, before)
    clip_by_value(g, 0.5)
    assert np.isnan(g).tolist() == np.isnan(np.array(values)).tolist()


@pytest.mark.peers
def test_as_torch_does_but_for_the_millionth_it_adds():
    torch = pytest.importorskip("torch")
    g = np.random.default_rng(0).normal(size=50)
    weight = torch.nn.Parameter(torch.zeros(50, dtype=torch.float64))
    weight.grad = torch.tensor(g)
    theirs = torch.nn.utils.clip_grad_norm_([weight], 0.1)
    ours, _ = clip_by_norm(g, 0.1)
    assert ours == pytest.approx(float(theirs), rel=1e-10)
    np.testing.assert_allclose(g, weight.grad.numpy(), rtol=1e-6)
