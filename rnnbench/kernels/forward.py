"""The forward pass of any network of boxes and arrows, driven by its tables."""

from rnnbench.kernels.activations import activate
from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.product import add_product
from rnnbench.kernels.rows import rows_of, scored_run, set_final_row, set_values_outside
from rnnbench.kernels.tables import (
    ACTIVATION,
    BIAS_AT,
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
    RECURRENT,
    SCORED_ONLY,
    SIZE,
    SOURCE,
    STAGE_FROM,
    STAGE_TO,
    TARGET,
    WEIGHT_AT,
)


@kernel
def _add_scaled(z, source, scale):
    flat, values = z.reshape(z.size), source.reshape(source.size)
    for i in range(flat.size):
        flat[i] += scale * values[i]


@kernel
def _add_rows(tables, e, parameters, source, z):
    at = tables.arrows[e, WEIGHT_AT]
    inner, columns = source.shape[1], z.shape[1]
    if at < 0:
        _add_scaled(z, source, tables.scales[e])
    else:
        w = parameters[at : at + inner * columns].reshape((inner, columns))
        add_product(z, source.reshape(source.size), w)


@kernel
def _add_indexed_rows(tables, e, parameters, index, z):
    # A product with a one-hot row extracts a row of the weights.
    at, columns = tables.arrows[e, WEIGHT_AT], z.shape[1]
    for row in range(z.shape[0]):
        if index[row] < 0:
            continue
        if at < 0:
            z[row, index[row]] += tables.scales[e]
        else:
            w = parameters[at + index[row] * columns : at + (index[row] + 1) * columns]
            for j in range(columns):
                z[row, j] += w[j]


@kernel
def _add_input(tables, e, parameters, batch, z, first, last):
    # The input has rows of its own before the first step only where a state is carried; elsewhere it is 0.
    lag, sequences, inputs = tables.arrows[e, LAG], batch.sequences, batch.inputs
    one_hot = batch.index.size > 0
    slots = (batch.index_before.size if one_hot else batch.x_before.size // inputs) // sequences
    lower = max(first, lag - slots)
    middle = min(max(lower, lag), last)
    if lower < middle:
        a, b = (slots + lower - lag) * sequences, (slots + middle - lag) * sequences
        rows = z[(lower - first) * sequences : (middle - first) * sequences]
        if one_hot:
            _add_indexed_rows(tables, e, parameters, batch.index_before[a:b], rows)
        else:
            source = batch.x_before[a * inputs : b * inputs].reshape((b - a, inputs))
            _add_rows(tables, e, parameters, source, rows)
    lower, upper = max(first, lag), min(last, batch.steps + lag)
    if lower < upper:
        a, b = (lower - lag) * sequences, (upper - lag) * sequences
        rows = z[(lower - first) * sequences : (upper - first) * sequences]
        if one_hot:
            _add_indexed_rows(tables, e, parameters, batch.index[a:b], rows)
        else:
            source = batch.x[a * inputs : b * inputs].reshape((b - a, inputs))
            _add_rows(tables, e, parameters, source, rows)


@kernel
def _add_arrows(tables, parameters, batch, values, e_from, e_to, first, last):
    for e in range(e_from, e_to):
        source, lag = tables.arrows[e, SOURCE], tables.arrows[e, LAG]
        target = tables.arrows[e, TARGET]
        z = rows_of(values, tables, batch, target, first, last)
        if source == INPUT:
            _add_input(tables, e, parameters, batch, z, first, last)
        else:
            rows = rows_of(values, tables, batch, source, first - lag, last - lag)
            _add_rows(tables, e, parameters, rows, z)


@kernel
def _start_sum(tables, parameters, batch, values, box, first, last):
    # Everything that does not depend on the stage's own values: bias and the arrows from outside.
    boxes = tables.boxes
    z = rows_of(values, tables, batch, box, first, last)
    at, size = boxes[box, BIAS_AT], boxes[box, SIZE]
    if at < 0:
        z[:] = 0
    else:
        bias = parameters[at : at + size]
        for row in range(z.shape[0]):
            for j in range(size):
                z[row, j] = bias[j]
    outer_from, outer_to = boxes[box, OUTER_FROM], boxes[box, OUTER_TO]
    _add_arrows(tables, parameters, batch, values, outer_from, outer_to, first, last)


@kernel
def _finish(tables, parameters, batch, values, box, first, last):
    boxes, sequences = tables.boxes, batch.sequences
    z = rows_of(values, tables, batch, box, first, last)
    if boxes[box, KEEPS] >= 0:
        rows_of(values, tables, batch, boxes[box, KEEPS], first, last)[:] = z
    activate(boxes[box, ACTIVATION], z)
    if batch.ragged:
        for row in range(z.shape[0]):
            past_end = first + row // sequences - batch.lengths[row % sequences]
            if past_end >= 0:
                set_final_row(tables, box, parameters, past_end, z[row])
    if boxes[box, FEEDS] >= 0:
        fed = rows_of(values, tables, batch, boxes[box, FEEDS], first, last)
        for row in range(z.shape[0]):
            if batch.known[first * sequences + row] == 0:
                fed[row] = z[row]


@kernel
def _run_feed_forward(tables, parameters, batch, values, stage, first, last):
    box = tables.order[tables.stages[stage, ORDER_FROM]]
    if tables.stages[stage, SCORED_ONLY] == 0:
        _start_sum(tables, parameters, batch, values, box, first, last)
        _finish(tables, parameters, batch, values, box, first, last)
        return
    start, stop = scored_run(batch.scored, first, last)
    while start < stop:
        _start_sum(tables, parameters, batch, values, box, start, stop)
        _finish(tables, parameters, batch, values, box, start, stop)
        start, stop = scored_run(batch.scored, stop, last)


@kernel
def _run_recurrent(tables, parameters, batch, values, stage, first, last):
    boxes, order = tables.boxes, tables.order
    order_from, order_to = tables.stages[stage, ORDER_FROM], tables.stages[stage, ORDER_TO]
    for i in range(order_from, order_to):
        _start_sum(tables, parameters, batch, values, order[i], first, last)
    for step in range(last - first):
        t = first + step if tables.stages[stage, DIRECTION] >= 0 else last - 1 - step
        for i in range(order_from, order_to):
            box = order[i]
            inner_from, inner_to = boxes[box, INNER_FROM], boxes[box, INNER_TO]
            _add_arrows(tables, parameters, batch, values, inner_from, inner_to, t, t + 1)
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
def forward(tables, parameters, batch, values):
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
    batch : Batch
        The input; `batch.known` marks the steps whose fed rows are already in `values`.
    values : ndarray
        Filled. Rows of the output are computed for scored steps only where nothing else reads them.
    """
    set_values_outside(tables, parameters, batch, values)
    blocks = (batch.steps + batch.block - 1) // batch.block
    for group in range(tables.groups.shape[0]):
        for number in range(blocks):
            first, last = block_of(batch, tables.groups[group, GROUP_DIRECTION], number)
            for stage in range(tables.groups[group, STAGE_FROM], tables.groups[group, STAGE_TO]):
                if tables.stages[stage, RECURRENT] == 0:
                    _run_feed_forward(tables, parameters, batch, values, stage, first, last)
                else:
                    _run_recurrent(tables, parameters, batch, values, stage, first, last)
