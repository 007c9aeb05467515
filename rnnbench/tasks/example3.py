"""Example 3 of the lecture notes: random labels, learned by heart."""

import math
from dataclasses import dataclass

import numpy as np

from rnnbench.tasks.contract import Array, Batch, Floor, Task, accuracy, best_constant_loss, whole_number
from rnnbench.tasks.linear import least_squares


@dataclass
class Example3(Task):
    """Sixteen fixed sequences of 64 steps with a random label at every step.

    Inputs: 8 numbers, independent and uniform on [0, 1). Labels: one of 0, 1, 2, independent of the inputs
    and of each other. Loss: cross entropy at every step. The same 16 sequences are training, validation and
    test, for there is nothing to generalise to: any loss below ln 3 = 1.0986 and any accuracy above 1/3 is
    *memorisation*.

    Score: accuracy. Solved: every label right, which five hidden units cannot reach.

    Parameters
    ----------
    length : int
        T, number of steps.
    sequences : int
        Number of sequences.
    data_seed : int
        Seed of the data. They are fixed: they do not depend on the seed of a run.

    Examples
    --------
    A batch has x (64, 16, 8), labels (64, 16) and weight 1 everywhere; 1,024 labels in all.

    Notes
    -----
    Differs from the notes: they draw with ``np.random.rand`` and no seed, so their numbers cannot be
    repeated.

    References
    ----------
    Lecture notes "Recurrent neural networks", Example 3.
    """

    length: int = 64
    sequences: int = 16
    data_seed: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        whole_number("task.length", self.length, 1)
        whole_number("task.sequences", self.sequences, 1)
        whole_number("task.data_seed", self.data_seed, 0)

    @property
    def n_in(self) -> int:
        """Eight numbers."""
        return 8

    @property
    def n_out(self) -> int:
        """Three classes."""
        return 3

    @property
    def loss(self) -> str:
        """Cross entropy."""
        return "cross_entropy"

    def training(self, rng: np.random.Generator, size: int) -> Batch:
        """Return all the sequences, whatever the size asked for."""
        own = np.random.default_rng(self.data_seed)
        x = own.random((self.length, self.sequences, self.n_in), dtype=np.float32)
        labels = own.integers(0, self.n_out, (self.length, self.sequences))
        return Batch(x, labels, np.ones(labels.shape, np.float32), None)

    def validation(self, rng: np.random.Generator) -> Batch:
        """Return the training sequences."""
        return self.training(rng, self.sequences)

    def test(self, rng: np.random.Generator) -> Batch:
        """Return the training sequences."""
        return self.training(rng, self.sequences)

    def solved(self, y: Array, batch: Batch) -> bool:
        """Whether every label is reproduced."""
        return self.score(y, batch) == 1.0

    def floors(self, rng: np.random.Generator) -> list[Floor]:
        """Return floors on the fixed data."""
        batch = self.test(rng)
        labels = batch.target.ravel()
        x = batch.x.reshape(labels.size, self.n_in).astype(np.float64)
        design = np.concatenate([np.ones((labels.size, 1)), x], axis=1)
        fitted = design @ least_squares(design, np.eye(self.n_out)[labels])
        return [
            Floor("chance", 1.0 / 3.0, math.log(3.0), "both", "three equally likely labels"),
            Floor(
                "best constant",
                float(np.bincount(labels).max() / labels.size),
                best_constant_loss(batch, self.loss),
                "both",
                "the most frequent label; loss: frequencies of the labels",
            ),
            Floor(
                "linear model of one step",
                accuracy(fitted.reshape(*batch.target.shape, self.n_out), batch),
                None,
                "both",
                "largest of three least-squares fits to the present input: what 27 numbers memorise",
            ),
            Floor("oracle", 1.0, 0.0, "both", "knows the labels by heart"),
        ]
