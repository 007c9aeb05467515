"""The products over segments against NumPy's, over sizes around the kernels' tiles."""

import os
import subprocess
import sys

import numpy as np
import pytest

from rnnbench.kernels.addresses import addresses
from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.product import add_segment, fill_rows, product
from rnnbench.kernels.tables import COVER
from rnnbench.kernels.vectors import SEGMENT_COLUMNS, address, padded

SIZES = [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 33, 64, 65]
CLOSE = {np.float64: {"rtol": 1e-12, "atol": 1e-13}, np.float32: {"rtol": 1e-4, "atol": 2e-5}}


@kernel
def _multiply(cover, z, columns, width, rows, lefts, steps, rights, counts, bias):
    # All segments into one result: from its own rows, or from a bias.
    n = counts.size
    table = np.empty(n * SEGMENT_COLUMNS, np.int64)
    start, start_step = address(z, 0), columns * z.itemsize
    place = (0, columns, columns, rows)
    if bias.size > 0:
        fill_rows(z, place, bias, 0)
        start, start_step = address(bias, 0), 0
    segments, left_at, right_at = 0, 0, 0
    for i in range(n):
        factor = (left_at, steps[i, 0], steps[i, 1])
        segments = add_segment(table, segments, lefts, factor, rights, right_at, width, counts[i], z, place)
        left_at += rows * counts[i]
        right_at += counts[i] * width
    product(cover, z, place, start, start_step, table, segments)


def multiply(z, factors, bias=None):
    """Return z + sum of a @ w (or bias + that), each `a` stored as it is or transposed."""
    rows, columns = z.shape
    width = padded(columns, z.itemsize)
    # What follows the last row must stay as it is.
    flat = np.full(z.size + width, 7, z.dtype)
    flat[: z.size] = z.ravel()
    lefts, rights, steps, counts = [], [], [], []
    for a, w, transposed in factors:
        wide = np.zeros((len(w), width), z.dtype)
        wide[:, :columns] = w
        lefts.append((a.T if transposed else a).ravel())
        rights.append(wide.ravel())
        steps.append((1, rows) if transposed else (len(w), 1))
        counts.append(len(w))
    row = np.zeros(0 if bias is None else width, z.dtype)
    row[:columns] = 0 if bias is None else bias
    cover = addresses(z.dtype)[COVER]
    left, right = np.concatenate(lefts), np.concatenate(rights)
    _multiply(cover, flat, columns, width, rows, left, np.array(steps), right, np.array(counts), row)
    assert (flat[z.size :] == 7).all()
    return flat[: z.size].reshape(z.shape)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", SIZES)
def test_one_segment(columns, dtype):
    rng = np.random.default_rng(columns)
    for rows in (1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 25):
        for inner in (1, 2, 3, 8, 17, 40):
            z, a, w = (
                rng.normal(size=s).astype(dtype) for s in ((rows, columns), (rows, inner), (inner, columns))
            )
            expected = z.astype(float) + a.astype(float) @ w.astype(float)
            for transposed in (False, True):
                np.testing.assert_allclose(multiply(z, [(a, w, transposed)]), expected, **CLOSE[dtype])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [1, 5, 14])
def test_many_segments_from_a_bias(rows, dtype):
    rng = np.random.default_rng(rows)
    factors = [
        (rng.normal(size=(rows, k)).astype(dtype), rng.normal(size=(k, 19)).astype(dtype), k % 2 == 0)
        for k in (1, 2, 7, 3)
    ]
    z, bias = rng.normal(size=(rows, 19)).astype(dtype), rng.normal(size=19).astype(dtype)
    expected = sum(a.astype(float) @ w.astype(float) for a, w, _ in factors)
    np.testing.assert_allclose(multiply(z, factors, bias), bias + expected, **CLOSE[dtype])
    np.testing.assert_allclose(multiply(z, factors), z + expected, **CLOSE[dtype])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_and_infinity_go_where_they_belong(dtype):
    a, w = np.ones((6, 5), dtype), np.ones((5, 19), dtype)
    a[2, 3] = np.nan
    w[1, 7] = np.inf
    z = multiply(np.zeros((6, 19), dtype), [(a, w, False)])
    assert np.isnan(z[2]).all() and np.isinf(np.delete(z[:, 7], 2)).all()
    assert np.isfinite(np.delete(np.delete(z, 2, axis=0), 7, axis=1)).all()


@pytest.mark.parametrize("columns", [3, 16, 19])
def test_a_row_hardly_depends_on_its_neighbours(columns):
    """A sequence alone and inside a batch may differ in the order of its sums, no more."""
    rng = np.random.default_rng(0)
    a, w = rng.normal(size=(9, 13)).astype(np.float32), rng.normal(size=(13, columns)).astype(np.float32)
    together = multiply(np.zeros((9, columns), np.float32), [(a, w, False)])
    for r in range(9):
        alone = multiply(np.zeros((1, columns), np.float32), [(a[r : r + 1], w, False)])
        np.testing.assert_allclose(alone[0], together[r], rtol=2e-6, atol=1e-6)


def test_plain_loops_give_the_same_numbers():
    """RNNBENCH_VECTORS=off compiles plain loops; the worked examples still hold in a process of its own."""
    code = "import rnnbench.kernels.vectors as v, sys; sys.exit(v.EXPLICIT)"
    off = subprocess.run([sys.executable, "-c", code], env={**os.environ, "RNNBENCH_VECTORS": "off"})
    assert off.returncode == 0
    # One type: without a cache, each takes half a minute to compile.
    tests = ["tests/network/test_worked_examples.py", "-k", "float32", "-q", "-p", "no:cacheprovider"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *tests],
        env={**os.environ, "RNNBENCH_VECTORS": "off"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout
