"""Finding tasks and the loss arithmetic they share."""

import math
import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest

from rnnbench import tasks
from rnnbench.tasks.contract import (
    Batch,
    accuracy,
    best_constant_loss,
    mean_loss,
    relative_score,
    scored,
)
from rnnbench.tasks.hello import Hello


def batch_of(target, weight):
    weight = np.asarray(weight, np.float32)
    return Batch(np.zeros((*weight.shape, 1), np.float32), np.asarray(target), weight)


def test_names_are_those_of_the_files():
    found = tasks.found()
    assert list(found) == tasks.names() == sorted(found)
    assert {"adding", "csv", "example3", "hello", "latch", "sunspots", "temporal_order", "window"} < set(
        found
    )
    assert {"copy", "echo", "plan", "text", "xor"} < set(found)
    assert all(cls.__module__ == f"rnnbench.tasks.{name}" for name, cls in found.items())


def test_listing_names_imports_nothing():
    code = "import sys, rnnbench.tasks as t; t.names(); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_tasks_import_numpy_and_no_other_library():
    code = (
        "import sys, rnnbench.tasks as t; t.found()['sunspots']().training(None, 1);"
        "others = 'pandas', 'scipy', 'statsmodels', 'numba', 'rnnbench.network';"
        "print([m for m in others if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_file_holds_one_task():
    module = ModuleType("plugin")
    with pytest.raises(
        TypeError, match="plugin: one public dataclass deriving from Task is expected, found none"
    ):
        tasks.task_of(module)
    for name in ("One", "Two"):
        setattr(module, name, type(name, (Hello,), {"__module__": "plugin"}))
    with pytest.raises(TypeError, match="found One, Two"):
        tasks.task_of(module)
    del module.Two
    with pytest.raises(TypeError, match="dataclass"):  # derived from one, not decorated itself
        tasks.task_of(module)


def test_losses_are_weighted_means_over_steps_and_outputs():
    target = np.array([[[1.0, 2.0]], [[3.0, 4.0]], [[9.0, 9.0]]])
    y = np.array([[[2.0, 2.0]], [[3.0, 6.0]], [[0.0, 0.0]]])
    batch = batch_of(target, [[3.0], [1.0], [0.0]])
    assert mean_loss(y, batch, "mse") == pytest.approx((3 * 1.0 + 1 * 4.0) / (4 * 2))
    bits = batch_of(np.array([[[1.0]], [[0.0]]]), [[1.0], [1.0]])
    p = np.array([[[0.8]], [[0.4]]])
    assert mean_loss(p, bits, "binary_cross_entropy") == pytest.approx(-(math.log(0.8) + math.log(0.6)) / 2)
    labels = batch_of(np.array([[2], [0]]), [[1.0], [3.0]])
    q = np.array([[[0.1, 0.2, 0.7]], [[0.5, 0.25, 0.25]]])
    assert mean_loss(q, labels, "cross_entropy") == pytest.approx(-(math.log(0.7) + 3 * math.log(0.5)) / 4)
    assert accuracy(q, labels) == 1.0


def test_best_constants_are_variance_and_entropy():
    numbers = batch_of(np.array([[[1.0]], [[3.0]], [[100.0]]]), [[1.0], [1.0], [0.0]])
    assert best_constant_loss(numbers, "mse") == pytest.approx(1.0)
    labels = batch_of(np.array([[0], [1], [1], [1]]), np.ones((4, 1)))
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert best_constant_loss(labels, "cross_entropy") == pytest.approx(entropy)
    bits = batch_of(np.array([0.0, 1.0, 1.0, 1.0])[:, None, None], np.ones((4, 1)))
    assert best_constant_loss(bits, "binary_cross_entropy") == pytest.approx(entropy)


def test_unknown_targets_are_not_scored():
    batch = batch_of(np.array([[[1.0]], [[np.nan]], [[3.0]]]), [[1.0], [1.0], [0.0]])
    assert scored(batch).ravel().tolist() == [True, False, False]
    assert mean_loss(np.full((3, 1, 1), 2.0), batch, "mse") == 1.0


def test_a_batch_without_scored_steps_is_an_error():
    with pytest.raises(ValueError, match="no step of this batch is scored"):
        mean_loss(np.zeros((2, 1, 1)), batch_of(np.zeros((2, 1, 1)), np.zeros((2, 1))), "mse")


def test_confident_and_wrong_is_a_finite_loss():
    labels = batch_of(np.array([[1]]), [[1.0]])
    loss = mean_loss(np.array([[[1.0, 0.0]]]), labels, "cross_entropy")
    assert 80.0 < loss < 90.0


def test_a_constant_without_error_leaves_no_middle():
    assert relative_score(0.0, 0.0) == 1.0 and relative_score(0.1, 0.0) == -math.inf
    assert relative_score(0.5, 2.0) == 0.75
