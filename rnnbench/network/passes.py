"""One forward pass of the kernels over a batch, and the backward pass that follows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.kernels import backward as backward_kernels
from rnnbench.kernels import forward as forward_kernels
from rnnbench.kernels import losses
from rnnbench.kernels import tables as k
from rnnbench.network import arrays
from rnnbench.network.arrays import InputError, State
from rnnbench.network.buffers import Buffers
from rnnbench.network.call import Call
from rnnbench.network.graph import INPUT_NAME
from rnnbench.network.parameters import Parameters
from rnnbench.network.processor_time import counted
from rnnbench.network.schedule import Plan, loop_kind
from rnnbench.network.structure import Structure

LOSS_CODES = {
    "mse": k.MSE,
    "binary_cross_entropy": k.BINARY_CROSS_ENTROPY,
    "cross_entropy": k.CROSS_ENTROPY,
}
#: The loss whose gradient is taken together with the output's activation.
FUSED_ACTIVATION = {"binary_cross_entropy": "sigmoid", "cross_entropy": "softmax"}

forward, backward = counted(forward_kernels.forward), counted(backward_kernels.backward)
prepare_steps, loss_and_dy = counted(losses.prepare_steps), counted(losses.loss_and_dy)


class Pass:
    """A forward pass of a network over one batch, and the backward pass that may follow it.

    Made by `Network`; it uses the calling thread's buffers and must not outlive the call.

    Parameters
    ----------
    net : Structure
        The network.
    call : Call
        Its checked arguments.
    gates : "declared" or "open"
        As in `Network.backward`.
    loss : str, optional
        A loss of single steps; without one the output is computed at every step, not only where it is scored.
    """

    def __init__(
        self, net: Structure, call: Call, *, gates: str = "declared", loss: str | None = None
    ) -> None:
        self.net, self.params, self.vector, self.shape = net, call.params, call.vector, call.shape
        self.lengths, self.ragged, self.state = call.lengths, call.ragged, call.state
        self.target, self.labels = arrays.flat_target(call.target, self.vector.dtype)
        self.plan, self.buffers = self._prepare(arrays.flat_weight(call.weight), call.switch, gates)
        self.batch = self._batch(call.x)
        self._place_outside_values()
        self._forward(everything=loss is None)

    def _prepare(self, weight: NDArray[Any], switch: int, gates: str) -> tuple[Plan, Buffers]:
        """Prepare step weights and fed targets; the plan depends on whether all targets are known."""
        net, shape, dtype = self.net, self.shape, self.vector.dtype
        loop = loop_kind(switch, shape.steps)
        plan = net.plan(loop, gates)
        buffers = net.buffers(plan, shape, dtype)
        steps = (self.target, self.labels, weight, self.lengths, switch, net.n_out)
        prepared = prepare_steps(*steps, buffers.weight, buffers.known, buffers.scored)
        self.total, unknown, bad = prepared
        if bad >= 0:
            t, b = divmod(bad, shape.sequences)
            arrays.refuse_step(t, b, net.n_out if self.labels.size else 0)
        if loop == "open" and unknown:
            plan = net.plan("mixed", gates)
            other = net.buffers(plan, shape, dtype)
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

    def checked_dy(self, dy: Any) -> NDArray[Any]:
        """Check a user's gradient (T, B, O) and return a copy, 0 beyond each sequence's end."""
        expected = (self.shape.steps, self.shape.sequences, self.net.n_out)
        if not isinstance(dy, np.ndarray) or dy.shape != expected or dy.dtype.kind != "f":
            given = f"{dy.shape} {dy.dtype}" if isinstance(dy, np.ndarray) else type(dy).__name__
            raise InputError(f"dy: expected {expected} floating, (T, B, O); given {given}")
        rows: NDArray[Any] = np.array(dy, self.vector.dtype)
        if self.ragged:
            rows[np.arange(self.shape.steps)[:, None] >= self.lengths] = 0
        return rows

    def backward(
        self, dy: NDArray[Any], fused: bool, with_input: bool, later: NDArray[Any] | None = None
    ) -> tuple[Parameters, NDArray[Any], State]:
        """Run the backward pass; return the gradient and, `with_input`, those of the input and the state.

        `later` is the gradient that steps after the last one pass back to the last values (`Adjoint.later`).
        """
        buffers, shape, dtype = self.buffers, self.shape, self.vector.dtype
        slots = self.plan.input_slots if with_input else 0
        row = shape.sequences * self.net.n_in
        dx: NDArray[Any] = np.empty(shape.steps * row if with_input else 0, dtype)
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
        for name, (shape, _) in self.net.state_shapes(self.shape, self.vector.dtype).items():
            if name in self.plan.rows:
                parts = [self.rows(self.buffers.dvalues, r, -shape[0], 0) for r in self._regions_of(name)]
                result[name] = np.sum(parts, axis=0)[::-1].copy()
        if slots:
            before = dx_before.reshape(slots, self.shape.sequences, -1)
            result[INPUT_NAME] = before[::-1].copy()
        return result

    def final_state(self, x: NDArray[Any]) -> State:
        """Return the values the next chunk of the stream starts from, at each sequence's own end."""
        shapes = self.net.state_shapes(self.shape, self.vector.dtype)
        step_shape, integers = shapes.pop("step")
        state: State = {"step": self.state.get("step", np.zeros(step_shape, integers)) + self.lengths}
        sequences = np.arange(self.shape.sequences)
        for name, (shape, dtype) in shapes.items():
            if name == INPUT_NAME:
                blank = np.full(shape, -1 if self.shape.one_hot else 0, dtype)
                whole = np.concatenate([self.state.get(name, blank)[::-1], x.astype(dtype)])
            else:
                row = self._regions_of(name)[-1]
                whole = self.rows(self.buffers.values, row, -shape[0], self.shape.steps)
            # Row 0 of a state is the last step, row 0 of `whole` the oldest one.
            at = self.lengths[None, :] - 1 - np.arange(shape[0])[:, None] + shape[0]
            state[name] = whole[at, sequences]
        return state
