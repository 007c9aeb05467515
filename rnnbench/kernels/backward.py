"""The backward pass: the transpose of the forward pass, driven by the same tables."""

from rnnbench.kernels.arrow_gradients import (
    add_bias_gradient,
    add_source_gradient,
    add_weight_gradient,
    gather_source_gradient,
)
from rnnbench.kernels.box_rows import clear_rows, pull_rows, take_final_gradient
from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.forward import block_of
from rnnbench.kernels.later import add_later
from rnnbench.kernels.packing import clear, transpose, unpack
from rnnbench.kernels.recurrence import back_steps
from rnnbench.kernels.rows import rows_of, scored_run
from rnnbench.kernels.tables import (
    DIRECTION,
    FEEDS,
    FINAL_AT,
    FINAL_SLOTS,
    GROUP_DIRECTION,
    INITIAL_AT,
    INITIAL_SLOTS,
    INNER_FROM,
    INNER_TO,
    ORDER_FROM,
    ORDER_TO,
    OUTER_FROM,
    OUTER_TO,
    READ_ELSEWHERE,
    RECURRENT,
    SCORED_ONLY,
    SIZE,
    STAGE_FROM,
    STAGE_TO,
)

#: So many rows are summed in the parameters' type, at most a block more; their sums are added in float64.
MOST_ROWS = 4096


@kernel
def _back_outer(tables, batch, values, adjoint, box, first, last):
    add_bias_gradient(tables, batch, adjoint, box, first, last)
    for e in range(tables.boxes[box, OUTER_FROM], tables.boxes[box, OUTER_TO]):
        add_weight_gradient(tables, batch, values, adjoint, e, first, last)
        add_source_gradient(tables, batch, adjoint, e, first, last)


@kernel
def _back_feed_forward(tables, batch, values, adjoint, stage, first, last):
    box = tables.order[tables.stages[stage, ORDER_FROM]]
    scored_only = tables.stages[stage, SCORED_ONLY] != 0
    start, stop = scored_run(batch.scored, first, last) if scored_only else (first, last)
    while start < stop:
        pull_rows(tables, batch, values, adjoint, box, start, stop)
        _back_outer(tables, batch, values, adjoint, box, start, stop)
        start, stop = scored_run(batch.scored, stop, last) if scored_only else (last, last)


@kernel
def _gather(tables, batch, adjoint, box, t):
    gather_source_gradient(tables, batch, adjoint, box, t)
    if tables.boxes[box, FEEDS] >= 0:
        gather_source_gradient(tables, batch, adjoint, tables.boxes[box, FEEDS], t)


@kernel
def _gather_outside(tables, batch, adjoint, stage, first, last):
    # After the last block: what reaches the values before the first step, or after the last one.
    upwards = tables.stages[stage, DIRECTION] >= 0
    if (upwards and first > 0) or (not upwards and last < batch.steps):
        return
    for i in range(tables.stages[stage, ORDER_FROM], tables.stages[stage, ORDER_TO]):
        box = tables.order[i]
        slots = tables.boxes[box, INITIAL_SLOTS] if upwards else tables.boxes[box, FINAL_SLOTS]
        for slot in range(slots):
            _gather(tables, batch, adjoint, box, -1 - slot if upwards else batch.steps + slot)


@kernel
def _back_recurrent(tables, batch, values, adjoint, stage, first, last):
    boxes, order = tables.boxes, tables.order
    order_from, order_to = tables.stages[stage, ORDER_FROM], tables.stages[stage, ORDER_TO]
    if batch.alike:
        back_steps(tables, batch, values, adjoint, stage, first, last)
    for step in range(0 if batch.alike else last - first):
        t = last - 1 - step if tables.stages[stage, DIRECTION] >= 0 else first + step
        for i in range(order_to - 1, order_from - 1, -1):
            box = order[i]
            pull_rows(tables, batch, values, adjoint, box, t, t + 1)
            for e in range(boxes[box, INNER_FROM], boxes[box, INNER_TO]):
                add_source_gradient(tables, batch, adjoint, e, t, t + 1)
    if batch.alike:
        _gather_outside(tables, batch, adjoint, stage, first, last)
    # Weight gradients of the whole block at once, while its values are in cache.
    for i in range(order_to - 1, order_from - 1, -1):
        box = order[i]
        for e in range(boxes[box, INNER_FROM], boxes[box, INNER_TO]):
            add_weight_gradient(tables, batch, values, adjoint, e, first, last)
        _back_outer(tables, batch, values, adjoint, box, first, last)


@kernel
def _add_outside_gradients(tables, batch, adjoint):
    # What reached the rows before the first step and after the last one belongs to initial and final values.
    boxes, sequences, gradient = tables.boxes, batch.sequences, adjoint.gradient
    for box in range(boxes.shape[0]):
        slots, size = boxes[box, INITIAL_SLOTS], boxes[box, SIZE]
        if boxes[box, INITIAL_AT] >= 0 and batch.carried[box] == 0:
            before = rows_of(adjoint.dvalues, tables, batch, box, -slots, 0)
            for row in range(before.shape[0]):
                at = boxes[box, INITIAL_AT] + (slots - 1 - row // sequences) * size
                for j in range(size):
                    gradient[at + j] += before[row, j]
        if boxes[box, FINAL_AT] >= 0:
            first = 0 if box == tables.fed and batch.ragged else batch.steps
            last = batch.steps + boxes[box, FINAL_SLOTS]
            after = rows_of(adjoint.dvalues, tables, batch, box, first, last)
            for row in range(after.shape[0]):
                past_end = first + row // sequences - batch.lengths[row % sequences]
                if past_end >= 0:
                    take_final_gradient(tables, box, past_end, after[row], gradient)


@kernel
def _clear_boxes_read_elsewhere(tables, batch, adjoint):
    # Gradients arrive at any of their rows before their own group has its turn; the fed rows have no turn.
    # So do those of a later piece, at the last rows of every box.
    for box in range(tables.boxes.shape[0]):
        if tables.boxes[box, READ_ELSEWHERE] == 1 or adjoint.later.size > 0:
            last = batch.steps + tables.boxes[box, FINAL_SLOTS]
            clear_rows(tables, batch, adjoint, box, -tables.boxes[box, INITIAL_SLOTS], last)


@kernel
def _clear_block(tables, batch, adjoint, group, first, last):
    """Set the rows to 0 that gradients may reach from this block on: its own, as far back as a lag goes."""
    order_from = tables.stages[tables.groups[group, STAGE_FROM], ORDER_FROM]
    order_to = tables.stages[tables.groups[group, STAGE_TO] - 1, ORDER_TO]
    for i in range(order_from, order_to):
        box = tables.order[i]
        before, after = tables.boxes[box, INITIAL_SLOTS], tables.boxes[box, FINAL_SLOTS]
        lower, upper = first - before, last - before
        if tables.groups[group, GROUP_DIRECTION] < 0:
            lower, upper = first + after, last + after
        lower = -before if first == 0 else lower
        upper = batch.steps + after if last == batch.steps else upper
        if tables.boxes[box, READ_ELSEWHERE] == 0 and adjoint.later.size == 0:
            clear_rows(tables, batch, adjoint, box, lower, upper)


@kernel
def backward(tables, parameters, batch, values, adjoint):
    """Back-propagate the gradient of a divergence through time.

    For stages in reverse and t against their direction: ``dv_t`` is complete when all later readers have been
    passed; ``dz_t = dv_t * activation'``; each arrow adds ``source_{t-lag}.T @ dz_t`` to its weights and,
    where its gate is open, ``dz_t @ W.T`` to ``dv_{t-lag}`` of its source.

    Parameters
    ----------
    tables, parameters, batch, values
        As `forward` left them.
    adjoint : Adjoint
        Filled. Its `dvalues` then hold, outside the sequence, the gradient of the values before the first
        step.

    References
    ----------
    Werbos, P. J. (1990). Backpropagation through time: what it does and how to do it. Proc. IEEE 78(10).
    """
    adjoint.gradient[:] = 0
    clear(tables, adjoint.packed, batch.inputs)
    _clear_boxes_read_elsewhere(tables, batch, adjoint)
    adjoint.dx[:] = 0
    adjoint.dx_before[:] = 0
    add_later(tables, batch, adjoint)
    transpose(tables, parameters, batch.inputs, adjoint.transposed)
    blocks = (batch.steps + batch.block - 1) // batch.block
    summed = 0
    for group in range(tables.groups.shape[0] - 1, -1, -1):
        for number in range(blocks - 1, -1, -1):
            first, last = block_of(batch, tables.groups[group, GROUP_DIRECTION], number)
            _clear_block(tables, batch, adjoint, group, first, last)
            for stage in range(tables.groups[group, STAGE_TO] - 1, tables.groups[group, STAGE_FROM] - 1, -1):
                if tables.stages[stage, RECURRENT] == 0:
                    _back_feed_forward(tables, batch, values, adjoint, stage, first, last)
                else:
                    _back_recurrent(tables, batch, values, adjoint, stage, first, last)
            summed += (last - first) * batch.sequences
            if summed >= MOST_ROWS:
                unpack(tables, adjoint.packed, batch.inputs, adjoint.gradient)
                clear(tables, adjoint.packed, batch.inputs)
                summed = 0
    _add_outside_gradients(tables, batch, adjoint)
    unpack(tables, adjoint.packed, batch.inputs, adjoint.gradient)
