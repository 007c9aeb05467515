"""Spoken symbols: which ones occur in a recording, in which order, without known times."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rnnbench.tasks.contract import Array, Batch, Floor, Task, number, whole_number


@dataclass
class Spoken(Task):
    """Transcribe a noisy recording of symbols; their order is known in training, their times are not.

    A sequence says between ``fewest`` and ``most`` symbols out of ``symbols``, all equally likely and
    repetitions allowed. Each is held for 2 to 4 steps, and 1 or 2 steps of silence stand before, between and
    behind the symbols (durations uniform). While symbol k is held, input k is 1 and the others are 0; in
    silence all are 0; every input has normal noise of standard deviation ``noise``. The target is the
    sequence of symbols, 1 to ``symbols`` (0 is the blank of connectionist temporal classification, the
    loss); a network has one output more than there are symbols.

    Score: 1 - label error rate, the edit distance between the symbols read off the outputs (the largest one
    at each step; repetitions count once; blanks are left out) and those said, summed over sequences and
    divided by the number of symbols. Solved: a score of at least 0.95.

    Parameters
    ----------
    symbols : int
        Different symbols.
    fewest, most : int
        Symbols in a sequence.
    noise : float
        Standard deviation of the noise.
    validation_size, test_size : int
        Number of sequences drawn.

    Examples
    --------
    Symbols 2, 1: silence 0; 2 2 2; silence 0 0; 1 1; silence 0 -> target 2 1, of length 2; 9 steps.

    Notes
    -----
    Ours, made after the phoneme labelling of the reference at the smallest size that keeps what makes it
    hard: unknown times, unknown durations, noise, and repeated symbols that only a silence separates.

    References
    ----------
    Graves, Fernández, Gomez & Schmidhuber (2006), "Connectionist temporal classification".
    """

    SPAN: ClassVar[str] = "most"

    symbols: int = 4
    fewest: int = 2
    most: int = 5
    noise: float = 0.3
    validation_size: int = 128
    test_size: int = 512

    def __post_init__(self) -> None:
        """Check the ranges."""
        whole_number("task.symbols", self.symbols, 1)
        whole_number("task.fewest", self.fewest, 1)
        whole_number("task.most", self.most, self.fewest)
        number("task.noise", self.noise, 0.0)
        whole_number("task.validation_size", self.validation_size, 1)
        whole_number("task.test_size", self.test_size, 1)

    @property
    def label(self) -> str:
        """Number of symbols, and how many occur in a sequence."""
        return f"spoken {self.fewest}-{self.most} of {self.symbols}"

    @property
    def n_in(self) -> int:
        """One input for each symbol."""
        return self.symbols

    @property
    def n_out(self) -> int:
        """The blank and the symbols."""
        return self.symbols + 1

    @property
    def loss(self) -> str:
        """Connectionist temporal classification."""
        return "ctc"

    def training(self, rng: np.random.Generator, size: int) -> Batch:
        """Draw ``size`` fresh sequences."""
        column = np.arange(size)
        count = rng.integers(self.fewest, self.most + 1, size)
        said = rng.integers(1, self.symbols + 1, (self.most, size))
        held, silence = rng.integers(2, 5, (self.most, size)), rng.integers(1, 3, (self.most + 1, size))
        target = np.where(np.arange(self.most)[:, None] < count, said, -1)
        # Before the k-th symbol lie k + 1 silences and k symbols.
        end = np.cumsum(silence[:-1] + held, axis=0)
        start = end - held
        lengths = end[count - 1, column] + silence[count, column]
        now = np.arange(6 * self.most + 2)[:, None, None]
        on = (start <= now) & (now < end) & (target > 0)
        x = rng.normal(0.0, self.noise, (len(now), size, self.symbols)).astype(np.float32)
        steps, places, sequences = np.nonzero(on)
        x[steps, sequences, said[places, sequences] - 1] += 1.0
        x[np.arange(len(x))[:, None] >= lengths] = 0.0
        return Batch(x, target, np.ones(size, np.float32), lengths)

    def validation(self, rng: np.random.Generator) -> Batch:
        """Draw ``validation_size`` sequences."""
        return self.training(rng, self.validation_size)

    def test(self, rng: np.random.Generator) -> Batch:
        """Draw ``test_size`` sequences."""
        return self.training(rng, self.test_size)

    def solved(self, y: Array, batch: Batch) -> bool:
        """Whether at most 5 % of the symbols are wrong."""
        return self.score(y, batch) >= 0.95

    def floors(self, rng: np.random.Generator) -> list[Floor]:
        """Return the scores without input, and from single steps of it."""
        batch = self.test(rng)
        steps = self._single_steps(batch)
        return [
            Floor(
                "best constant",
                0.0,
                self.constant_loss(batch),
                "closed",
                "writes nothing: the blank is the largest output; loss: probabilities of blank and symbols",
            ),
            Floor(
                "single steps",
                self.score(steps, batch),
                None,
                "closed",
                "the symbol of the largest input where it exceeds 1/2, else the blank; nothing learned",
            ),
            Floor("oracle", 1.0, None, "closed", "knows what was said"),
        ]

    def _single_steps(self, batch: Batch) -> Array:
        silence = np.full((*batch.x.shape[:2], 1), 0.5, batch.x.dtype)
        return np.concatenate([silence, batch.x], axis=2)
