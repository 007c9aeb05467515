"""What one arrow passes back: the gradient of its weights and, where its gate is open, of its source."""

from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.product import add_segment, product
from rnnbench.kernels.rows import input_ranges, input_slots, passes, passing_run, rows_at
from rnnbench.kernels.tables import (
    INPUT,
    LAG,
    LEAVING_FROM,
    LEAVING_TO,
    PACKED_AT,
    SIZE,
    SOURCE,
    TARGET,
    TRANSPOSED_AT,
    WIDTH,
)
from rnnbench.kernels.vectors import address


@kernel
def _add_product(result, at, width, rows, left, left_at, row_step, term_step, right, right_at, terms, table):
    shape = (result, at, width, rows)
    n = add_segment(table, 0, left, left_at, row_step, term_step, right, right_at, terms, shape)
    product(result, at, width, rows, address(result, at), width * result.itemsize, table, n)


@kernel
def _add_indexed(weights_at, width, index, gradient, dvalues, dz_at):
    for row in range(index.size):
        if index[row] >= 0:
            w = gradient[weights_at + index[row] * width : weights_at + (index[row] + 1) * width]
            dz = dvalues[dz_at + row * width : dz_at + (row + 1) * width]
            for j in range(width):
                w[j] += dz[j]


@kernel
def _add_input_weight_gradient(tables, batch, adjoint, e, first, last):
    lag, sequences, inputs = tables.arrows[e, LAG], batch.sequences, batch.inputs
    target, to = tables.arrows[e, TARGET], tables.arrows[e, PACKED_AT]
    width = tables.boxes[target, WIDTH]
    slots = input_slots(batch)
    ranges = input_ranges(batch, slots, lag, first, last)
    for part in range(2):
        lower, upper = (ranges[0], ranges[1]) if part == 0 else (ranges[2], ranges[3])
        if lower >= upper:
            continue
        row = (lower - lag + (slots if part == 0 else 0)) * sequences
        rows, dz_at = (upper - lower) * sequences, rows_at(tables, batch, target, lower)
        if batch.index.size > 0:
            index = batch.index_before if part == 0 else batch.index
            _add_indexed(to, width, index[row : row + rows], adjoint.packed, adjoint.dvalues, dz_at)
        else:
            x = batch.x_before if part == 0 else batch.x
            _add_product(
                adjoint.packed, to, width, inputs, x, row * inputs, 1, inputs,
                adjoint.dvalues, dz_at, rows, batch.segments,
            )  # fmt: skip


@kernel
def add_weight_gradient(tables, batch, values, adjoint, e, first, last):
    """Add ``source_{t-lag}.T @ dz_t`` over steps `first` to `last` - 1 to the weights of arrow `e`."""
    source, lag, to = tables.arrows[e, SOURCE], tables.arrows[e, LAG], tables.arrows[e, PACKED_AT]
    if to < 0:
        return
    if source == INPUT:
        _add_input_weight_gradient(tables, batch, adjoint, e, first, last)
        return
    target = tables.arrows[e, TARGET]
    source_width = tables.boxes[source, WIDTH]
    _add_product(
        adjoint.packed, to, tables.boxes[target, WIDTH], tables.boxes[source, SIZE],
        values, rows_at(tables, batch, source, first - lag), 1, source_width,
        adjoint.dvalues, rows_at(tables, batch, target, first), (last - first) * batch.sequences,
        batch.segments,
    )  # fmt: skip


@kernel
def _pass_back(tables, batch, adjoint, e, dz_at, d, d_at, width, rows):
    """Add `rows` rows of ``dz @ W.T`` from offset `dz_at` to the rows of `d` from offset `d_at`."""
    target, to = tables.arrows[e, TARGET], tables.arrows[e, TRANSPOSED_AT]
    size, step = tables.boxes[target, SIZE], tables.boxes[target, WIDTH]
    if to >= 0:
        _add_product(
            d,
            d_at,
            width,
            rows,
            adjoint.dvalues,
            dz_at,
            step,
            1,
            adjoint.transposed,
            to,
            size,
            batch.segments,
        )
        return
    for r in range(rows):
        dz, row = adjoint.dvalues[dz_at + r * step :], d[d_at + r * width :]
        for j in range(size):
            row[j] += tables.scales[e] * dz[j]


@kernel
def _add_input_gradient(tables, batch, adjoint, e, first, last):
    lag, sequences, width = tables.arrows[e, LAG], batch.sequences, batch.input_width
    target = tables.arrows[e, TARGET]
    # The gradient before the first step may be wanted although nothing was carried there.
    slots = adjoint.dx_before.size // width // sequences
    ranges = input_ranges(batch, slots, lag, first, last)
    for part in range(2):
        lower, upper = (ranges[0], ranges[1]) if part == 0 else (ranges[2], ranges[3])
        if lower >= upper:
            continue
        d = adjoint.dx_before if part == 0 else adjoint.dx
        d_at = (lower - lag + (slots if part == 0 else 0)) * sequences * width
        dz_at, rows = rows_at(tables, batch, target, lower), (upper - lower) * sequences
        _pass_back(tables, batch, adjoint, e, dz_at, d, d_at, width, rows)


@kernel
def add_source_gradient(tables, batch, adjoint, e, first, last):
    """Add ``dz_t @ W.T`` to the gradient of the source at t - lag, for the rows whose gate is open."""
    source, lag = tables.arrows[e, SOURCE], tables.arrows[e, LAG]
    if source == INPUT:
        if adjoint.dx.size > 0:
            _add_input_gradient(tables, batch, adjoint, e, first, last)
        return
    sequences = batch.sequences
    width, step = tables.boxes[source, WIDTH], tables.boxes[tables.arrows[e, TARGET], WIDTH]
    dz_at = rows_at(tables, batch, tables.arrows[e, TARGET], first)
    d_at = rows_at(tables, batch, source, first - lag)
    shift = first * sequences
    start, stop = passing_run(tables.arrows[e], batch, shift, last * sequences)
    while start < stop:
        _pass_back(
            tables, batch, adjoint, e, dz_at + (start - shift) * step,
            adjoint.dvalues, d_at + (start - shift) * width, width, stop - start,
        )  # fmt: skip
        start, stop = passing_run(tables.arrows[e], batch, stop, last * sequences)


@kernel
def gather_source_gradient(tables, batch, adjoint, box, step):
    """Add what the inner arrows out of a box pass back to its step: one product for all of them.

    ``dv_step += sum over arrows of dz_{step + lag} @ W.T`` where the gate at step + lag is open. All
    sequences must be alike; otherwise `add_source_gradient` decides row by row.
    """
    rows, width = batch.sequences, tables.boxes[box, WIDTH]
    at = rows_at(tables, batch, box, step)
    d = adjoint.dvalues
    shape = (d, at, width, rows)
    segments = 0
    for i in range(tables.boxes[box, LEAVING_FROM], tables.boxes[box, LEAVING_TO]):
        e = tables.leaving[i]
        later, target = step + tables.arrows[e, LAG], tables.arrows[e, TARGET]
        if not 0 <= later < batch.steps or not passes(tables.arrows[e], batch, later, 0):
            continue
        dz_at, to = rows_at(tables, batch, target, later), tables.arrows[e, TRANSPOSED_AT]
        if to < 0:
            _pass_back(tables, batch, adjoint, e, dz_at, d, at, width, rows)
            continue
        size, row_step = tables.boxes[target, SIZE], tables.boxes[target, WIDTH]
        segments = add_segment(
            batch.segments, segments, d, dz_at, row_step, 1, adjoint.transposed, to, size, shape
        )
    if segments > 0:
        product(d, at, width, rows, address(d, at), width * d.itemsize, batch.segments, segments)
