"""Gradient descent from one evaluation to the next: the loop that everything waits for."""

import math
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from rnnbench.kernels.clipping import global_norm
from rnnbench.network import Network, Parameters
from rnnbench.tasks.contract import Task
from rnnbench.training.batches import cast, scored_values
from rnnbench.training.optimisers import Updates

#: Share of a new loss in the smoothed one: about the last ten updates count.
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


class Descent:
    """A training in progress: parameters, optimiser, stream of data and the watch over divergence.

    A later compiled loop over steps replaces the inside of `advance` and nothing else.

    Parameters
    ----------
    net : Network
        The network.
    params : Parameters
        Changed in place.
    task : Task
        Gives batches and the loss.
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
    constant_loss : float
        Loss of the best constant output, against which divergence is measured.

    Attributes
    ----------
    done : int
        Updates made so far.
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
        constant_loss: float,
    ) -> None:
        self.net, self.params, self.task, self.update, self.rng = net, params, task, updates, rng
        self.batch, self.loop, self.reduction = batch, loop, reduction
        # Where the best constant makes no error, no multiple of its loss says anything.
        self.highest = EXCESS * constant_loss if constant_loss > 0 else math.inf
        self.smoothed = math.nan
        self.too_high = 0
        self.done = 0
        self.diverged = False
        self.data_seconds = 0.0
        self.train_seconds = 0.0

    def advance(self, updates: int) -> Stretch:
        """Make up to `updates` updates, fewer where the run diverges, and return their means."""
        net, params, task, loop, reduction = self.net, self.params, self.task, self.loop, self.reduction
        vector, loss_name, rng = params.vector, task.loss, self.rng
        losses = norms = 0.0
        clips = made = 0
        before = perf_counter()
        while made < updates and not self.diverged:
            batch = cast(task.training(rng, self.batch), vector.dtype)
            drawn = perf_counter()
            loss, gradient = net.loss_and_grad(
                params, batch.x, batch.target, loss_name, batch.weight, loop, reduction, lengths=batch.lengths
            )
            norm, clipped = self._step(vector, gradient.vector, loss)
            if reduction == "sum":
                loss /= scored_values(batch)
            self._watch(loss, norm)
            made += 1
            losses += loss
            norms += norm
            clips += clipped
            after = perf_counter()
            self.data_seconds += drawn - before
            self.train_seconds += after - drawn
            before = after
        self.done += made
        return Stretch(losses / made, norms / made, clips / made)

    def _step(self, vector: Any, gradient: Any, loss: float) -> tuple[float, bool]:
        # A loss that is not finite may come with a finite gradient, which would lead nowhere.
        if not math.isfinite(loss):
            return float(global_norm(gradient)), False
        return self.update(vector, gradient)

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
