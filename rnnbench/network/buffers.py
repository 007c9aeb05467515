"""Arrays that the calls of a thread reuse."""

import copy
import threading
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.kernels import tables as k
from rnnbench.kernels.vectors import padded
from rnnbench.network.arrays import Shape
from rnnbench.network.schedule import CACHE_LINE, Plan

#: Shapes for which a thread keeps buffers; the least recently used are dropped first.
KEPT_SHAPES = 4


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
        self.make_room_for_gradients()
        after = np.empty(0, self.values.dtype) if later is None else later
        scratch = self.packed_gradient, self.transposed
        return k.Adjoint(self.dvalues, dy.reshape(-1), fused, gradient, *scratch, dx, dx_before, after)

    def make_room_for_gradients(self) -> None:
        """Allocate the gradient of every value, the first time it is needed."""
        if self.dvalues.size == 0:
            # Products read whole vectors, beyond the last row too.
            self.dvalues = aligned(self.values.size + padded(1, self.values.itemsize), self.values.dtype)

    def shortened(self, shape: Shape) -> "Buffers":
        """Return these buffers for a pass over no more steps; all memory is shared."""
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
