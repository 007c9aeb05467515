"""Streams of training data in chunks, and the state that is carried from each chunk to the next."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.network import Network, Parameters
from rnnbench.network.arrays import State
from rnnbench.network.processor_time import counted
from rnnbench.tasks.contract import Batch, Task
from rnnbench.training.batches import cast

#: Chunks that are drawn again between two calls of `may_go_on`.
REPLAYED = 100


class Chunks:
    """The streams of one run.

    Parameters
    ----------
    task : Task
        A task that gives streams.
    rng : numpy.random.Generator
        Stream of the training data.
    size : int
        Streams side by side.
    dtype : numpy.dtype
        Type of the parameters.
    """

    def __init__(self, task: Task, rng: np.random.Generator, size: int, dtype: np.dtype[Any]) -> None:
        self._name, self._dtype, self._rng, self._drawn = task.name, dtype, rng, 0
        self._draw = counted(task.training_stream(rng, size).__next__, "data")
        self._reset: NDArray[np.bool_] | None = None
        self._state: State | None = None

    def next(self) -> Batch:
        """Draw the next chunk."""
        batch, self._reset = self._draw()
        self._drawn += 1
        return cast(batch, self._dtype)

    def state(self) -> dict[str, Any]:
        """Return the number of chunks drawn, and the states of the generator and of the network."""
        return {"drawn": self._drawn, "rng": self._rng.bit_generator.state, "network": self._state}

    def restore(self, state: Mapping[str, Any], may_go_on: Callable[[], Any]) -> None:
        """Continue from what `state` returned; only for streams from which nothing was drawn yet.

        The memory of a stream is internal to the task, so it is restored by drawing the same chunks again.

        Parameters
        ----------
        state : Mapping
            What `state` returned.
        may_go_on : callable
            Called every few chunks; an exception it raises ends the drawing.
        """
        for number in range(state["drawn"]):
            if number % REPLAYED == 0:
                may_go_on()
            self._draw()
        if self._rng.bit_generator.state != state["rng"]:
            raise ValueError(f"task={self._name}: its streams are others than before")
        self._drawn, self._state = state["drawn"], state["network"]

    def loss_and_grad(self, net: Network, params: Parameters, batch: Batch, *given: Any) -> Any:
        """Return loss and gradient of the chunk drawn last, and keep the state after it.

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
