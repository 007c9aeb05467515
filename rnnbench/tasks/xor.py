"""Exclusive or: one input, one output and no time, a task for a perceptron without memory."""

import math
from dataclasses import dataclass

import numpy as np

from rnnbench.tasks.contract import Array, Batch, Floor, Task, whole_number


@dataclass
class XOR(Task):
    """Output whether an odd number of the given bits is 1.

    One to one, the conventional MLP of the lecture notes: a sequence has one step, all bits are its inputs
    (0 or 1) and the target is 1 for an odd number of ones (binary cross entropy). All 2^bits patterns are
    training, validation and test: this is a truth table learned by heart. A memory neither helps nor harms.

    Score: accuracy. Solved: every pattern on the right side of 0.5.

    Parameters
    ----------
    bits : int
        Number of inputs; 2 is exclusive or, more is parity. At most 12.

    Examples
    --------
    bits = 2: 00 -> 0, 10 -> 1, 01 -> 1, 11 -> 0; x is (1, 4, 2).

    Notes
    -----
    Not Elman's temporal XOR (1990), where the bits come one after another and the next one is asked for.

    References
    ----------
    Rumelhart, Hinton & Williams (1986), "Learning internal representations by error propagation", the
    problems XOR and parity. Minsky & Papert (1969), "Perceptrons": no network without a hidden layer can.
    """

    bits: int = 2

    def __post_init__(self) -> None:
        """Check the range."""
        whole_number("task.bits", self.bits, 2, 12)

    @property
    def label(self) -> str:
        """The name, with the number of bits when it is not two."""
        return "xor" if self.bits == 2 else f"xor of {self.bits} bits"

    @property
    def n_in(self) -> int:
        """A line for each bit."""
        return self.bits

    @property
    def n_out(self) -> int:
        """The probability of an odd number."""
        return 1

    @property
    def loss(self) -> str:
        """Binary cross entropy."""
        return "binary_cross_entropy"

    @property
    def open_loop(self) -> bool:
        """There is one step: nothing to feed back."""
        return False

    def training(self, rng: np.random.Generator, size: int) -> Batch:
        """Return all patterns, whatever the size asked for."""
        patterns = np.arange(2**self.bits)[:, None] >> np.arange(self.bits) & 1
        target = (patterns.sum(axis=1) % 2).astype(np.float32)
        weight = np.ones((1, len(patterns)), np.float32)
        return Batch(patterns[None].astype(np.float32), target[None, :, None], weight, None)

    def validation(self, rng: np.random.Generator) -> Batch:
        """Return all patterns."""
        return self.training(rng, 1)

    def test(self, rng: np.random.Generator) -> Batch:
        """Return all patterns."""
        return self.training(rng, 1)

    def solved(self, y: Array, batch: Batch) -> bool:
        """Whether every pattern is right."""
        return self.score(y, batch) == 1.0

    def floors(self, rng: np.random.Generator) -> list[Floor]:
        """Return exact figures."""
        return [
            Floor("best constant", 0.5, math.log(2), "closed", "half of the patterns are odd; also chance"),
            Floor(
                "linear model",
                0.5,
                math.log(2),
                "closed",
                "logistic regression: parity is uncorrelated with every bit, so its best is the constant",
            ),
            Floor("oracle", 1.0, 0.0, "closed", "knows the truth table"),
        ]
