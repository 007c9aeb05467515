"""Loss and gradient in memory of the square root of T: pieces of time, run again from their states.

A forward pass alone goes piece by piece and keeps the outputs. For a gradient, a first pass keeps the state
at the border of every piece and nothing else. The second goes through the pieces from the last to the first:
each is run again from its state, takes its own loss, adds what the later piece passed back to its last
values, and goes back through time.

References
----------
Chen, T., Xu, B., Zhang, C., Guestrin, C. (2016). Training deep nets with sublinear memory cost.
arXiv:1604.06174.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.kernels import losses
from rnnbench.kernels import tables as k
from rnnbench.network import arrays
from rnnbench.network.arrays import Shape, State
from rnnbench.network.call import Call
from rnnbench.network.graph import INPUT_NAME, future_reader
from rnnbench.network.parameters import Parameters
from rnnbench.network.passes import FUSED_ACTIVATION, Pass
from rnnbench.network.schedule import loop_kind
from rnnbench.network.structure import Structure

MEMORIES = ("full", "recompute")
#: Least rows (steps times sequences) of a piece, so that the cost of starting one is small in comparison.
LEAST_ROWS = 4096


def in_pieces(net: Structure, memory: str) -> bool:
    """Whether `memory` is "recompute"; a ValueError where it is unknown or not for this network."""
    if memory not in MEMORIES:
        raise ValueError(f"memory={memory!r}: must be one of {', '.join(MEMORIES)}")
    if reason := refusal(net, memory):
        raise ValueError(reason)
    return memory == "recompute"


def refusal(net: Structure, memory: str) -> str:
    """Return why a network cannot be trained in this way of using memory, or "".

    Parameters
    ----------
    net : Network
        The network.
    memory : str
        One of `MEMORIES`.
    """
    reader = future_reader(net.arrows) if memory == "recompute" else ""
    return f"memory={memory}: needs a network that reads only the past; {reader}" if reader else ""


def piece_steps(steps: int, sequences: int, slots: int) -> int:
    """Return the steps of a piece: about the root of T.

    Parameters
    ----------
    steps, sequences : int
        T and B.
    slots : int
        Values of a box kept at each border. A piece has at least as many steps, so that the gradient it
        passes back reaches only the piece before it.
    """
    least = max(slots, -(-LEAST_ROWS // sequences))
    return min(steps, max(least, math.isqrt(steps * max(1, slots) - 1) + 1))


class Stream:
    """One call of `Network.forward` or `Network.loss_and_grad`, run piece by piece.

    Parameters
    ----------
    net : Structure
        The network.
    call : Call
        Its checked arguments; none of them is copied as a whole.
    loss : str, optional
        A loss of single steps.
    """

    def __init__(self, net: Structure, call: Call, loss: str | None = None) -> None:
        self.net, self.call, self.loss, self.shape = net, call, loss, call.shape
        sequences, dtype = self.shape.sequences, call.vector.dtype
        # Nothing is computed beyond the longest sequence.
        steps = int(call.lengths.max())
        slots = max(count for name, count in net.slots.items() if name != INPUT_NAME)
        size = piece_steps(steps, sequences, slots)
        self.pieces = [(first, min(first + size, steps)) for first in range(0, steps, size)]
        self.total, unknown = self._survey(size)
        kind = loop_kind(call.switch, self.shape.steps)
        # One plan for all pieces, so that the values after one are laid out as those before the next.
        self.plan = net.plan("mixed" if kind == "open" and unknown else kind)
        self.buffers = net.buffers(self.plan, Shape(size, sequences, self.shape.one_hot), dtype)

    def _survey(self, size: int) -> tuple[float, int]:
        """Return the sum of all weights and the number of targets that should be fed but are unknown."""
        rows = size * self.shape.sequences
        scratch = np.empty(rows), np.empty(rows, np.uint8), np.empty(size, np.uint8)
        total, unknown = 0.0, 0
        for first, last in self.pieces:
            its_total, its_unknown, bad = self.prepare(first, last, *scratch)
            if bad >= 0:
                t, b = divmod(bad, self.shape.sequences)
                target = self.call.target
                labels = target is not None and target.dtype.kind in "iu"
                arrays.refuse_step(first + t, b, self.net.n_out if labels else 0)
            total, unknown = total + its_total, unknown + its_unknown
        return total, unknown

    def targets(self, first: int, last: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return real targets and labels of a piece, flat."""
        target = self.call.target
        return arrays.flat_target(None if target is None else target[first:last], self.call.vector.dtype)

    def lengths_within(self, first: int, last: int) -> NDArray[np.int64]:
        """Return the steps of each sequence within a piece; 0 for those that ended before."""
        return np.clip(self.call.lengths - first, 0, last - first)

    def prepare(
        self, first: int, last: int, w: NDArray[Any], known: NDArray[Any], scored: NDArray[Any]
    ) -> tuple[float, int, int]:
        """Prepare the steps of a piece (`losses.prepare_steps`) in arrays that may be longer."""
        rows = (last - first) * self.shape.sequences
        weights, switch = self.call.weight, min(max(0, self.call.switch - first), last - first)
        weight = arrays.flat_weight(None if weights is None else weights[first:last])
        lengths = self.lengths_within(first, last)
        steps = (*self.targets(first, last), weight, lengths, switch, self.net.n_out)
        total, unknown, bad = losses.prepare_steps(*steps, w[:rows], known[:rows], scored[: last - first])
        return total, unknown, bad

    def state_before(self, first: int, state: State) -> State:
        """Return the whole state before step `first`: boxes as given, input and steps of the stream."""
        offset = self.call.state.get("step", np.zeros(self.shape.sequences, np.int64))
        whole = {**state, "step": offset + first}
        slots = self.net.slots[INPUT_NAME]
        if slots and first > 0:
            whole[INPUT_NAME] = self._input_before(first, slots)
        return whole

    def _input_before(self, first: int, slots: int) -> NDArray[Any]:
        nothing = -1 if self.shape.one_hot else 0
        start = max(0, first - slots)
        x = self.call.x[start:first]
        ended = np.arange(start, first)[:, None] >= self.call.lengths
        if ended.any():
            # The padding may hold anything, NaN included.
            x = np.where(ended if self.shape.one_hot else ended[:, :, None], nothing, x)
        earlier = self.call.state.get(INPUT_NAME)
        if earlier is None:
            dtype = np.dtype(np.int64) if self.shape.one_hot else self.call.vector.dtype
            earlier = np.full((slots, *self.call.x.shape[1:]), nothing, dtype)
        # Row 0 is the step before `first`.
        return np.concatenate([x[::-1].astype(earlier.dtype), earlier])[:slots]

    def forward(self) -> tuple[NDArray[Any], State]:
        """Return the output of every step, and the state after each sequence's last one."""
        shape, state, lengths = self.shape, self.call.state, self.call.lengths
        final: State = {}
        y = np.zeros((shape.steps, shape.sequences, self.net.n_out), self.call.vector.dtype)
        for first, last in self.pieces:
            piece = Piece(self, first, last, self.state_before(first, state), outputs="all")
            y[first:last] = piece.rows(piece.buffers.values, self.plan.rows[self.net.output], 0, last - first)
            ending = (first < lengths) & (lengths <= last)
            for name, rows in piece.final_state(self.call.x[first:last]).items():
                at = ending if name == "step" else (slice(None), ending)
                final.setdefault(name, rows)[at] = rows[at]
            state = piece.state_after()
        return y, final

    def loss_and_grad(self, reduction: str) -> tuple[float, Parameters]:
        """Return the loss and its gradient, summed over the pieces in float64."""
        loss, losses = self.loss, []
        assert loss is not None

        def fill_dy(piece: "Piece", first: int, last: int) -> None:
            losses.append(piece.loss_into(loss, reduction))

        gradient = self._backward(fill_dy, loss in FUSED_ACTIVATION, outputs="scored")
        return sum(losses), gradient

    def gradient(self, dy: NDArray[Any], fused: bool) -> Parameters:
        """Return the gradient of the parameters for a given gradient of the outputs, summed in float64.

        Parameters
        ----------
        dy : ndarray (T, B, O)
            0 beyond each sequence's end.
        fused : bool
            Whether dy is the gradient of the output's pre-activation.
        """

        def fill_dy(piece: "Piece", first: int, last: int) -> None:
            piece.buffers.dy[...] = dy[first:last].reshape(piece.buffers.dy.shape)

        return self._backward(fill_dy, fused, outputs="all")

    def _backward(
        self, fill_dy: Callable[["Piece", int, int], None], fused: bool, outputs: str
    ) -> Parameters:
        self.buffers.make_room_for_gradients()
        states = [self.call.state]
        for first, last in self.pieces[:-1]:
            piece = Piece(self, first, last, self.state_before(first, states[-1]), outputs="none")
            states.append(piece.state_after())
        gradient, later = np.zeros(self.call.vector.size), None
        for first, last in reversed(self.pieces):
            piece = Piece(self, first, last, self.state_before(first, states.pop()), outputs)
            fill_dy(piece, first, last)
            its_gradient, _, _ = piece.backward(piece.buffers.dy, fused, with_input=False, later=later)
            gradient += its_gradient.vector
            later = piece.gradient_before()
        return self.net.parameters(gradient.astype(self.call.vector.dtype))


class Piece(Pass):
    """A pass over some steps of a stream that starts from the state before them.

    Parameters
    ----------
    stream : Stream
        The call, and the buffers of the longest piece.
    first, last : int
        Steps `first` to `last` - 1.
    state : State
        Of the stream before them.
    outputs : "all", "scored" or "none"
        The steps at which an output box is computed that no other box reads.
    """

    def __init__(self, stream: Stream, first: int, last: int, state: State, outputs: str) -> None:
        self.net, self.params, self.vector = stream.net, stream.call.params, stream.call.vector
        self.shape = Shape(last - first, stream.shape.sequences, stream.shape.one_hot)
        self.target, self.labels = stream.targets(first, last)
        self.lengths = stream.lengths_within(first, last)
        self.ragged = bool(self.lengths.min() < last - first)
        self.plan, self.buffers = stream.plan, stream.buffers.shortened(self.shape)
        stream.prepare(first, last, self.buffers.weight, self.buffers.known, self.buffers.scored)
        if outputs == "none":
            self.buffers.scored[:] = 0
        self.total, self.state = stream.total, state
        self.batch = self._batch(stream.call.x[first:last])
        self._place_outside_values()
        self._forward(everything=outputs == "all")

    def state_after(self) -> State:
        """Return the last values of every box that later steps read; 0 for sequences that have ended."""
        steps, state = self.shape.steps, {}
        for name, slots in self.net.slots.items():
            if slots and name != INPUT_NAME:
                rows = self.rows(self.buffers.values, self._regions_of(name)[-1], steps - slots, steps)
                state[name] = rows[::-1].copy()
        return state

    def gradient_before(self) -> NDArray[Any]:
        """Return the gradient of the values before the first step: `Adjoint.later` of the piece before."""
        table = self.plan.tables(self.vector.dtype).boxes
        parts = [
            self._flat_rows(self.buffers.dvalues, row, -int(slots), 0).reshape(-1)
            for row, slots in enumerate(table[:, k.INITIAL_SLOTS])
        ]
        return np.concatenate(parts)
