"""The forward pass of any network of boxes and arrows, driven by its tables."""

from rnnbench.kernels.activations import activate
from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.packing import pack
from rnnbench.kernels.product import add_segment, fill_rows, product
from rnnbench.kernels.rows import input_slots, rows_at, rows_of, scored_run, set_final_row, set_values_outside
from rnnbench.kernels.tables import (
    ACTIVATION,
    DIRECTION,
    FEEDS,
    GROUP_DIRECTION,
    INNER_FROM,
    INNER_TO,
    INPUT,
    KEEPS,
    LAG,
    ORDER_FROM,
    ORDER_TO,
    OUTER_FROM,
    OUTER_TO,
    PACKED_AT,
    PACKED_BIAS_AT,
    RECURRENT,
    SCORED_ONLY,
    SIZE,
    SOURCE,
    STAGE_FROM,
    STAGE_TO,
    TARGET,
    WIDTH,
)
from rnnbench.kernels.vectors import address


@kernel
def _add_scaled(z, source, scale):
    flat, values = z.reshape(z.size), source.reshape(source.size)
    for i in range(flat.size):
        flat[i] += scale * values[i]


@kernel
def _input_rows(batch, lag, first, last):
    """Return (where, row): rows of x for steps `first` - lag on: 1 inside, 2 before it (carried), 0 nowhere.

    `first` and `last` lie on one side of every end of the input (`_next_end`).
    """
    sequences = batch.sequences
    if 0 <= first - lag and last - lag <= batch.steps:
        return 1, (first - lag) * sequences
    slots = input_slots(batch)
    if -slots <= first - lag and last - lag <= 0:
        return 2, (slots + first - lag) * sequences
    return 0, 0


@kernel
def _next_end(tables, batch, e_from, e_to, first, last):
    """Return the first step in (first, last] where some arrow's rows of x begin or end."""
    slots = input_slots(batch)
    for e in range(e_from, e_to):
        if tables.arrows[e, SOURCE] == INPUT:
            lag = tables.arrows[e, LAG]
            for end in (lag - slots, lag, batch.steps + lag):
                if first < end < last:
                    last = end
    return last


@kernel
def _add_input_row(tables, e, packed, batch, z, first, last):
    # What a product cannot do: one-hot inputs, whose rows of weights are picked, and fixed weights.
    where, row = _input_rows(batch, tables.arrows[e, LAG], first, last)
    if where == 0:
        return
    to, size = tables.arrows[e, PACKED_AT], tables.boxes[tables.arrows[e, TARGET], SIZE]
    width, scale = z.shape[1], tables.scales[e]
    index = batch.index if where == 1 else batch.index_before
    x = batch.x if where == 1 else batch.x_before
    for r in range(z.shape[0]):
        unit = index[row + r] if index.size > 0 else 0
        if index.size > 0 and to >= 0 and unit >= 0:
            w = packed[to + unit * width : to + (unit + 1) * width]
            for j in range(width):
                z[r, j] += w[j]
        elif index.size > 0 and unit >= 0:
            z[r, unit] += scale
        elif index.size == 0:
            source = x[(row + r) * size : (row + r + 1) * size]
            for j in range(size):
                z[r, j] += scale * source[j]


@kernel
def _add_arrows(tables, packed, batch, values, box, e_from, e_to, first, last, start, start_step):
    """Set the rows of a box to `start` plus what the arrows bring: one product for all learned arrows."""
    one_hot = batch.index.size > 0
    width, sequences = tables.boxes[box, WIDTH], batch.sequences
    rows, at = (last - first) * sequences, rows_at(tables, batch, box, first)
    result = (values, at, width, rows)
    segments = 0
    for e in range(e_from, e_to):
        source, lag, to = tables.arrows[e, SOURCE], tables.arrows[e, LAG], tables.arrows[e, PACKED_AT]
        if to < 0 or (source == INPUT and one_hot):
            continue
        if source == INPUT:
            where, row = _input_rows(batch, lag, first, last)
            if where > 0:
                left = batch.x if where == 1 else batch.x_before
                segments = add_segment(
                    batch.segments,
                    segments,
                    left,
                    row * batch.inputs,
                    batch.inputs,
                    1,
                    packed,
                    to,
                    batch.inputs,
                    result,
                )
        else:
            left_at = rows_at(tables, batch, source, first - lag)
            segments = add_segment(
                batch.segments, segments, values, left_at, tables.boxes[source, WIDTH], 1,
                packed, to, tables.boxes[source, SIZE], result,
            )  # fmt: skip
    product(values, at, width, rows, start, start_step, batch.segments, segments)
    for e in range(e_from, e_to):
        source, lag = tables.arrows[e, SOURCE], tables.arrows[e, LAG]
        if tables.arrows[e, PACKED_AT] >= 0 and not (source == INPUT and one_hot):
            continue
        z = rows_of(values, tables, batch, box, first, last)
        if source == INPUT:
            _add_input_row(tables, e, packed, batch, z, first, last)
        else:
            rows_there = rows_of(values, tables, batch, source, first - lag, last - lag)
            _add_scaled(z, rows_there, tables.scales[e])


@kernel
def _start_sum(tables, packed, batch, values, box, first, last):
    # Everything that does not depend on the stage's own values: bias and the arrows from outside.
    boxes = tables.boxes
    outer_from, outer_to = boxes[box, OUTER_FROM], boxes[box, OUTER_TO]
    bias_at = boxes[box, PACKED_BIAS_AT]
    while first < last:
        stop = _next_end(tables, batch, outer_from, outer_to, first, last)
        fill_rows(
            values,
            rows_at(tables, batch, box, first),
            boxes[box, WIDTH],
            (stop - first) * batch.sequences,
            packed,
            bias_at,
        )
        bias = address(packed, bias_at)
        _add_arrows(tables, packed, batch, values, box, outer_from, outer_to, first, stop, bias, 0)
        first = stop


@kernel
def _finish(tables, parameters, batch, values, box, first, last):
    boxes, sequences = tables.boxes, batch.sequences
    z = rows_of(values, tables, batch, box, first, last)
    if boxes[box, KEEPS] >= 0:
        # Loops, here and below: assigning arrays to arrays compiles the text of its error message too.
        kept = rows_of(values, tables, batch, boxes[box, KEEPS], first, last)
        for row in range(z.shape[0]):
            for j in range(z.shape[1]):
                kept[row, j] = z[row, j]
    activate(boxes[box, ACTIVATION], z, boxes[box, SIZE])
    if batch.ragged:
        for row in range(z.shape[0]):
            past_end = first + row // sequences - batch.lengths[row % sequences]
            if past_end >= 0:
                set_final_row(tables, box, parameters, past_end, z[row])
    if boxes[box, FEEDS] >= 0:
        fed = rows_of(values, tables, batch, boxes[box, FEEDS], first, last)
        for row in range(z.shape[0]):
            if batch.known[first * sequences + row] == 0:
                for j in range(z.shape[1]):
                    fed[row, j] = z[row, j]


@kernel
def _run_feed_forward(tables, parameters, packed, batch, values, stage, first, last):
    box = tables.order[tables.stages[stage, ORDER_FROM]]
    if tables.stages[stage, SCORED_ONLY] == 0:
        _start_sum(tables, packed, batch, values, box, first, last)
        _finish(tables, parameters, batch, values, box, first, last)
        return
    start, stop = scored_run(batch.scored, first, last)
    while start < stop:
        _start_sum(tables, packed, batch, values, box, start, stop)
        _finish(tables, parameters, batch, values, box, start, stop)
        start, stop = scored_run(batch.scored, stop, last)


@kernel
def _run_recurrent(tables, parameters, packed, batch, values, stage, first, last):
    boxes, order = tables.boxes, tables.order
    order_from, order_to = tables.stages[stage, ORDER_FROM], tables.stages[stage, ORDER_TO]
    for i in range(order_from, order_to):
        _start_sum(tables, packed, batch, values, order[i], first, last)
    for step in range(last - first):
        t = first + step if tables.stages[stage, DIRECTION] >= 0 else last - 1 - step
        for i in range(order_from, order_to):
            box = order[i]
            inner_from, inner_to = boxes[box, INNER_FROM], boxes[box, INNER_TO]
            step_bytes = boxes[box, WIDTH] * values.itemsize
            so_far = address(values, rows_at(tables, batch, box, t))
            _add_arrows(
                tables, packed, batch, values, box, inner_from, inner_to, t, t + 1, so_far, step_bytes
            )
            _finish(tables, parameters, batch, values, box, t, t + 1)


@kernel
def block_of(batch, direction, number):
    """Return (first, last) of the block of steps computed as `number` by a group of that direction."""
    start = number * batch.block
    stop = min(batch.steps, start + batch.block)
    if direction < 0:
        return batch.steps - stop, batch.steps - start
    return start, stop


@kernel
def forward(tables, parameters, packed, batch, values):
    """Compute the value of every box at every step.

    For each group of stages and each of its blocks of time: a feed-forward stage is one product over the
    block; a recurrent stage first takes its arrows from outside over the whole block, then runs step by step
    over its inner arrows, up or down in time.

    Parameters
    ----------
    tables : Tables
        The plan of the network.
    parameters : ndarray (n,)
        The public vector.
    packed : ndarray
        Filled: the weights in rows of whole vectors.
    batch : Batch
        The input; `batch.known` marks the steps whose fed rows are already in `values`.
    values : ndarray
        Filled. Rows of the output are computed for scored steps only where nothing else reads them.
    """
    pack(tables, parameters, batch.inputs, packed)
    set_values_outside(tables, parameters, batch, values)
    blocks = (batch.steps + batch.block - 1) // batch.block
    for group in range(tables.groups.shape[0]):
        for number in range(blocks):
            first, last = block_of(batch, tables.groups[group, GROUP_DIRECTION], number)
            for stage in range(tables.groups[group, STAGE_FROM], tables.groups[group, STAGE_TO]):
                if tables.stages[stage, RECURRENT] == 0:
                    _run_feed_forward(tables, parameters, packed, batch, values, stage, first, last)
                else:
                    _run_recurrent(tables, parameters, packed, batch, values, stage, first, last)
