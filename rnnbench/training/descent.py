"""Gradient descent from one evaluation to the next: the inner loop of training."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from rnnbench.kernels.clipping import global_norm
from rnnbench.network import Network, Parameters
from rnnbench.network.block import Block
from rnnbench.network.divergences import between_sequences
from rnnbench.network.processor_time import SPENT
from rnnbench.tasks.contract import Batch, Task
from rnnbench.training.batches import scored_values
from rnnbench.training.blocks import Blocks, Drawn
from rnnbench.training.budget import UNLIMITED, Budget
from rnnbench.training.checkpoint import overwrite
from rnnbench.training.chunks import Chunks
from rnnbench.training.updates import Updates

#: Weight of a new loss in the smoothed one, which covers about the last ten updates.
SMOOTHING = 0.1
#: A run has diverged when its smoothed loss exceeds the best constant's by this factor ...
EXCESS = 100.0
#: ... for this many updates in a row.
PATIENCE = 100


class Stretch(NamedTuple):
    """Means over the updates of one call of `Descent.advance`.

    Attributes
    ----------
    loss : float
        Training loss, a mean over the scored steps whatever the reduction.
    gradient_norm : float
        Global norm before clipping.
    clipped_share : float
        Share of the updates whose gradient was clipped.
    """

    loss: float
    gradient_norm: float
    clipped_share: float


@dataclass
class Sums:
    """Sums over the updates of a stretch so far, from which its means are computed."""

    made: int = 0
    losses: float = 0.0
    norms: float = 0.0
    clips: int = 0

    def means(self) -> Stretch:
        """Return the means over the stretch."""
        return Stretch(self.losses / self.made, self.norms / self.made, self.clips / self.made)


class Descent:
    """A training in progress: parameters, optimiser, stream of data and detection of divergence.

    Parameters
    ----------
    net : Network
        The network.
    params : Parameters
        Changed in place.
    task : Task
        The task, for its batches and its loss.
    updates : Updates
        Optimiser and clipping.
    rng : numpy.random.Generator
        Stream of the training data.
    batch : int
        Sequences in a batch.
    loop : "closed", "open" or int
        What feedback from the output box reads.
    reduction : "mean" or "sum"
        Of the loss that is minimised.
    memory : "full" or "recompute"
        Whether an update keeps every value or computes them twice.
    carry_state : bool
        Whether batches are chunks of streams, each starting from the state that the one before left behind.
    constant_loss : float
        Loss of the best constant output, against which divergence is measured.
    training : callable, optional
        (rng, size) -> Batch, in place of `task.training`.
    budget : Budget
        When the run ends; never by default.

    Attributes
    ----------
    at_border : callable
        Called before each block of updates, where `state` is complete; an exception it raises ends the run.
        Does nothing unless it is set.
    done, sequences : int
        Updates made so far, and sequences trained on.
    compiled_seconds : float
        Processor time of losses, gradients and updates in compiled code.
    diverged : bool
        Whether a loss or gradient was not finite (that step was not taken), or the smoothed loss stayed too
        high.
    data_seconds, train_seconds : float
        Time spent drawing batches, and on losses, gradients and updates.
    """

    def __init__(
        self,
        net: Network,
        params: Parameters,
        task: Task,
        updates: Updates,
        rng: np.random.Generator,
        *,
        batch: int,
        loop: str | int,
        reduction: str,
        memory: str,
        carry_state: bool = False,
        constant_loss: float,
        training: Callable[[np.random.Generator, int], Batch] | None = None,
        budget: Budget = UNLIMITED,
    ) -> None:
        self.net, self.params, self.task, self.update = net, params, task, updates
        self.loop, self.reduction, dtype = loop, reduction, params.vector.dtype
        self.blocks = Blocks(
            net, task, rng, batch=batch, loop=loop, reduction=reduction, dtype=dtype, training=training
        )
        self.chunks = Chunks(task, rng, batch, dtype) if carry_state else None
        self.memory = memory
        # With "recompute" long sequences are not copied into a block; and blocks only know losses of single
        # steps.
        self.alone = memory == "recompute" or between_sequences(task.loss) is not None
        # Where the best constant makes no error, multiples of its loss are no measure.
        self.highest = EXCESS * constant_loss if constant_loss > 0 else math.inf
        self.budget = budget
        self.at_border: Callable[[], Any] = lambda: None
        self.sums = Sums()
        self.smoothed = math.nan
        self.too_high = 0
        self.done = self.sequences = 0
        self.diverged = False
        self.data_seconds = self.train_seconds = self.compiled_seconds = 0.0

    @property
    def ended(self) -> bool:
        """Whether the budget is used up or the run has diverged."""
        return self.diverged or self.budget.spent(self.done, self.sequences, self.compiled_seconds)

    def state(self) -> dict[str, Any]:
        """Return all that later updates depend on, as plain data and arrays; between two blocks only."""
        return {
            "vector": self.params.vector,
            "averages": self.update.state,
            "step": self.update.step,
            "data": (self.chunks or self.blocks).state(),
            "stretch": asdict(self.sums),
        } | {name: getattr(self, name) for name in _FACTS}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` returned; only for a descent that has made no update."""
        overwrite(self.params.vector, state["vector"])
        overwrite(self.update.state, state["averages"])
        self.update.step = state["step"]
        self.sums = Sums(**state["stretch"])
        for name in _FACTS:
            setattr(self, name, state[name])
        if self.chunks is None:
            self.blocks.restore(state["data"])
        else:
            self.chunks.restore(state["data"], self.at_border)

    def advance(self, updates: int) -> Stretch:
        """Make up to `updates` updates, fewer where the run ends, and return their means.

        A stretch that was begun before a checkpoint is completed.
        """
        while self.sums.made < updates and not self.ended:
            self.at_border()
            self._advance(updates - self.sums.made)
        stretch, self.sums = self.sums.means(), Sums()
        return stretch

    def _advance(self, most: int) -> None:
        """Make the updates of the next block, at most `updates`."""
        # Another run on this thread may have ended in the meantime, and stopped the clock of compiled calls.
        SPENT.watched = True
        clock = perf_counter()
        # Divergence cannot end the run within a block: that takes this many more losses that are too high.
        block, batches = self._draw(min(most, PATIENCE - self.too_high))
        drawn, kernels = perf_counter(), SPENT.kernels
        sums, made = self.sums, 0
        losses, norms, clips = sums.losses, sums.norms, sums.clips
        for loss, norm, clipped in self._updates(block, batches):
            self._watch(loss, norm)
            made += 1
            losses += loss
            norms += norm
            clips += clipped
        self.sums = Sums(sums.made + made, losses, norms, clips)
        self.done += made
        self.sequences += made * batches[0].x.shape[1]
        self.data_seconds += drawn - clock
        self.train_seconds += perf_counter() - drawn
        self.compiled_seconds += SPENT.kernels - kernels

    def _draw(self, most: int) -> tuple[Block | None, list[Batch]]:
        """Draw the next training data: at most `most` batches in a block, or a single batch."""
        if self.chunks is not None:
            return None, [self.chunks.next()]
        if self.alone:
            return None, [self.blocks.next()]
        updates, sequences = self.budget.left(self.done, self.sequences)
        drawn: Drawn = self.blocks.draw(min(most, updates), sequences)
        return drawn

    def _updates(self, block: Block | None, batches: list[Batch]) -> Iterator[tuple[float, float, bool]]:
        """Make an update with each batch; yield mean loss, norm and whether it was clipped.

        The last values are those of the update at which a loss or gradient is not finite.
        """
        rule, at, finite = self.update.rule_of_block(), 0, True
        while at < len(batches) and finite:
            if block is not None:
                updated = block.update(self.params, rule, self.update.step + 1, at)
                finite = updated.finite
                self.update.step += updated.stop - at
                for batch, loss, norm, clipped in zip(batches[at:], *updated[2:], strict=False):
                    yield self._mean(loss, batch), norm, clipped
                at = updated.stop
            if at < len(batches) and finite:
                loss, norm, clipped = self._update(batches[at])
                finite = math.isfinite(loss) and math.isfinite(norm)
                yield self._mean(loss, batches[at]), norm, clipped
                at += 1

    def _mean(self, loss: float, batch: Batch) -> float:
        return loss / scored_values(batch, self.task.loss) if self.reduction == "sum" else loss

    def _update(self, batch: Batch) -> tuple[float, float, bool]:
        # Where a batch does not fit into a block, this call raises the error that says why.
        given = self.task.loss, batch.weight, self.loop, self.reduction
        if self.chunks is not None:
            loss, gradient = self.chunks.loss_and_grad(self.net, self.params, batch, *given)
        else:
            loss, gradient = self.net.loss_and_grad(
                self.params, batch.x, batch.target, *given, lengths=batch.lengths, memory=self.memory
            )
        # A loss that is not finite may have a finite gradient, which is meaningless.
        if not math.isfinite(loss):
            return loss, float(global_norm(gradient.vector)), False
        return loss, *self.update(self.params.vector, gradient.vector)

    def _watch(self, loss: float, norm: float) -> None:
        if not (math.isfinite(loss) and math.isfinite(norm)):
            self.diverged = True
            return
        if self.smoothed == self.smoothed:
            self.smoothed += SMOOTHING * (loss - self.smoothed)
        else:
            self.smoothed = loss
        self.too_high = self.too_high + 1 if self.smoothed > self.highest else 0
        self.diverged = self.too_high >= PATIENCE


#: Attributes that are part of the state, besides arrays, data and the stretch.
_FACTS = (
    "done",
    "sequences",
    "smoothed",
    "too_high",
    "diverged",
    "data_seconds",
    "train_seconds",
    "compiled_seconds",
)
