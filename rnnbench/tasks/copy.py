"""The copying memory problem: read some symbols, wait, and repeat them."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rnnbench.tasks.contract import Array, Batch, Floor, Task, whole_number

#: Share of the symbols to recall that must be right for the task to count as solved.
ENOUGH = 0.99


@dataclass
class Copy(Task):
    """Repeat a list of symbols after a long blank, at a delimiter.

    Delayed many to many. Input, as indices: ``items`` symbols drawn from a_0..a_{S-1}, equally likely and
    independent; T - 1 blanks a_S; one delimiter a_{S+1}; ``items`` blanks. That is T + 2 ``items`` steps. The
    labels are blanks until the delimiter, included, then the symbols in their order (cross entropy, the mean
    over *all* steps, as in the paper). The delimiter's step is T + items - 1 and the first label to recall
    belongs to the step after it: each symbol is held for T + items steps.

    Score: share of the last ``items`` labels that are right; blanks count for nothing, so that waiting earns
    no score. Solved: a score of at least 0.99 on validation data.

    Parameters
    ----------
    length : int
        T of the paper: blanks between the symbols and their recall, the delimiter counted. The sequence is
        longer by 2 ``items``.
    symbols : int
        S, number of symbols to choose from; the paper's is 8.
    items : int
        Number of symbols to remember; the paper's is 10.
    validation_size, test_size : int
        Number of sequences drawn.

    Examples
    --------
    T = 4, items 3, with - for the blank and ! for the delimiter: x = a c b - - - ! - - - and labels
    - - - - - - - a c b.

    Notes
    -----
    The paper's T are 100, 200, 300 and 500; its tanh RNN and its LSTM stay at the loss of a network without
    memory, items ln S / (T + 2 items), but at T = 100. Differs from the paper: fresh sequences for each
    update instead of 100,000 fixed ones; score and criterion are ours, for the paper shows losses alone. Bai
    et al. (2018) feed the symbol's number as one real input and repeat the delimiter: another task of the
    same floor. With a *fixed* wait, a delay line of T + items steps is exact.

    References
    ----------
    Hochreiter & Schmidhuber (1997), "Long short-term memory", where the idea is from. Arjovsky, Shah & Bengio
    (2016), "Unitary evolution recurrent neural networks", section 5.1, for this form. Bai, Kolter & Koltun
    (2018), "An empirical evaluation of generic convolutional and recurrent networks".
    """

    SPAN: ClassVar[str] = "length"

    length: int = 100
    symbols: int = 8
    items: int = 10
    validation_size: int = 256
    test_size: int = 1024

    def __post_init__(self) -> None:
        """Check the ranges."""
        whole_number("task.length", self.length, 1)
        whole_number("task.symbols", self.symbols, 2)
        whole_number("task.items", self.items, 1)
        whole_number("task.validation_size", self.validation_size, 1)
        whole_number("task.test_size", self.test_size, 1)

    @property
    def label(self) -> str:
        """T, and what is to be remembered when it is not the paper's."""
        papers = (self.symbols, self.items) == (8, 10)
        return f"{self.name} T={self.length}" + ("" if papers else f" {self.items} of {self.symbols}")

    @property
    def n_in(self) -> int:
        """Symbols, blank and delimiter."""
        return self.symbols + 2

    @property
    def n_out(self) -> int:
        """Symbols and blank."""
        return self.symbols + 1

    @property
    def loss(self) -> str:
        """Cross entropy."""
        return "cross_entropy"

    @property
    def steps(self) -> int:
        """Number of steps of a sequence."""
        return self.length + 2 * self.items

    def training(self, rng: np.random.Generator, size: int) -> Batch:
        """Draw ``size`` fresh sequences."""
        listed = rng.integers(0, self.symbols, (self.items, size))
        x = np.full((self.steps, size), self.symbols)
        target = np.full((self.steps, size), self.symbols)
        x[: self.items] = listed
        x[self.length + self.items - 1] = self.symbols + 1
        target[-self.items :] = listed
        return Batch(x, target, np.ones((self.steps, size), np.float32), None)

    def validation(self, rng: np.random.Generator) -> Batch:
        """Draw ``validation_size`` sequences."""
        return self.training(rng, self.validation_size)

    def test(self, rng: np.random.Generator) -> Batch:
        """Draw ``test_size`` sequences."""
        return self.training(rng, self.test_size)

    def score(self, y: Array, batch: Batch) -> float:
        """Share of the symbols to recall that are right; an output that is not finite is wrong."""
        rows, target = y[-self.items :], batch.target[-self.items :]
        finite = np.isfinite(rows).all(axis=2)
        return float((finite & (rows.argmax(axis=2) == target)).mean())

    def solved(self, y: Array, batch: Batch) -> bool:
        """Whether the score is at least 0.99."""
        return self.score(y, batch) >= ENOUGH

    def floors(self, rng: np.random.Generator) -> list[Floor]:
        """Return exact figures; the symbols are equally likely and independent by construction."""
        share = self.items / self.steps
        memoryless = share * math.log(self.symbols)
        mixed = -share * math.log(share) - (1.0 - share) * math.log1p(-share)
        return [
            Floor(
                "best constant",
                0.0,
                mixed + memoryless,
                "closed",
                "the blank; loss: frequencies of blank and symbols",
            ),
            Floor(
                "no memory of the symbols",
                1.0 / self.symbols,
                memoryless,
                "closed",
                "blanks until the delimiter, then chance: items ln S / (T + 2 items), the paper's baseline",
            ),
            Floor(
                "linear model of all steps",
                1.0,
                0.0,
                "closed",
                "its weight on the input T + items steps before is the identity, exact",
            ),
            Floor("oracle", 1.0, 0.0, "closed", "remembers the symbols"),
        ]
