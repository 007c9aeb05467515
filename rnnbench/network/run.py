"""One call of the kernels: arrays checked, buffers found, tables chosen."""

import copy
import threading
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.kernels import backward as backward_kernels
from rnnbench.kernels import forward as forward_kernels
from rnnbench.kernels import losses
from rnnbench.kernels import tables as k
from rnnbench.kernels.vectors import padded
from rnnbench.network import arrays
from rnnbench.network.arrays import InputError, Shape, State
from rnnbench.network.clock import counted
from rnnbench.network.graph import INPUT_NAME
from rnnbench.network.parameters import Parameters
from rnnbench.network.schedule import CACHE_LINE, Plan

#: Shapes for which a thread keeps buffers; the least recently used go first.
KEPT_SHAPES = 4
LOSS_CODES = {
    "mse": k.MSE,
    "binary_cross_entropy": k.BINARY_CROSS_ENTROPY,
    "cross_entropy": k.CROSS_ENTROPY,
}
#: The loss whose gradient is taken together with the output's activation.
FUSED_ACTIVATION = {"binary_cross_entropy": "sigmoid", "cross_entropy": "softmax"}

forward, backward = counted(forward_kernels.forward), counted(backward_kernels.backward)
prepare_steps, loss_and_dy = counted(losses.prepare_steps), counted(losses.loss_and_dy)


def aligned(size: int, dtype: np.dtype[Any], zero: bool = False) -> NDArray[Any]:
    """Return an array that begins with a cache line: vectors that lie across two lines cost twice as much."""
    line = CACHE_LINE // dtype.itemsize
    room = (np.zeros if zero else np.empty)(size + line, dtype)
    start = -room.ctypes.data % CACHE_LINE // dtype.itemsize
    return room[start : start + size]


class Buffers:
    """Arrays one thread reuses for one shape, plan and dtype."""

    def __init__(self, plan: Plan, shape: Shape, dtype: np.dtype[Any]) -> None:
        rows = shape.steps * shape.sequences
        tables = plan.tables(dtype)
        outputs = int(tables.boxes[tables.output, k.SIZE])
        self.regions, size = plan.regions(shape.steps, shape.sequences, dtype)
        self.block = plan.block(shape.steps, shape.sequences, dtype)
        self.values = aligned(size, dtype)
        self.dvalues = np.empty(0, dtype)
        self.dy = np.empty((rows, outputs), dtype)
        # Padding is 0 from now on: kernels write around it.
        self.packed = aligned(tables.packed_size + tables.transposed_size, dtype, zero=True)
        self.packed_gradient = aligned(tables.packed_size + tables.transposed_size, dtype, zero=True)
        self.transposed = aligned(tables.transposed_size + tables.packed_size, dtype, zero=True)
        self.segments = np.zeros(plan.segments, np.int64)
        self.weight = np.empty(rows)
        self.known = np.empty(rows, np.uint8)
        self.scored = np.empty(shape.steps, np.uint8)
        self.carried = np.zeros(len(self.regions), np.uint8)
        self.no_offset = np.zeros(shape.sequences, np.int64)

    def adjoint(
        self,
        dy: NDArray[Any],
        fused: bool,
        gradient: NDArray[Any],
        dx: NDArray[Any],
        dx_before: NDArray[Any],
        later: NDArray[Any] | None = None,
    ) -> k.Adjoint:
        """Return the arrays of a backward pass that fills `gradient`; `dx` and `dx_before` may be empty."""
        self.for_backward()
        after = np.empty(0, self.values.dtype) if later is None else later
        scratch = self.packed_gradient, self.transposed
        return k.Adjoint(self.dvalues, dy.reshape(-1), fused, gradient, *scratch, dx, dx_before, after)

    def for_backward(self) -> None:
        """Make room for the gradient of every value, once."""
        if self.dvalues.size == 0:
            # Products read whole vectors, beyond the last row too.
            self.dvalues = aligned(self.values.size + padded(1, self.values.itemsize), self.values.dtype)

    def shortened(self, shape: Shape) -> "Buffers":
        """Return these buffers for a run of no more steps, which shares all memory."""
        rows, short = shape.steps * shape.sequences, copy.copy(self)
        short.dy, short.weight, short.known = self.dy[:rows], self.weight[:rows], self.known[:rows]
        short.scored, short.block = self.scored[: shape.steps], min(self.block, shape.steps)
        return short


class Workspace(threading.local):
    """The buffers of the calling thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, Buffers] = OrderedDict()

    def buffers(self, plan: Plan, shape: Shape, dtype: np.dtype[Any]) -> Buffers:
        """Return buffers for this plan, shape and dtype, made once."""
        key = (plan.key, shape.steps, shape.sequences, dtype)
        if key not in self._kept:
            self._kept[key] = Buffers(plan, shape, dtype)
            while len(self._kept) > KEPT_SHAPES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


class Run:
    """A forward pass of a network over one batch, and what follows from it.

    Made by `Network`; holds the calling thread's buffers and must not outlive the call.
    """

    def __init__(
        self,
        net: Any,
        params: Parameters,
        x: NDArray[Any],
        target: NDArray[Any] | None,
        loop: arrays.Loop,
        *,
        weight: NDArray[Any] | None = None,
        lengths: Any = None,
        state: Any = None,
        gates: str = "declared",
        loss: str | None = None,
    ) -> None:
        self.net, self.params = net, params
        self.vector = net._check_parameters(params)
        dtype = self.vector.dtype
        self.shape = shape = arrays.check_x(x, net.n_in, dtype)
        labels_only = None if loss is None else loss == "cross_entropy"
        self.target, self.labels = arrays.check_target(target, shape, net.n_out, dtype, labels_only)
        weight = arrays.check_weight(weight, shape)
        self.lengths, self.ragged = np.full(shape.sequences, shape.steps, np.int64), False
        if lengths is not None:
            self.lengths = arrays.check_lengths(lengths, shape)
            self.ragged = bool(self.lengths.min() < shape.steps)
        switch = arrays.check_loop(loop, shape.steps) if net.has_feedback else arrays.check_loop(loop, 0)
        if switch and target is None:
            raise InputError(f"loop={loop!r}: feeds the targets back, and no target is given")
        self.plan, self.buffers = self._choose_plan(weight, switch, gates)
        self.state = {} if state is None else arrays.check_state(state, net._state_shapes(shape, dtype))
        self.batch = self._batch(x)
        self._place_outside_values()
        self._forward(everything=loss is None)

    def _choose_plan(self, weight: NDArray[Any], switch: int, gates: str) -> tuple[Plan, Buffers]:
        """Prepare step weights and fed targets; the plan depends on whether all targets are known."""
        net, shape = self.net, self.shape
        loop = "closed" if switch == 0 else "open" if switch == shape.steps else "mixed"
        plan = net._plan(loop, gates)
        buffers = net._workspace.buffers(plan, shape, self.vector.dtype)
        steps = (self.target, self.labels, weight, self.lengths, switch, net.n_out)
        prepared = prepare_steps(*steps, buffers.weight, buffers.known, buffers.scored)
        self.total, unknown, bad = prepared
        if bad >= 0:
            t, b = divmod(bad, shape.sequences)
            arrays.refuse_step(t, b, net.n_out if self.labels.size else 0)
        if loop == "open" and unknown:
            plan = net._plan("mixed", gates)
            other = net._workspace.buffers(plan, shape, self.vector.dtype)
            other.weight[:], other.known[:], other.scored[:] = buffers.weight, buffers.known, buffers.scored
            buffers = other
        return plan, buffers

    def _batch(self, x: NDArray[Any]) -> k.Batch:
        shape, buffers, dtype = self.shape, self.buffers, self.vector.dtype
        if self.ragged:
            # Beyond its own end a sequence's input is 0, whatever the padding holds (NaN included).
            beyond = np.arange(shape.steps)[:, None] >= self.lengths
            x = np.where(beyond if shape.one_hot else beyond[:, :, None], -1 if shape.one_hot else 0, x)
        empty, no_index = np.empty(0, dtype), np.empty(0, np.int64)
        x_before, index_before = empty, no_index
        if INPUT_NAME in self.state:
            # The state's row 0 is t = -1; the kernels read oldest first.
            before = self.state[INPUT_NAME][::-1].flatten()
            x_before, index_before = (empty, before) if shape.one_hot else (before, no_index)
        offset = self.state.get("step")
        return k.Batch(
            shape.steps,
            shape.sequences,
            self.net.n_in,
            buffers.block,
            buffers.regions,
            empty if shape.one_hot else arrays.plain(np.ascontiguousarray(x, dtype)),
            arrays.plain(np.ascontiguousarray(x, np.int64)) if shape.one_hot else no_index,
            x_before,
            index_before,
            self.lengths,
            self.ragged,
            buffers.no_offset if offset is None else arrays.plain(offset),
            buffers.known,
            buffers.scored,
            not self.ragged and (offset is None or bool((offset == offset[0]).all())),
            buffers.carried,
            buffers.segments,
        )

    def _flat_rows(self, buffer: NDArray[Any], row: int, first: int, last: int) -> NDArray[Any]:
        """Return a view ((last - first) * B, width) of the steps of the box in that row of the tables."""
        table = self.plan.tables(self.vector.dtype).boxes
        width, sequences = int(table[row, k.WIDTH]), self.shape.sequences
        before = (int(table[row, k.INITIAL_SLOTS]) + first) * sequences
        start = int(self.buffers.regions[row]) + before * width
        return buffer[start : start + (last - first) * sequences * width].reshape(
            (last - first) * sequences, width
        )

    def rows(self, buffer: NDArray[Any], row: int, first: int, last: int) -> NDArray[Any]:
        """Return a view (last - first, B, size) of the same."""
        rows = self._flat_rows(buffer, row, first, last)
        return rows.reshape(last - first, self.shape.sequences, rows.shape[1])

    def _regions_of(self, name: str) -> list[int]:
        fed = [self.plan.fed] if name == self.net.output and self.plan.fed >= 0 else []
        return [self.plan.rows[name], *fed]

    def _place_outside_values(self) -> None:
        values = self.buffers.values
        if self.state or self.buffers.carried.any():
            self.buffers.carried[:] = 0
            for name, array in self.state.items():
                for row in self._regions_of(name) if name in self.plan.rows else []:
                    self.rows(values, row, -len(array), 0)[...] = array[::-1]
                    self.buffers.carried[row] = 1
        if self.plan.fed >= 0:
            fed = self._flat_rows(values, self.plan.fed, 0, self.shape.steps)
            known, lengths = self.buffers.known, self.lengths
            losses.feed_targets(self.target, self.labels, known, lengths, fed, self.net.n_out)

    def _forward(self, everything: bool) -> None:
        if everything:
            self.buffers.scored[:] = 1
        tables, buffers = self.plan.tables(self.vector.dtype), self.buffers
        forward(tables, self.vector, buffers.packed, self.batch, buffers.values)

    def value(self, name: str) -> NDArray[Any]:
        """Return a copy (T, B, size) of a box's values."""
        return self.rows(self.buffers.values, self.plan.rows[name], 0, self.shape.steps).copy()

    def loss_into(self, loss: str, reduction: str) -> float:
        """Compute the loss and leave its gradient in the buffer `dy`."""
        if self.total == 0:
            raise InputError("weight: no step is scored (the weights of all known targets are 0)")
        terms = self.total * (1 if loss == "cross_entropy" else self.net.n_out)
        scale = 1.0 if reduction == "sum" else 1.0 / terms
        y = self._flat_rows(self.buffers.values, self.plan.rows[self.net.output], 0, self.shape.steps)
        rest = (self.target, self.labels, self.buffers.weight, scale, self.buffers.dy)
        return float(loss_and_dy(LOSS_CODES[loss], y, self.net.n_out, *rest))

    def contiguous(self, dy: NDArray[Any]) -> NDArray[Any]:
        """Return a gradient (T, B, O), or the buffer's rows, in the type of the parameters."""
        return np.ascontiguousarray(dy, self.vector.dtype)

    def own_dy(self, dy: NDArray[Any]) -> NDArray[Any]:
        """Copy a user's gradient (T, B, O), 0 beyond each sequence's end."""
        rows: NDArray[Any] = np.array(dy, self.vector.dtype)
        if self.ragged:
            rows[np.arange(self.shape.steps)[:, None] >= self.lengths] = 0
        return rows

    def backward(
        self, dy: NDArray[Any], fused: bool, with_input: bool, later: NDArray[Any] | None = None
    ) -> tuple[Parameters, NDArray[Any], State]:
        """Run the backward pass; return the gradient, and where wanted that of the input and of the state.

        `later` is what the steps behind the last one pass back to this run's last values (`Adjoint.later`).
        """
        buffers, shape, dtype = self.buffers, self.shape, self.vector.dtype
        slots = self.plan.input_slots if with_input else 0
        row = shape.sequences * self.net.n_in
        dx = np.empty(shape.steps * row if with_input else 0, dtype)
        dx_before = np.empty(slots * row, dtype)
        gradient = np.empty(self.vector.size)
        adjoint = buffers.adjoint(dy, fused, gradient, dx, dx_before, later)
        backward(self.plan.tables(dtype), self.vector, self.batch, buffers.values, adjoint)
        dstate = self._state_gradient(dx_before, slots) if with_input else {}
        if with_input:
            dx = dx.reshape(shape.steps, shape.sequences, -1)
        if self.ragged and with_input:
            dx[np.arange(shape.steps)[:, None] >= self.lengths] = 0
        return self.net.parameters(gradient.astype(dtype, copy=False)), dx, dstate

    def _state_gradient(self, dx_before: NDArray[Any], slots: int) -> State:
        result: State = {}
        for name, (shape, _) in self.net._state_shapes(self.shape, self.vector.dtype).items():
            if name in self.plan.rows:
                parts = [self.rows(self.buffers.dvalues, r, -shape[0], 0) for r in self._regions_of(name)]
                result[name] = np.sum(parts, axis=0)[::-1].copy()
        if slots:
            before = dx_before.reshape(slots, self.shape.sequences, -1)
            result[INPUT_NAME] = before[::-1].copy()
        return result

    def final_state(self, x: NDArray[Any]) -> State:
        """Return the values the next chunk of the stream starts from, at each sequence's own end."""
        state: State = {}
        sequences = np.arange(self.shape.sequences)
        for name, (shape, dtype) in self.net._state_shapes(self.shape, self.vector.dtype).items():
            ages = self.lengths[None, :] - 1 - np.arange(shape[0])[:, None]
            if name == "step":
                state[name] = self.state.get(name, np.zeros(shape, dtype)) + self.lengths
            elif name == INPUT_NAME:
                blank = np.full(shape, -1 if self.shape.one_hot else 0, dtype)
                whole = np.concatenate([self.state.get(name, blank)[::-1], x.astype(dtype)])
                state[name] = whole[ages + shape[0], sequences]
            else:
                row = self._regions_of(name)[-1]
                whole = self.rows(self.buffers.values, row, -shape[0], self.shape.steps)
                state[name] = whole[ages + shape[0], sequences]
        return state
