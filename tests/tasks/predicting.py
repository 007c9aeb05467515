"""Predictions and networks made up for the tests."""

import numpy as np

from rnnbench.tasks.contract import Batch, Task, scored


def wild(task: Task, batch: Batch, seed: int = 0) -> np.ndarray:
    """Outputs (T, B, O) that mean nothing."""
    return np.random.default_rng(seed).normal(0.0, 100.0, (*batch.weight.shape, task.n_out))


def perfect(task: Task, batch: Batch, elsewhere: int = 0) -> np.ndarray:
    """The target at every scored step, something wild at the others."""
    y, steps = wild(task, batch, elsewhere), scored(batch)
    right = batch.target if batch.target.ndim == 3 else np.eye(task.n_out)[batch.target]
    y[steps] = right[steps]
    return y


def constant(task: Task, batch: Batch) -> np.ndarray:
    """The constant output with the least loss: mean of the targets, frequencies of the labels."""
    steps = scored(batch)
    target = batch.target if batch.target.ndim == 3 else np.eye(task.n_out)[batch.target]
    return np.broadcast_to(target[steps].astype(float).mean(axis=0), target.shape)


class Knowing:
    """Stands for a trained network: it gives the outputs it was made with, whatever it reads."""

    vector = np.zeros(1, np.float64)

    def __init__(self, y: np.ndarray, written: np.ndarray | None = None) -> None:
        self.y = y
        self.written = written
        self.asked: dict[str, object] = {}

    def forward(self, params, x, target=None, loop="closed", *, weight=None, lengths=None):
        """Give the outputs (T, B, O)."""
        assert x.flags.c_contiguous and (x.dtype.kind == "i" or x.dtype == params.vector.dtype)
        return self.y

    def generate(self, params, prefix, steps, feed, rng=None):
        """Give what was to be written, noting how it was asked for."""
        self.asked = {"prefix": prefix, "steps": steps, "feed": feed, "rng": rng}
        return self.written
