"""The backward pass: the transpose of the forward pass, driven by the same tables."""

from rnnbench.kernels.activations import pull_back
from rnnbench.kernels.arrow_gradients import (
    add_source_gradient,
    add_weight_gradient,
    gather_source_gradient,
)
from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.forward import block_of
from rnnbench.kernels.packing import transpose, unpack
from rnnbench.kernels.rows import rows_of, scored_run
from rnnbench.kernels.tables import (
    ACTIVATION,
    BIAS_AT,
    DIRECTION,
    FEEDS,
    FINAL_AT,
    FINAL_SLOTS,
    GROUP_DIRECTION,
    INITIAL_AT,
    INITIAL_SLOTS,
    INNER_FROM,
    INNER_TO,
    KEEPS,
    ORDER_FROM,
    ORDER_TO,
    OUTER_FROM,
    OUTER_TO,
    PACKED_BIAS_AT,
    RECURRENT,
    SCORED_ONLY,
    SIZE,
    STAGE_FROM,
    STAGE_TO,
    WIDTH,
)


@kernel
def _take_final_gradient(tables, box, past_end, row, gradient):
    """Move the gradient of an overwritten row to the final value that was written there."""
    at = tables.boxes[box, FINAL_AT]
    if at >= 0 and past_end < tables.boxes[box, FINAL_SLOTS]:
        size = tables.boxes[box, SIZE]
        for j in range(size):
            gradient[at + past_end * size + j] += row[j]
    row[:] = 0


@kernel
def _pull_to_sum(tables, batch, values, adjoint, box, first, last):
    # dvalues of these rows is complete: every arrow out of them has been passed. It becomes dz in place.
    boxes, sequences, dvalues = tables.boxes, batch.sequences, adjoint.dvalues
    d = rows_of(dvalues, tables, batch, box, first, last)
    width = boxes[box, WIDTH]
    stop = last if box == tables.output else first
    own = adjoint.dy[first * sequences * width : stop * sequences * width]
    if own.size > 0 and not adjoint.fused:
        flat = d.reshape(d.size)
        for i in range(own.size):
            flat[i] += own[i]
    if boxes[box, FEEDS] >= 0:
        fed = rows_of(dvalues, tables, batch, boxes[box, FEEDS], first, last)
        for row in range(d.shape[0]):
            if batch.known[first * sequences + row] == 0:
                for j in range(width):
                    d[row, j] += fed[row, j]
    if batch.ragged:
        for row in range(d.shape[0]):
            past_end = first + row // sequences - batch.lengths[row % sequences]
            if past_end >= 0:
                _take_final_gradient(tables, box, past_end, d[row], adjoint.gradient)
    value = rows_of(values, tables, batch, box, first, last)
    kept = value
    if boxes[box, KEEPS] >= 0:
        kept = rows_of(values, tables, batch, boxes[box, KEEPS], first, last)
    pull_back(boxes[box, ACTIVATION], value, kept, d, boxes[box, SIZE])
    if own.size > 0 and adjoint.fused:
        # The loss gave the gradient of the pre-activation itself.
        flat = d.reshape(d.size)
        for i in range(own.size):
            flat[i] += own[i]


@kernel
def _add_bias_gradient(tables, batch, adjoint, box, first, last):
    if tables.boxes[box, BIAS_AT] < 0:
        return
    dz = rows_of(adjoint.dvalues, tables, batch, box, first, last)
    at, width = tables.boxes[box, PACKED_BIAS_AT], dz.shape[1]
    bias = adjoint.packed[at : at + width]
    for row in range(dz.shape[0]):
        for j in range(width):
            bias[j] += dz[row, j]


@kernel
def _back_outer(tables, batch, values, adjoint, box, first, last):
    _add_bias_gradient(tables, batch, adjoint, box, first, last)
    for e in range(tables.boxes[box, OUTER_FROM], tables.boxes[box, OUTER_TO]):
        add_weight_gradient(tables, batch, values, adjoint, e, first, last)
        add_source_gradient(tables, batch, adjoint, e, first, last)


@kernel
def _back_feed_forward(tables, batch, values, adjoint, stage, first, last):
    box = tables.order[tables.stages[stage, ORDER_FROM]]
    scored_only = tables.stages[stage, SCORED_ONLY] != 0
    start, stop = scored_run(batch.scored, first, last) if scored_only else (first, last)
    while start < stop:
        _pull_to_sum(tables, batch, values, adjoint, box, start, stop)
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
    for step in range(last - first):
        t = last - 1 - step if tables.stages[stage, DIRECTION] >= 0 else first + step
        for i in range(order_to - 1, order_from - 1, -1):
            box = order[i]
            if batch.alike:
                _gather(tables, batch, adjoint, box, t)
            _pull_to_sum(tables, batch, values, adjoint, box, t, t + 1)
            for e in range(boxes[box, INNER_FROM], boxes[box, INNER_TO] if not batch.alike else 0):
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
                    _take_final_gradient(tables, box, past_end, after[row], gradient)


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
    adjoint.dvalues[:] = 0
    adjoint.gradient[:] = 0
    adjoint.packed[:] = 0
    adjoint.dx[:] = 0
    adjoint.dx_before[:] = 0
    transpose(tables, parameters, batch.inputs, batch.input_width, adjoint.transposed)
    blocks = (batch.steps + batch.block - 1) // batch.block
    for group in range(tables.groups.shape[0] - 1, -1, -1):
        for number in range(blocks - 1, -1, -1):
            first, last = block_of(batch, tables.groups[group, GROUP_DIRECTION], number)
            for stage in range(tables.groups[group, STAGE_TO] - 1, tables.groups[group, STAGE_FROM] - 1, -1):
                if tables.stages[stage, RECURRENT] == 0:
                    _back_feed_forward(tables, batch, values, adjoint, stage, first, last)
                else:
                    _back_recurrent(tables, batch, values, adjoint, stage, first, last)
    _add_outside_gradients(tables, batch, adjoint)
    unpack(tables, adjoint.packed, batch.inputs, adjoint.gradient)
