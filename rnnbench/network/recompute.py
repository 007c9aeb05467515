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
from rnnbench.network.arrays import InputError, Shape, State
from rnnbench.network.graph import INPUT_NAME, future_reader
from rnnbench.network.parameters import Parameters
from rnnbench.network.run import FUSED_ACTIVATION, Run
from rnnbench.network.structure import Structure

MEMORIES = ("full", "recompute")
#: A piece has at least so many rows (steps times sequences), beside which the cost of starting it is small.
LEAST_ROWS = 4096


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
        Values of a box that a border keeps: each border costs so many steps. A piece is never shorter, so
        that what it passes back reaches the piece before it and no other.
    """
    least = max(slots, -(-LEAST_ROWS // sequences))
    return min(steps, max(least, math.isqrt(steps * max(1, slots) - 1) + 1))


class Stream:
    """One call of `Network.forward` or `Network.loss_and_grad`, run piece by piece.

    Parameters
    ----------
    net, params, x, target, loop, weight, lengths, state, loss
        As for these; `loss` is None for a forward pass. Nothing of them is copied for all T.
    """

    def __init__(
        self,
        net: Any,
        params: Parameters,
        x: NDArray[Any],
        target: NDArray[Any] | None,
        loop: arrays.Loop,
        *,
        weight: NDArray[Any] | None,
        lengths: Any,
        state: Any,
        loss: str | None = None,
    ) -> None:
        self.net, self.params, self.loss = net, params, loss
        self.x, self.target, self.weight = x, target, weight
        self.vector = net._check_parameters(params)
        dtype = self.vector.dtype
        self.shape = shape = arrays.check_x(x, net.n_in, dtype)
        labels_only = None if loss is None else loss == "cross_entropy"
        arrays.refuse_target(target, shape, net.n_out, labels_only)
        arrays.refuse_weight(weight, shape)
        self.lengths = np.full(shape.sequences, shape.steps, np.int64)
        if lengths is not None:
            self.lengths = arrays.check_lengths(lengths, shape)
        self.switch = arrays.check_loop(loop, shape.steps) if net.has_feedback else arrays.check_loop(loop, 0)
        if self.switch and target is None:
            raise InputError(f"loop={loop!r}: feeds the targets back, and no target is given")
        # Beyond the longest sequence nothing is computed.
        steps = int(self.lengths.max())
        slots = max(count for name, count in net._slots.items() if name != INPUT_NAME)
        size = piece_steps(steps, shape.sequences, slots)
        self.pieces = [(first, min(first + size, steps)) for first in range(0, steps, size)]
        self.total, unknown = self._survey(size)
        self.given = {} if state is None else arrays.check_state(state, net._state_shapes(shape, dtype))
        kind = "closed" if self.switch == 0 else "mixed" if unknown or self.switch < shape.steps else "open"
        # One plan for all pieces, so that the values behind one are laid out as those before the next.
        self.plan = net._plan(kind)
        self.buffers = net._workspace.buffers(self.plan, Shape(size, shape.sequences, shape.one_hot), dtype)

    def _survey(self, size: int) -> tuple[float, int]:
        """Return the sum of all weights and how many targets are to be fed but are not known."""
        rows = size * self.shape.sequences
        scratch = np.empty(rows), np.empty(rows, np.uint8), np.empty(size, np.uint8)
        total, unknown = 0.0, 0
        for first, last in self.pieces:
            its_total, its_unknown, bad = self.prepare(first, last, *scratch)
            if bad >= 0:
                t, b = divmod(bad, self.shape.sequences)
                labels = self.target is not None and self.target.dtype.kind in "iu"
                arrays.refuse_step(first + t, b, self.net.n_out if labels else 0)
            total, unknown = total + its_total, unknown + its_unknown
        return total, unknown

    def targets(self, first: int, last: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return real targets and labels of a piece, flat."""
        target = None if self.target is None else self.target[first:last]
        return arrays.flat_target(target, self.vector.dtype)

    def its_lengths(self, first: int, last: int) -> NDArray[np.int64]:
        """Return the steps of each sequence within a piece; 0 for those that ended before."""
        return np.clip(self.lengths - first, 0, last - first)

    def prepare(
        self, first: int, last: int, w: NDArray[Any], known: NDArray[Any], scored: NDArray[Any]
    ) -> tuple[float, int, int]:
        """Prepare the steps of a piece (`losses.prepare_steps`) in arrays that may be longer."""
        rows = (last - first) * self.shape.sequences
        weight = arrays.flat_weight(None if self.weight is None else self.weight[first:last])
        lengths, switch = self.its_lengths(first, last), min(max(0, self.switch - first), last - first)
        steps = (*self.targets(first, last), weight, lengths, switch, self.net.n_out)
        total, unknown, bad = losses.prepare_steps(*steps, w[:rows], known[:rows], scored[: last - first])
        return total, unknown, bad

    def state_before(self, first: int, state: State) -> State:
        """Return the whole state before step `first`: boxes as given, input and steps of the stream."""
        offset = self.given.get("step", np.zeros(self.shape.sequences, np.int64))
        whole = {**state, "step": offset + first}
        slots = self.net._slots[INPUT_NAME]
        if slots and first > 0:
            whole[INPUT_NAME] = self._input_before(first, slots)
        return whole

    def _input_before(self, first: int, slots: int) -> NDArray[Any]:
        nothing = -1 if self.shape.one_hot else 0
        start = max(0, first - slots)
        x = self.x[start:first]
        ended = np.arange(start, first)[:, None] >= self.lengths
        if ended.any():
            # Whatever the padding holds (NaN included).
            x = np.where(ended if self.shape.one_hot else ended[:, :, None], nothing, x)
        earlier = self.given.get(INPUT_NAME)
        if earlier is None:
            dtype = np.dtype(np.int64) if self.shape.one_hot else self.vector.dtype
            earlier = np.full((slots, *self.x.shape[1:]), nothing, dtype)
        # Row 0 is the step before `first`.
        return np.concatenate([x[::-1].astype(earlier.dtype), earlier])[:slots]

    def forward(self) -> tuple[NDArray[Any], State]:
        """Return the output of every step, and the state behind each sequence's last one."""
        shape, state = self.shape, self.given
        behind: State = {}
        y = np.zeros((shape.steps, shape.sequences, self.net.n_out), self.vector.dtype)
        for first, last in self.pieces:
            piece = Piece(self, first, last, self.state_before(first, state), outputs="all")
            y[first:last] = piece.rows(piece.buffers.values, self.plan.rows[self.net.output], 0, last - first)
            ending = (first < self.lengths) & (self.lengths <= last)
            for name, rows in piece.final_state(self.x[first:last]).items():
                at = ending if name == "step" else (slice(None), ending)
                behind.setdefault(name, rows)[at] = rows[at]
            state = piece.state_behind()
        return y, behind

    def loss_and_grad(self, reduction: str) -> tuple[float, Parameters]:
        """Return the loss and its gradient, summed over the pieces in float64."""
        loss, losses = self.loss, []
        assert loss is not None

        def fill_dy(piece: "Piece", first: int, last: int) -> None:
            losses.append(piece.loss_into(loss, reduction))

        gradient = self._backward(fill_dy, loss in FUSED_ACTIVATION, outputs="scored")
        return sum(losses), gradient

    def gradient(self, dy: NDArray[Any], fused: bool) -> Parameters:
        """Return the gradient that a gradient at the outputs stands for, summed in float64.

        Parameters
        ----------
        dy : ndarray (T, B, O)
            0 beyond each sequence's end.
        fused : bool
            Whether it is with respect to the output's pre-activation.
        """

        def fill_dy(piece: "Piece", first: int, last: int) -> None:
            piece.buffers.dy[...] = dy[first:last].reshape(piece.buffers.dy.shape)

        return self._backward(fill_dy, fused, outputs="all")

    def _backward(
        self, fill_dy: Callable[["Piece", int, int], None], fused: bool, outputs: str
    ) -> Parameters:
        self.buffers.for_backward()
        states = [self.given]
        for first, last in self.pieces[:-1]:
            piece = Piece(self, first, last, self.state_before(first, states[-1]), outputs="none")
            states.append(piece.state_behind())
        gradient, later = np.zeros(self.vector.size), None
        for first, last in reversed(self.pieces):
            piece = Piece(self, first, last, self.state_before(first, states.pop()), outputs)
            fill_dy(piece, first, last)
            its_gradient, _, _ = piece.backward(piece.buffers.dy, fused, with_input=False, later=later)
            gradient += its_gradient.vector
            later = piece.gradient_before()
        result: Parameters = self.net.parameters(gradient.astype(self.vector.dtype))
        return result


class Piece(Run):
    """A run over some steps of a stream that starts from the state before them.

    Parameters
    ----------
    stream : Stream
        What was checked, and the buffers of the longest piece.
    first, last : int
        Steps `first` to `last` - 1.
    state : State
        Of the stream before them.
    outputs : "all", "scored" or "none"
        Of which steps an output that nothing else reads is computed.
    """

    def __init__(self, stream: Stream, first: int, last: int, state: State, outputs: str) -> None:
        self.net, self.params, self.vector = stream.net, stream.params, stream.vector
        self.shape = Shape(last - first, stream.shape.sequences, stream.shape.one_hot)
        self.target, self.labels = stream.targets(first, last)
        self.lengths = stream.its_lengths(first, last)
        self.ragged = bool(self.lengths.min() < last - first)
        self.plan, self.buffers = stream.plan, stream.buffers.shortened(self.shape)
        stream.prepare(first, last, self.buffers.weight, self.buffers.known, self.buffers.scored)
        if outputs == "none":
            self.buffers.scored[:] = 0
        self.total, self.state = stream.total, state
        self.batch = self._batch(stream.x[first:last])
        self._place_outside_values()
        self._forward(everything=outputs == "all")

    def state_behind(self) -> State:
        """Return the last values of every box that later steps read; 0 where a sequence has ended."""
        steps, state = self.shape.steps, {}
        for name, slots in self.net._slots.items():
            if slots and name != INPUT_NAME:
                rows = self.rows(self.buffers.values, self._regions_of(name)[-1], steps - slots, steps)
                state[name] = rows[::-1].copy()
        return state

    def gradient_before(self) -> NDArray[Any]:
        """Return what reached the values before the first step, as `Adjoint.later` of the piece before."""
        table = self.plan.tables(self.vector.dtype).boxes
        parts = [
            self._flat_rows(self.buffers.dvalues, row, -int(slots), 0).reshape(-1)
            for row, slots in enumerate(table[:, k.INITIAL_SLOTS])
        ]
        return np.concatenate(parts)
