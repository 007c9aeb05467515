"""The contracts of tasks whose loss compares whole sequences, and of tasks that give streams."""

from dataclasses import dataclass

import numpy as np
import pytest

from rnnbench.checking import check_task
from rnnbench.network import SoftDTW
from rnnbench.network.divergences import between_sequences
from rnnbench.tasks.contract import Batch, Chunk, Floor
from rnnbench.tasks.flipflop import Flipflop
from rnnbench.tasks.spoken import Spoken


def failed(task):
    return {finding.contract: finding.note for finding in check_task(task) if not finding.holds}


@dataclass
class Shape(Spoken):
    """The order of the symbols as a curve, by soft-DTW; its own score is the loss over that of silence."""

    @property
    def loss(self):
        return SoftDTW(0.01)

    @property
    def n_out(self):
        return 1

    def training(self, rng, size):
        batch = super().training(rng, size)
        curve = np.where(batch.target > 0, batch.target, np.nan).astype(np.float32)[..., None]
        return batch._replace(target=np.ascontiguousarray(curve))

    def constant_loss(self, batch):
        return min(self._loss(np.full((*batch.x.shape[:2], 1), c), batch) for c in np.linspace(1, 4, 31))

    def _loss(self, y, batch):
        divergence = between_sequences(self.loss)
        return divergence.compare(y, batch.target, batch.lengths, batch.weight, "mean").value

    def score(self, y, batch):
        best = self._loss(np.where(np.isfinite(y), y, 1e3), batch)
        return min(1.0, 1.0 - best / self.constant_loss(batch))

    def floors(self, rng):
        return [Floor("best constant", 0.0, self.constant_loss(self.test(rng)), "closed", "one height")]


def squared_sum(y, target, lengths):
    inside = (np.arange(len(y))[:, None] < lengths)[..., None]
    error = np.where(inside, y, 0).sum(axis=0) - target
    return (error**2).mean(), np.where(inside, 2 * error / error.size, 0.0)


@dataclass
class Total(Spoken):
    """How many steps are loud, as the sum of the outputs: a function of one's own."""

    @property
    def loss(self):
        return squared_sum

    @property
    def n_out(self):
        return 1

    def training(self, rng, size):
        batch = super().training(rng, size)
        return batch._replace(target=batch.x.sum(axis=(0, 2))[:, None])

    def score(self, y, batch):
        return 1.0 - squared_sum(y, batch.target, batch.lengths)[0] / 100.0

    def floors(self, rng):
        batch = self.test(rng)
        heights = np.linspace(0, 1, 101)
        y = np.ones((*batch.x.shape[:2], 1))
        least = min(float(squared_sum(c * y, batch.target, batch.lengths)[0]) for c in heights)
        return [Floor("best constant", 1.0 - least / 100.0, least, "closed", "the mean loudness")]


def test_a_task_of_soft_dtw_keeps_the_contracts():
    assert failed(Shape()) == {}


def test_a_task_of_a_function_keeps_the_contracts():
    task = Total()
    notes = {finding.contract: finding.note for finding in check_task(task)}
    assert failed(task) == {}
    assert notes["score"].startswith("not tried")


@dataclass
class Blank(Spoken):
    """A label that is the blank."""

    def training(self, rng, size):
        batch = super().training(rng, size)
        batch.target[0, 0] = 0
        return batch


@dataclass
class Hasty(Spoken):
    """Sequences too short for their labels."""

    def training(self, rng, size):
        batch = super().training(rng, size)
        batch.lengths[:] = 1
        return batch


@dataclass
class Stepwise(Spoken):
    """Weights of steps."""

    def training(self, rng, size):
        batch = super().training(rng, size)
        return Batch(batch.x, batch.target, np.ones(batch.x.shape[:2], np.float32), batch.lengths)


@dataclass
class Misspelt(Spoken):
    """A loss that there is not."""

    loss = "ctcc"
    output_activation = "softmax"


@pytest.mark.parametrize(
    ("task", "contract", "note"),
    [
        (Blank(), "shapes", "0 is the blank"),
        (Hasty(), "shapes", "cannot be aligned"),
        (Stepwise(), "shapes", r"weight: expected (8,) numbers"),
        (Misspelt(), "shapes", "loss='ctcc': must be one of"),
    ],
)
def test_planted_bugs_are_named(task, contract, note):
    assert note in failed(task)[contract]


@dataclass
class NoReset(Flipflop):
    """The first chunk goes on from nowhere."""

    def training_stream(self, rng, size):
        for batch, reset in super().training_stream(rng, size):
            yield Chunk(batch, np.zeros_like(reset))


@dataclass
class OwnChance(Flipflop):
    """Chunks that the generator does not decide."""

    def training_stream(self, rng, size):
        return super().training_stream(np.random.default_rng(), size)


@dataclass
class Bare(Flipflop):
    """Batches in place of chunks."""

    def training_stream(self, rng, size):
        return (chunk.batch for chunk in super().training_stream(rng, size))


@pytest.mark.parametrize(
    ("task", "note"),
    [
        (NoReset(), "reset must flag every stream"),
        (OwnChance(), "streams of the same generator are not the same"),
        (Bare(), "yields a Batch, not a Chunk"),
    ],
)
def test_planted_bugs_of_streams_are_named(task, note):
    assert note in failed(task)["streams"]
