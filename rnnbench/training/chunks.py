"""Streams of training data, chunk after chunk, and the state that goes from each to the next."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.network import Network, Parameters
from rnnbench.network.arrays import State
from rnnbench.network.clock import counted
from rnnbench.tasks.contract import Batch, Task
from rnnbench.training.batches import cast


class Chunks:
    """The streams of one run.

    Parameters
    ----------
    task : Task
        One that gives streams.
    rng : numpy.random.Generator
        Stream of the training data.
    size : int
        Streams side by side.
    dtype : numpy.dtype
        Type of the parameters.
    """

    def __init__(self, task: Task, rng: np.random.Generator, size: int, dtype: np.dtype[Any]) -> None:
        self._name, self._dtype = task.name, dtype
        self._draw = counted(task.training_stream(rng, size).__next__, "data")
        self._reset: NDArray[np.bool_] | None = None
        self._state: State | None = None

    def next(self) -> Batch:
        """Draw the next chunk."""
        batch, self._reset = self._draw()
        return cast(batch, self._dtype)

    def loss_and_grad(self, net: Network, params: Parameters, batch: Batch, *given: Any) -> Any:
        """Return loss and gradient of the chunk drawn last, and keep the state behind it.

        Parameters
        ----------
        net, params
            The network.
        batch : Batch
            The chunk.
        *given
            Loss, weight, loop and reduction.
        """
        size = batch.x.shape[1]
        if self._state is not None and self._state["step"].size != size:
            raise ValueError(f"task={self._name}: the number of streams changes from chunk to chunk")
        loss, gradient, self._state = net.loss_and_grad(
            params, batch.x, batch.target, *given,
            lengths=batch.lengths, state=self._state, reset=self._reset, return_state=True,
        )  # fmt: skip
        return loss, gradient
