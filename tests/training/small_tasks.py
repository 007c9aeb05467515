"""Tasks small enough to train in a second, and one that notes what it was asked for."""

import hashlib
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from rnnbench.tasks.contract import Batch, Task


def ones(x):
    """Weights of 1 for every step."""
    return np.ones(x.shape[:2], np.float32)


@dataclass
class Delay(Task):
    """Say what came `lag` steps ago: y_t = x_{t-lag}, solved above a score of `goal` (by default never)."""

    SPAN: ClassVar[str] = "length"

    length: int = 6
    lag: int = 1
    goal: float = 2.0

    @property
    def n_in(self):
        """One input."""
        return 1

    @property
    def n_out(self):
        """One output."""
        return 1

    def draw(self, rng, size):
        """Draw signs."""
        x = rng.choice([-1.0, 1.0], size=(self.length, size, 1)).astype(np.float32)
        target, weight = np.zeros_like(x), ones(x)
        target[self.lag :] = x[: -self.lag]
        weight[: self.lag] = 0
        return Batch(x, target, weight)

    def training(self, rng, size):
        """Fresh sequences."""
        return self.draw(rng, size)

    def validation(self, rng):
        """64 sequences."""
        return self.draw(rng, 64)

    def test(self, rng):
        """64 sequences."""
        return self.draw(rng, 64)

    def floors(self, rng):
        """None."""
        return []

    def solved(self, y, batch):
        """Whether the score is high enough."""
        return self.score(y, batch) > self.goal


@dataclass
class Closed(Delay):
    """A delay whose targets must not be fed back."""

    @property
    def open_loop(self):
        """Whether targets may be fed."""
        return False


@dataclass
class Symbols(Delay):
    """The same with 3 symbols: integer inputs, labels, cross-entropy."""

    @property
    def n_in(self):
        """Three symbols."""
        return 3

    @property
    def n_out(self):
        """Three classes."""
        return 3

    @property
    def loss(self):
        """Labels."""
        return "cross_entropy"

    def draw(self, rng, size):
        """Draw symbols."""
        x = rng.integers(3, size=(self.length, size))
        target, weight = np.zeros_like(x), ones(x)
        target[self.lag :] = x[: -self.lag]
        weight[: self.lag] = 0
        return Batch(x, target, weight)


@dataclass
class Uneven(Delay):
    """The same with lengths of their own and targets that are not known."""

    def draw(self, rng, size):
        """Draw signs and lengths."""
        x, target, weight, _ = super().draw(rng, size)
        lengths = rng.integers(self.lag + 1, self.length + 1, size=size)
        weight[np.arange(self.length)[:, None] >= lengths] = 0
        target[-1, ::2] = np.nan
        return Batch(x, target, weight, lengths)


@dataclass
class Broken(Delay):
    """NaN in the training data from the fourth batch on."""

    drawn: int = field(default=0, compare=False)

    def training(self, rng, size):
        """Fresh sequences, three times."""
        self.drawn += 1
        batch = self.draw(rng, size)
        if self.drawn > 3:
            batch.x[0, 0] = np.nan
        return batch


@dataclass
class Watched(Delay):
    """A delay that notes every draw."""

    calls: list = field(default_factory=list, compare=False)

    def note(self, purpose, batch):
        """Keep purpose and a digest of the data."""
        self.calls.append((purpose, hashlib.sha256(batch.x.tobytes()).hexdigest()))
        return batch

    def training(self, rng, size):
        """Draw and note."""
        return self.note("train", super().training(rng, size))

    def validation(self, rng):
        """Draw and note."""
        return self.note("validation", super().validation(rng))

    def test(self, rng):
        """Draw and note."""
        return self.note("test", super().test(rng))

    def of(self, purpose):
        """Return the digests of one purpose."""
        return [digest for name, digest in self.calls if name == purpose]


@dataclass
class Changing(Delay):
    """Batches of 1 to 4 sequences of 3 to 5 steps."""

    def training(self, rng, size):
        """Draw a size too."""
        batch = self.draw(rng, size)
        steps, size = rng.integers(3, 6), rng.integers(1, 5)
        return Batch(*(np.ascontiguousarray(array[:steps, :size]) for array in batch[:3]))
