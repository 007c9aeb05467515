"""The forward pass of any network of boxes and arrows, driven by its tables."""

from rnnbench.kernels.box_rows import finish_rows
from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.packing import pack, transposed_width
from rnnbench.kernels.product import add_segment, fill_rows, product
from rnnbench.kernels.recurrence import run_steps
from rnnbench.kernels.rows import input_slots, rows_at, rows_of, scored_run, set_values_outside
from rnnbench.kernels.tables import (
    COVER,
    COVER_FEW,
    FEW_IN,
    GROUP_DIRECTION,
    INPUT,
    LAG,
    ORDER_FROM,
    ORDER_TO,
    OUTER_FROM,
    OUTER_TO,
    PACKED_AT,
    PACKED_BIAS_AT,
    PACKED_WIDTH,
    RECURRENT,
    SCORED_ONLY,
    SIZE,
    SOURCE,
    STAGE_FROM,
    STAGE_TO,
    TARGET,
    TRANSPOSED_AT,
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
    width, scale = tables.boxes[tables.arrows[e, TARGET], PACKED_WIDTH], tables.scales[e]
    index = batch.index if where == 1 else batch.index_before
    x = batch.x if where == 1 else batch.x_before
    for r in range(z.shape[0]):
        unit = index[row + r] if index.size > 0 else 0
        if index.size > 0 and to >= 0 and unit >= 0:
            w = packed[to + unit * width : to + (unit + 1) * width]
            for j in range(size):
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
    width, right_step = tables.boxes[box, WIDTH], tables.boxes[box, PACKED_WIDTH]
    place = (rows_at(tables, batch, box, first), width, width, (last - first) * batch.sequences)
    table, segments, few = batch.segments, 0, tables.boxes[box, FEW_IN]
    for e in range(e_from, e_to):
        source, lag, to = tables.arrows[e, SOURCE], tables.arrows[e, LAG], tables.arrows[e, PACKED_AT]
        if to < 0 or (source == INPUT and one_hot):
            continue
        if source == INPUT:
            where, row = _input_rows(batch, lag, first, last)
            left = batch.x if where == 1 else batch.x_before
            factor, terms = (row * batch.inputs, batch.inputs, 1), batch.inputs
            if where == 0:
                continue
        else:
            left, terms = values, tables.boxes[source, SIZE]
            factor = (rows_at(tables, batch, source, first - lag), tables.boxes[source, WIDTH], 1)
        if few == 1:
            to = tables.packed_size + tables.arrows[e, TRANSPOSED_AT]
            right_step = transposed_width(tables, batch.inputs, source)
        segments = add_segment(table, segments, left, factor, packed, to, right_step, terms, values, place)
    product(
        tables.functions[COVER_FEW if few == 1 else COVER], values, place, start, start_step, table, segments
    )
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
        width = boxes[box, WIDTH]
        place = (rows_at(tables, batch, box, first), width, width, (stop - first) * batch.sequences)
        fill_rows(values, place, packed, bias_at)
        bias = address(packed, bias_at)
        _add_arrows(tables, packed, batch, values, box, outer_from, outer_to, first, stop, bias, 0)
        first = stop


@kernel
def _run_feed_forward(tables, parameters, packed, batch, values, stage, first, last):
    box = tables.order[tables.stages[stage, ORDER_FROM]]
    if tables.stages[stage, SCORED_ONLY] == 0:
        _start_sum(tables, packed, batch, values, box, first, last)
        finish_rows(tables, parameters, batch, values, box, first, last)
        return
    start, stop = scored_run(batch.scored, first, last)
    while start < stop:
        _start_sum(tables, packed, batch, values, box, start, stop)
        finish_rows(tables, parameters, batch, values, box, start, stop)
        start, stop = scored_run(batch.scored, stop, last)


@kernel
def _run_recurrent(tables, parameters, packed, batch, values, stage, first, last):
    for i in range(tables.stages[stage, ORDER_FROM], tables.stages[stage, ORDER_TO]):
        _start_sum(tables, packed, batch, values, tables.order[i], first, last)
    run_steps(tables, parameters, packed, batch, values, stage, first, last)


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
