"""Batches drawn ahead, into the blocks that are trained on in one compiled call."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from rnnbench.network import Network
from rnnbench.network.block import Block
from rnnbench.network.processor_time import counted
from rnnbench.tasks.contract import Batch, Task
from rnnbench.training.batches import cast

#: Bytes of data in a block, which should still be in the processor's cache when it is used.
BLOCK_BYTES = 2 << 20
#: Multiply-adds in a block: some tens of milliseconds, so that an interruption takes effect soon. Every step
#: counts as some thousand more, its overhead.
BLOCK_WORK, STEP_WORK = 750_000_000, 10_000
#: Shapes of batches for which a block is kept.
KEPT_SHAPES = 4


class Drawn(NamedTuple):
    """A block and the batches in it; a batch that does not fit into a block stands alone."""

    block: Block
    batches: list[Batch]


class Blocks:
    """The training data of one run, drawn in the order of the updates.

    A run that diverges within a block does not use all of it, which is harmless: nothing else reads that
    stream.

    Parameters
    ----------
    net : Network
        The network to train.
    task : Task
        The task, for its batches and its loss.
    rng : numpy.random.Generator
        Stream of the training data.
    batch : int
        Sequences in a batch.
    loop, reduction
        As in `Network.loss_and_grad`.
    dtype : numpy.dtype
        Type of the parameters.
    training : callable, optional
        (rng, size) -> Batch, in place of `task.training`.

    Attributes
    ----------
    draw : callable
        (most, sequences) -> `Drawn`: the next batches, at most `most` and no more than are needed for that
        many sequences.
    next : callable
        () -> Batch: the next batch alone.
    """

    def __init__(
        self,
        net: Network,
        task: Task,
        rng: np.random.Generator,
        *,
        batch: int,
        loop: str | int,
        reduction: str,
        dtype: np.dtype[Any],
        training: Callable[[np.random.Generator, int], Batch] | None = None,
    ) -> None:
        self._net, self._task, self._rng = net, task, rng
        self._training = task.training if training is None else training
        self._batch, self._loop, self._reduction, self._dtype = batch, loop, reduction, dtype
        self._kept: list[Block] = []
        self._left: Batch | None = None

    def state(self) -> dict[str, Any]:
        """Return the position of the stream, and the batch, if any, that was drawn but not used yet."""
        return {"rng": self._rng.bit_generator.state, "left": None if self._left is None else [*self._left]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` returned."""
        self._rng.bit_generator.state = state["rng"]
        self._left = None if state["left"] is None else Batch(*state["left"])

    def _draw(self, most: int, sequences: float = math.inf) -> Drawn:
        """Draw the next batches: at most `most`, of one shape, and no more than fill a block."""
        batches = [self._next()]
        block = self._block_for(batches[0])
        if sequences < math.inf:
            # All batches of a block have one shape.
            most = min(most, math.ceil(sequences / batches[0].x.shape[1]))
        while len(batches) < min(most, block.capacity) and block.filled:
            batch = self._next()
            if not block.add(*batch):
                self._left = batch
                break
            batches.append(batch)
        return Drawn(block, batches)

    def _next(self) -> Batch:
        """Draw the next batch alone."""
        if self._left is not None:
            batch, self._left = self._left, None
            return batch
        return cast(self._training(self._rng, self._batch), self._dtype)

    # Copying the data to where the kernels read them counts as drawing. A function of the class, because an
    # object that holds its own bound method is freed only by the cycle collector, with all its data.
    draw, next = counted(_draw, "data"), counted(_next, "data")

    def _block_for(self, batch: Batch) -> Block:
        """Return a block with this batch in it."""
        for kept in self._kept:
            kept.clear()
            if kept.add(*batch):
                return kept
        x, target, weight, lengths = batch
        block: Block = self._net.training_block(
            x, target, self._task.loss, weight, self._loop, self._reduction,
            lengths=lengths, dtype=self._dtype, capacity=updates_of_block(self._net, batch),
        )  # fmt: skip
        block.add(*batch)
        self._kept = [block, *self._kept[: KEPT_SHAPES - 1]]
        return block


def updates_of_block(net: Network, batch: Batch) -> int:
    """Return how many updates with such batches are made in one call, 1 or more."""
    steps, sequences = batch.weight.shape
    size = batch.x.nbytes + batch.target.nbytes + 8 * batch.weight.size
    work = steps * (3 * sequences * net.macs_per_step + STEP_WORK)
    return max(1, min(BLOCK_BYTES // size, int(BLOCK_WORK // work)))
