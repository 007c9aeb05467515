"""Flip-flop: hold the sign of the last pulse of each channel, in streams without an end."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rnnbench.tasks.contract import (
    Array,
    Batch,
    Chunk,
    Floor,
    Task,
    mean_loss,
    number,
    relative_score,
    whole_number,
)


@dataclass
class Flipflop(Task):
    """Output, for each channel, the sign of its last pulse; 0 before the first one.

    A pulse of 1 or -1, equally likely, comes at each step and in each channel with probability ``pulse``;
    otherwise the input is 0. The target is the last pulse, for as long as no other comes. All steps are
    scored (mean squared error).

    Training data are streams: B sequences without an end, cut into chunks of ``chunk`` steps. With
    ``train.carry_state=true`` chunk after chunk is learned from, a network's state goes from each to the
    next, and the gradient stops at the border (truncated backpropagation through time). Each stream starts
    anew, values of 0, before a chunk with probability ``restart``; such sequences are flagged. Without it
    every batch is a first chunk, and what is held longer than ``chunk`` steps is never seen in training.
    Validation and test sequences are whole, of ``evaluated`` steps.

    Score: 1 - loss / loss of the best constant. Solved: a score of at least 0.95.

    Parameters
    ----------
    channels : int
        Channels, each with one input and one output.
    chunk : int
        Steps of a chunk.
    pulse : float
        Probability of a pulse.
    restart : float
        Probability that a stream starts anew before a chunk.
    evaluated : int
        Steps of a validation or test sequence.
    validation_size, test_size : int
        Number of sequences drawn.

    Examples
    --------
    One channel: x = 0 1 0 0 -1 0 -> target = 0 1 1 1 -1 -1.

    References
    ----------
    Sussillo & Barak (2013), "Opening the black box", section 3.3: three channels; the streams, the chunks and
    the figures are ours.
    """

    SPAN: ClassVar[str] = "evaluated"

    channels: int = 1
    chunk: int = 3
    pulse: float = 0.1
    restart: float = 0.05
    evaluated: int = 100
    validation_size: int = 64
    test_size: int = 256

    def __post_init__(self) -> None:
        """Check the ranges."""
        whole_number("task.channels", self.channels, 1)
        whole_number("task.chunk", self.chunk, 1)
        number("task.pulse", self.pulse, 0.001, 1.0)
        number("task.restart", self.restart, 0.0, 1.0)
        whole_number("task.evaluated", self.evaluated, 2)
        whole_number("task.validation_size", self.validation_size, 1)
        whole_number("task.test_size", self.test_size, 1)

    @property
    def label(self) -> str:
        """Channels, and steps of a chunk."""
        return f"flipflop {self.channels} x {self.chunk}"

    @property
    def n_in(self) -> int:
        """One for each channel."""
        return self.channels

    @property
    def n_out(self) -> int:
        """One for each channel."""
        return self.channels

    def training(self, rng: np.random.Generator, size: int) -> Batch:
        """Draw the first chunk of ``size`` streams."""
        return self._drawn(rng, self.chunk, np.zeros((size, self.channels), np.float32))

    def training_stream(self, rng: np.random.Generator, size: int) -> Iterator[Chunk]:
        """Yield the chunks of ``size`` streams; `reset` flags those that start anew."""
        held = np.zeros((size, self.channels), np.float32)
        reset = np.ones(size, np.bool_)
        while True:
            held[reset] = 0.0
            batch = self._drawn(rng, self.chunk, held)
            yield Chunk(batch, reset)
            held = batch.target[-1].copy()
            reset = rng.random(size) < self.restart

    def validation(self, rng: np.random.Generator) -> Batch:
        """Draw ``validation_size`` whole sequences."""
        return self._drawn(rng, self.evaluated, np.zeros((self.validation_size, self.channels), np.float32))

    def test(self, rng: np.random.Generator) -> Batch:
        """Draw ``test_size`` whole sequences."""
        return self._drawn(rng, self.evaluated, np.zeros((self.test_size, self.channels), np.float32))

    def _drawn(self, rng: np.random.Generator, steps: int, held: Array) -> Batch:
        """Draw sequences in which the channels hold those values before the first step."""
        u = rng.random((steps, *held.shape))
        x = ((u < self.pulse / 2).astype(np.float32) - (u > 1.0 - self.pulse / 2)).astype(np.float32)
        # Row 0 stands for what is held before; each step reads the row of the last pulse.
        rows = np.concatenate([held[None], x])
        last = np.maximum.accumulate(np.where(x != 0, np.arange(1, steps + 1)[:, None, None], 0), axis=0)
        target = np.take_along_axis(rows, last, axis=0)
        return Batch(x, target, np.ones(x.shape[:2], np.float32))

    def solved(self, y: Array, batch: Batch) -> bool:
        """Whether at least 95 % of the targets' variance is explained."""
        return self.score(y, batch) >= 0.95

    def floors(self, rng: np.random.Generator) -> list[Floor]:
        """Return the scores without memory and with a memory as long as a chunk."""
        batch = self.test(rng)
        constant = self.constant_loss(batch)
        blind = mean_loss(batch.x, batch, "mse")
        return [
            Floor("best constant", 0.0, constant, "closed", "the mean of the targets, about 0"),
            Floor(
                "no memory",
                relative_score(blind, constant),
                blind,
                "closed",
                "the input itself: right at a pulse and before the first one, 0 elsewhere",
            ),
            self._window(batch, constant),
            Floor("oracle", 1.0, 0.0, "both", "holds the last pulse"),
        ]

    def _window(self, batch: Batch, constant: float) -> Floor:
        """Return the floor of a network that sees ``chunk`` steps: older pulses count as none."""
        steps = len(batch.x)
        now = np.arange(1, steps + 1)[:, None, None]
        last = np.maximum.accumulate(np.where(batch.x != 0, now, 0), axis=0)
        seen = np.where(now - last < self.chunk, batch.target, 0.0)
        loss = mean_loss(seen, batch, "mse")
        how = f"the last pulse of the last {self.chunk} steps (train.carry_state=false sees no more), else 0"
        return Floor("a chunk's memory", relative_score(loss, constant), loss, "closed", how)
