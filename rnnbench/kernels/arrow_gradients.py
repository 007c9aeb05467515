"""What one arrow passes back: the gradient of its weights and, where its gate is open, of its source."""

from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.packing import transposed_width
from rnnbench.kernels.product import add_segment, product
from rnnbench.kernels.rows import input_ranges, input_slots, passes, passing_run, rows_at
from rnnbench.kernels.tables import (
    BIAS_AT,
    COVER,
    COVER_FEW,
    FEW_OUT,
    INPUT,
    LAG,
    LEAVING_FROM,
    LEAVING_TO,
    PACKED_AT,
    PACKED_BIAS_AT,
    PACKED_WIDTH,
    SIZE,
    SOURCE,
    TARGET,
    THIN,
    TRANSPOSED_AT,
    WIDTH,
)
from rnnbench.kernels.vectors import VECTOR_BYTES, address, stride

#: Terms of a sum over time that are taken at once.
ALIGNED_TERMS, UNALIGNED_TERMS = 512, 64


@kernel
def _add_product(cover, result, place, left, factor, right, right_at, right_step, terms, table):
    n = add_segment(table, 0, left, factor, right, right_at, right_step, terms, result, place)
    product(cover, result, place, address(result, place[0]), place[1] * result.itemsize, table, n)


@kernel
def _add_transposed_product(cover, result, place, left, factor, right, right_at, right_step, terms, table):
    """Add ``left.T @ right`` over a long sum, a chunk of its terms at a time, which stays in the first cache.

    Rows of the right factor that do not begin with a vector lie across cache lines and need shorter chunks.
    """
    chunk = ALIGNED_TERMS if stride(right, right_step) % VECTOR_BYTES == 0 else UNALIGNED_TERMS
    left_at, row_step, term_step = factor
    for k in range(0, terms, chunk):
        here = (left_at + k * term_step, row_step, term_step)
        at = right_at + k * right_step
        _add_product(cover, result, place, left, here, right, at, right_step, min(chunk, terms - k), table)


@kernel
def _add_indexed(weights_at, row_step, width, index, gradient, dvalues, dz_at):
    for row in range(index.size):
        if index[row] >= 0:
            w = gradient[weights_at + index[row] * row_step : weights_at + index[row] * row_step + width]
            dz = dvalues[dz_at + row * width : dz_at + (row + 1) * width]
            for j in range(width):
                w[j] += dz[j]


@kernel
def _add_input_weight_gradient(tables, batch, adjoint, e, first, last):
    lag, sequences, inputs = tables.arrows[e, LAG], batch.sequences, batch.inputs
    target, to = tables.arrows[e, TARGET], tables.arrows[e, PACKED_AT]
    width, row_step = tables.boxes[target, WIDTH], tables.boxes[target, PACKED_WIDTH]
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
            index = index[row : row + rows]
            _add_indexed(to, row_step, width, index, adjoint.packed, adjoint.dvalues, dz_at)
        else:
            x = batch.x_before if part == 0 else batch.x
            _add_transposed_product(
                tables.functions[COVER], adjoint.packed, (to, row_step, width, inputs),
                x, (row * inputs, 1, inputs), adjoint.dvalues, dz_at, width, rows, batch.segments,
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
    width, row_step = tables.boxes[target, WIDTH], tables.boxes[target, PACKED_WIDTH]
    source_at, source_width = rows_at(tables, batch, source, first - lag), tables.boxes[source, WIDTH]
    if tables.arrows[e, THIN] == 1:
        # dz.T @ source: the many units of the source fill the vectors that the few of the target cannot.
        to = tables.packed_size + tables.arrows[e, TRANSPOSED_AT]
        factor = (rows_at(tables, batch, target, first), 1, width)
        place = (to, tables.boxes[source, PACKED_WIDTH], source_width, tables.boxes[target, SIZE])
        _add_transposed_product(
            tables.functions[COVER], adjoint.packed, place, adjoint.dvalues, factor,
            values, source_at, source_width, (last - first) * batch.sequences, batch.segments,
        )  # fmt: skip
        return
    factor = (source_at, 1, source_width)
    _add_transposed_product(
        tables.functions[COVER], adjoint.packed, (to, row_step, width, tables.boxes[source, SIZE]),
        values, factor, adjoint.dvalues, rows_at(tables, batch, target, first), width,
        (last - first) * batch.sequences, batch.segments,
    )  # fmt: skip


@kernel
def add_bias_gradient(tables, batch, adjoint, box, first, last):
    """Add the sum of ``dz_t`` over steps `first` to `last` - 1 to the bias of a box."""
    if tables.boxes[box, BIAS_AT] < 0:
        return
    width, to = tables.boxes[box, WIDTH], tables.boxes[box, PACKED_BIAS_AT]
    one = (tables.scales.size - 1, 0, 0)
    _add_product(
        tables.functions[COVER], adjoint.packed, (to, width, width, 1), tables.scales, one,
        adjoint.dvalues, rows_at(tables, batch, box, first), width,
        (last - first) * batch.sequences, batch.segments,
    )  # fmt: skip


@kernel
def _pass_back(tables, batch, adjoint, e, dz_at, d, d_at, width, rows):
    """Add `rows` rows of ``dz @ W.T`` from offset `dz_at` to the rows of `d` from offset `d_at`."""
    source, target, to = tables.arrows[e, SOURCE], tables.arrows[e, TARGET], tables.arrows[e, TRANSPOSED_AT]
    size, step = tables.boxes[target, SIZE], tables.boxes[target, WIDTH]
    if to >= 0:
        right_step, cover = transposed_width(tables, batch.inputs, source), tables.functions[COVER]
        if source != INPUT and tables.boxes[source, FEW_OUT] == 1:
            to, right_step = (
                tables.transposed_size + tables.arrows[e, PACKED_AT],
                tables.boxes[target, PACKED_WIDTH],
            )
            cover = tables.functions[COVER_FEW]
        _add_product(
            cover, d, (d_at, width, width, rows), adjoint.dvalues, (dz_at, step, 1),
            adjoint.transposed, to, right_step, size, batch.segments,
        )  # fmt: skip
        return
    for r in range(rows):
        dz, row = adjoint.dvalues[dz_at + r * step :], d[d_at + r * width :]
        for j in range(size):
            row[j] += tables.scales[e] * dz[j]


@kernel
def _add_input_gradient(tables, batch, adjoint, e, first, last):
    lag, sequences, width = tables.arrows[e, LAG], batch.sequences, batch.inputs
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
    right_step, at = tables.boxes[box, PACKED_WIDTH], rows_at(tables, batch, box, step)
    d, place, segments = adjoint.dvalues, (at, width, width, rows), 0
    few = tables.boxes[box, FEW_OUT]
    for i in range(tables.boxes[box, LEAVING_FROM], tables.boxes[box, LEAVING_TO]):
        e = tables.leaving[i]
        later, target = step + tables.arrows[e, LAG], tables.arrows[e, TARGET]
        if not 0 <= later < batch.steps or not passes(tables.arrows[e], batch, later, 0):
            continue
        dz_at, to = rows_at(tables, batch, target, later), tables.arrows[e, TRANSPOSED_AT]
        if to < 0:
            _pass_back(tables, batch, adjoint, e, dz_at, d, at, width, rows)
            continue
        size, factor = tables.boxes[target, SIZE], (dz_at, tables.boxes[target, WIDTH], 1)
        if few == 1:
            to, right_step = (
                tables.transposed_size + tables.arrows[e, PACKED_AT],
                tables.boxes[target, PACKED_WIDTH],
            )
        segments = add_segment(
            batch.segments, segments, d, factor, adjoint.transposed, to, right_step, size, d, place
        )
    if segments > 0:
        start, step_bytes = address(d, at), width * d.itemsize
        product(
            tables.functions[COVER_FEW if few == 1 else COVER],
            d,
            place,
            start,
            step_bytes,
            batch.segments,
            segments,
        )
