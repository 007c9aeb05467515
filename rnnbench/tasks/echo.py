"""Echo: repeat every symbol a fixed number of steps later."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rnnbench.tasks.contract import Array, Batch, Floor, Task, whole_number


@dataclass
class Echo(Task):
    """Output the symbol of ``delay`` steps before, at every step.

    Delayed many to many. The symbols are 0..symbols-1, equally likely and independent, given as indices; the
    label at step t is the symbol of step t - delay (cross entropy). The first ``delay`` steps have no label
    and are not scored. A network must hold ``delay`` symbols at any time, each for the same number of steps.

    Score: accuracy. Solved: every label of the validation data right.

    Parameters
    ----------
    length : int
        T, number of steps.
    delay : int
        Steps from a symbol to its echo, at least 1 and below the length.
    symbols : int
        Number of symbols, at least 2.
    validation_size, test_size : int
        Number of sequences drawn.

    Examples
    --------
    T = 6, delay 2: x = 1 0 0 1 1 0, labels = - - 1 0 0 1.

    Notes
    -----
    Ours: the plainest form of the lecture notes' delayed sequence to sequence. It is what Jaeger's memory
    capacity measures for one delay, with symbols in place of numbers and a trained network in place of a
    linear readout. A delay line of delay + 1 steps is exact, one step less is chance.

    References
    ----------
    Lecture notes "Recurrent neural networks", variants: delayed sequence to sequence. Jaeger (2001),
    "Short term memory in echo state networks", GMD report 152.
    """

    SPAN: ClassVar[str] = "length"

    length: int = 50
    delay: int = 5
    symbols: int = 2
    validation_size: int = 64
    test_size: int = 512

    def __post_init__(self) -> None:
        """Check the ranges."""
        whole_number("task.length", self.length, 2)
        whole_number("task.delay", self.delay, 1, self.length - 1)
        whole_number("task.symbols", self.symbols, 2)
        whole_number("task.validation_size", self.validation_size, 1)
        whole_number("task.test_size", self.test_size, 1)

    @property
    def label(self) -> str:
        """Length and delay, and the symbols when there are more than two."""
        more = "" if self.symbols == 2 else f" {self.symbols} symbols"
        return f"{self.name} T={self.length} delay={self.delay}{more}"

    @property
    def n_in(self) -> int:
        """Number of symbols."""
        return self.symbols

    @property
    def n_out(self) -> int:
        """Number of symbols."""
        return self.symbols

    @property
    def loss(self) -> str:
        """Cross entropy."""
        return "cross_entropy"

    def training(self, rng: np.random.Generator, size: int) -> Batch:
        """Draw ``size`` fresh sequences."""
        x = rng.integers(0, self.symbols, (self.length, size))
        target, weight = np.zeros_like(x), np.zeros(x.shape, np.float32)
        target[self.delay :] = x[: -self.delay]
        weight[self.delay :] = 1.0
        return Batch(x, target, weight, None)

    def validation(self, rng: np.random.Generator) -> Batch:
        """Draw ``validation_size`` sequences."""
        return self.training(rng, self.validation_size)

    def test(self, rng: np.random.Generator) -> Batch:
        """Draw ``test_size`` sequences."""
        return self.training(rng, self.test_size)

    def solved(self, y: Array, batch: Batch) -> bool:
        """Whether every label is right."""
        return self.score(y, batch) == 1.0

    def floors(self, rng: np.random.Generator) -> list[Floor]:
        """Return exact figures; the symbols are equally likely and independent by construction."""
        share, entropy = 1.0 / self.symbols, math.log(self.symbols)
        return [
            Floor("chance", share, entropy, "closed", "equally likely symbols; also the best constant"),
            Floor(
                f"any model of the last {self.delay} steps",
                share,
                entropy,
                "closed",
                "the symbol to echo lies one step further back, and all symbols are independent",
            ),
            Floor(
                f"linear model of the last {self.delay + 1} steps",
                1.0,
                0.0,
                "closed",
                "its weight on the step that is echoed is the identity, exact",
            ),
            Floor("oracle", 1.0, 0.0, "closed", "remembers the last symbols"),
        ]
