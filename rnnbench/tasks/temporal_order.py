"""Temporal order: which of two symbols came first, asked after a long stretch of distractors."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from rnnbench.tasks.contract import Array, Batch, Floor, Task, outputs, scored, whole_number

#: Symbols in the order of their one-hot index.
SYMBOLS = ("E", "B", "a", "b", "c", "d", "X", "Y")
START, END, FIRST_DISTRACTOR, X = 0, 1, 2, 6


@dataclass
class TemporalOrder(Task):
    """Classify a sequence by the order of two symbols, X or Y, far apart among distractors.

    Eight symbols {E, B, a, b, c, d, X, Y}, given as indices 0..7. A sequence starts with E, ends with the
    trigger B, and holds a random distractor a..d everywhere else but at two steps i < j, each of which is X
    or Y with probability 1/2. The four classes XX, XY, YX, YY are 0..3, asked for at the last step (cross
    entropy); no other step is scored. The sequence length is uniform on T..T+T/10, i on T/10..T/5 and j on
    T/2..3T/5, ends included, divisions rounded down, steps counted from 0. For T = 100 these are the paper's
    100-110, 10-20 and 50-60.

    Score: accuracy. Solved: in every validation sequence *all four* outputs are within 0.3 of the class's
    one-hot code, the paper's rule for a correct sequence.

    Parameters
    ----------
    length : int
        T, the shortest sequence.
    validation_size, test_size : int
        Number of sequences drawn.

    Examples
    --------
    T = 10: i in {1, 2}, j in {5, 6}: E a Y c b X d a c B -> class YX = 2 at step 9.

    Notes
    -----
    Differs from the paper: softmax with cross entropy instead of logistic outputs with squared error; the
    criterion is tested on ``validation_size`` fresh sequences instead of the last 2,000 of the training.
    Lengths other than 100 are ours, scaled as above. Pascanu et al. (2013) use six symbols, no E and no B:
    another task.

    References
    ----------
    Hochreiter & Schmidhuber (1997), "Long short-term memory", experiment 6a.
    """

    SPAN: ClassVar[str] = "length"

    length: int = 100
    validation_size: int = 512
    test_size: int = 2560

    def __post_init__(self) -> None:
        """Check the ranges."""
        whole_number("task.length", self.length, 10)
        whole_number("task.validation_size", self.validation_size, 1)
        whole_number("task.test_size", self.test_size, 1)

    @property
    def n_in(self) -> int:
        """Eight symbols."""
        return len(SYMBOLS)

    @property
    def n_out(self) -> int:
        """Four classes."""
        return 4

    @property
    def loss(self) -> str:
        """Cross entropy."""
        return "cross_entropy"

    @property
    def open_loop(self) -> bool:
        """Only the last step has a target: nothing to feed back."""
        return False

    def training(self, rng: np.random.Generator, size: int) -> Batch:
        """Draw ``size`` fresh sequences."""
        t, column = self.length, np.arange(size)
        steps = t + t // 10
        x = rng.integers(FIRST_DISTRACTOR, X, (steps, size))
        lengths = rng.integers(t, steps + 1, size)
        early = rng.integers(t // 10, t // 5 + 1, size)
        late = rng.integers(t // 2, 3 * t // 5 + 1, size)
        label = rng.integers(0, 4, size)
        last = lengths - 1
        x[0] = START
        x[early, column] = X + label // 2
        x[late, column] = X + label % 2
        x[last, column] = END
        x *= np.arange(steps)[:, None] < lengths
        target, weight = np.zeros((steps, size), np.int64), np.zeros((steps, size), np.float32)
        target[last, column] = label
        weight[last, column] = 1.0
        return Batch(x, target, weight, lengths)

    def validation(self, rng: np.random.Generator) -> Batch:
        """Draw ``validation_size`` sequences."""
        return self.training(rng, self.validation_size)

    def test(self, rng: np.random.Generator) -> Batch:
        """Draw ``test_size`` sequences."""
        return self.training(rng, self.test_size)

    def share_correct(self, y: Array, batch: Batch) -> float:
        """Share of the sequences with all outputs within 0.3 of the one-hot code of their class."""
        steps = scored(batch)
        error = np.abs(y[steps] - np.eye(self.n_out)[batch.target[steps]])
        return float((error < 0.3).all(axis=1).mean())

    def solved(self, y: Array, batch: Batch) -> bool:
        """Whether every sequence is correct in the paper's sense."""
        return self.share_correct(y, batch) == 1.0

    def extra_scores(self, net: Any, params: Any, batch: Batch) -> dict[str, float]:
        """``correct``: the share of sequences with all output errors below 0.3."""
        return {"correct": self.share_correct(outputs(net, params, batch), batch)}

    def floors(self, rng: np.random.Generator) -> list[Floor]:
        """Return exact figures; the classes are equally likely by construction."""
        return [
            Floor(
                "chance", 0.25, math.log(4), "closed", "four equally likely classes; also the best constant"
            ),
            Floor(
                "one of the two symbols",
                0.5,
                math.log(2),
                "closed",
                "the other symbol is forgotten or not seen",
            ),
            Floor(
                "both symbols, order lost", 0.75, math.log(2) / 2, "closed", "XY and YX look the same, exact"
            ),
            Floor(
                "linear model of all steps",
                1.0,
                0.0,
                "closed",
                "separable: the symbols at steps T/10..T/5 and T/2..3T/5 each add to two of four scores",
            ),
            Floor("oracle", 1.0, 0.0, "closed", "remembers both symbols"),
        ]
