"""Blocks: batches of one shape, drawn in advance, and the updates made with them in one compiled call."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnbench.kernels import tables as k
from rnnbench.kernels import training as compiled
from rnnbench.kernels.backward import backward
from rnnbench.kernels.forward import forward
from rnnbench.kernels.optimisers import Rule
from rnnbench.kernels.pointers import pointer
from rnnbench.network import arrays
from rnnbench.network.arrays import InputError, Loop
from rnnbench.network.buffers import Buffers
from rnnbench.network.objective import check_loss
from rnnbench.network.parameters import Parameters
from rnnbench.network.passes import FUSED_ACTIVATION, LOSS_CODES
from rnnbench.network.processor_time import counted
from rnnbench.network.schedule import loop_kind
from rnnbench.network.structure import Structure

Array = NDArray[Any]

training_steps = counted(compiled.training_steps)

#: Addresses of the compiled passes, for each type of parameters.
_addresses: dict[np.dtype[Any], tuple[int, int]] = {}


class Updated(NamedTuple):
    """What `Block.update` did.

    Attributes
    ----------
    stop : int
        The batch after the last one whose loss was computed.
    finite : bool
        False where the last loss or norm is not finite: that update was left out, and the call ended.
    loss, norm, clipped : list
        Of each batch: the loss, the gradient's global norm before clipping, and whether it was clipped.
    """

    stop: int
    finite: bool
    loss: list[float]
    norm: list[float]
    clipped: list[bool]


class Block:
    """Room for batches of one shape; made by `Network.training_block`.

    Not to be filled or used by two threads at a time.
    """

    def __init__(
        self,
        net: Structure,
        x: Array,
        target: Array,
        loss: str,
        weight: Array | None,
        loop: Loop,
        reduction: str,
        lengths: Any,
        dtype: np.dtype[Any],
        capacity: int,
    ) -> None:
        if check_loss(net, loss, reduction, target) is not None:
            raise ValueError(f"loss={loss!r}: a block is for losses of single steps")
        self.net, self.dtype, self.capacity, self.filled = net, dtype, capacity, 0
        self.shape = shape = arrays.check_x(x, net.n_in, dtype)
        arrays.check_target(target, shape, net.n_out, loss == "cross_entropy")
        arrays.check_weight(weight, shape)
        if lengths is not None:
            arrays.check_lengths(lengths, shape)
        switch = arrays.check_loop(loop, shape.steps if net.has_feedback else 0)
        self._loop = loop_kind(switch, shape.steps)
        self._fused = loss in FUSED_ACTIVATION
        self._objective = compiled.Objective(
            LOSS_CODES[loss], reduction == "mean", net.n_out, switch, 1 if self._loop == "open" else 0
        )
        self._kind = self._kind_of(x), self._kind_of(target), weight is not None
        self._allocate(shape.one_hot, target.dtype.kind in "iu", weight is not None)
        self._course = compiled.Course(np.empty(capacity), np.empty(capacity), np.empty(capacity, np.bool_))

    def _allocate(self, one_hot: bool, with_labels: bool, weighted: bool) -> None:
        places = self.capacity, self.shape.steps, self.shape.sequences
        x = np.empty(places, np.int64) if one_hot else np.empty((*places, self.net.n_in), self.dtype)
        target = (
            np.empty(places, np.int64) if with_labels else np.empty((*places, self.net.n_out), self.dtype)
        )
        weight = np.empty(places if weighted else 0)
        lengths = np.empty((self.capacity, self.shape.sequences), np.int64)
        self._places = x, target, weight, lengths
        none, no_index = np.empty(0, self.dtype), np.empty(0, np.int64)
        inputs = (none, x) if one_hot else (x, no_index)
        targets = (none, target) if with_labels else (target, no_index)
        self._draws = compiled.Draws(*(a.reshape(-1) for a in (*inputs, *targets, weight, lengths)))

    @staticmethod
    def _kind_of(array: Any) -> Any:
        """Return shape, type and order, in which every batch of a block must agree."""
        kind = array.dtype.kind
        return array.shape, "i" if kind in "iu" else array.dtype, array.flags.c_contiguous

    def add(self, x: Array, target: Array, weight: Array | None = None, lengths: Any = None) -> bool:
        """Append a copy of a batch; return False, changing nothing, if it does not fit or the block is full.

        Parameters
        ----------
        x, target, weight, lengths
            As in `Network.loss_and_grad`.
        """
        if self.filled == self.capacity or not all(isinstance(a, np.ndarray) for a in (x, target)):
            return False
        if (self._kind_of(x), self._kind_of(target), weight is not None) != self._kind:
            return False
        expected, (own_x, own_target, own_weight, own_lengths) = x.shape[:2], self._places
        if weight is not None:
            if (
                not isinstance(weight, np.ndarray)
                or weight.shape != expected
                or weight.dtype.kind not in "fiub"
            ):
                return False
            own_weight[self.filled] = weight
        if lengths is not None:
            lengths = np.asarray(lengths)
            if lengths.shape != expected[1:] or lengths.dtype.kind not in "iu":
                return False
        own_lengths[self.filled] = self.shape.steps if lengths is None else lengths
        own_x[self.filled], own_target[self.filled] = x, target
        self.filled += 1
        return True

    def clear(self) -> None:
        """Forget all batches."""
        self.filled = 0

    def update(self, params: Parameters, rule: Rule, step: int = 1, first: int = 0) -> Updated:
        """Make an update with each batch from `first` on, in one compiled call that releases the lock.

        The bits are those of `Network.loss_and_grad` followed by an update, batch by batch. It ends before a
        batch that `loss_and_grad` would refuse; then ``finite`` and ``stop < filled``.

        Parameters
        ----------
        params : Parameters
            Changed in place.
        rule : Rule
            The optimiser's rule; its state changes in place.
        step : int
            Number of the first update of the rule, counted from 1.
        first : int
            The batch to begin with.
        """
        vector = params.vector
        if self.net.check_parameters(params) is not vector or vector.dtype != self.dtype:
            raise InputError(f"params: expected a writable {self.dtype} vector; given {vector.dtype}")
        if rule.state.shape[1] != vector.size or rule.state.dtype != self.dtype:
            raise InputError(f"rule: expected the state of {vector.size} {self.dtype} parameters")
        at, reason, loop = first, compiled.OTHER_PLAN, self._loop
        while reason == compiled.OTHER_PLAN:
            objective = self._objective
            if loop != self._loop:
                objective = objective._replace(plans=-1)
            engine = self._engine(loop, vector)
            at, reason = training_steps(
                engine, vector, self._draws, objective, rule, step + at - first, at, self.filled, self._course
            )
            # An open loop with unknown targets has cycles: it needs the plan of the mixed loop.
            loop = "mixed" if loop == self._loop else self._loop
        done = slice(first, at)
        loss, norm, clipped = (column[done].tolist() for column in self._course)
        return Updated(at, reason != compiled.NOT_FINITE, loss, norm, clipped)

    def _engine(self, loop: str, vector: Array) -> compiled.Engine:
        """Return the calling thread's buffers for one plan, and the addresses of the passes."""
        plan, dtype = self.net.plan(loop), self.dtype
        buffers = self.net.buffers(plan, self.shape, dtype)
        buffers.carried[:] = 0
        tables, none = plan.tables(dtype), np.empty(0, dtype)
        batch = self._batch(buffers)
        adjoint = buffers.adjoint(buffers.dy, self._fused, np.empty(vector.size), none, none)
        if dtype not in _addresses:
            _addresses[dtype] = (
                pointer(forward, tables, vector, buffers.packed, batch, buffers.values),
                pointer(backward, tables, vector, batch, buffers.values, adjoint),
            )
        passes = _addresses[dtype]
        return compiled.Engine(
            *passes,
            tables,
            buffers.packed,
            buffers.values,
            batch,
            adjoint,
            buffers.weight,
            np.empty_like(vector),
        )

    def _batch(self, buffers: Buffers) -> k.Batch:
        """Return what all batches share; the kernel fills in the arrays of each."""
        none, no_index = np.empty(0, self.dtype), np.empty(0, np.int64)
        return k.Batch(
            steps=self.shape.steps,
            sequences=self.shape.sequences,
            inputs=self.net.n_in,
            block=buffers.block,
            regions=buffers.regions,
            x=none,
            index=no_index,
            x_before=none,
            index_before=no_index,
            lengths=no_index,
            ragged=False,
            offset=buffers.no_offset,
            known=buffers.known,
            scored=buffers.scored,
            alike=True,
            carried=buffers.carried,
            segments=buffers.segments,
        )
