"""What one arrow passes back: the gradient of its weights and, where its gate is open, of its source."""

from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.product import add_product, add_transposed_product
from rnnbench.kernels.rows import passing_run, rows_of
from rnnbench.kernels.tables import INPUT, LAG, SIZE, SOURCE, TARGET, WEIGHT_AT


@kernel
def _add_indexed_weight_gradient(weights, index, dz):
    for row in range(dz.shape[0]):
        if index[row] >= 0:
            w = weights[index[row]]
            for j in range(w.size):
                w[j] += dz[row, j]


@kernel
def _add_input_weight_gradient(batch, lag, weights, dz, first, last):
    # The same two ranges of rows as in the forward pass: before the first step (carried), and inside.
    sequences, inputs = batch.sequences, batch.inputs
    one_hot = batch.index.size > 0
    slots = (batch.index_before.size if one_hot else batch.x_before.size // inputs) // sequences
    lower = max(first, lag - slots)
    middle = min(max(lower, lag), last)
    if lower < middle:
        a, b = (slots + lower - lag) * sequences, (slots + middle - lag) * sequences
        rows = dz[(lower - first) * sequences : (middle - first) * sequences]
        if one_hot:
            _add_indexed_weight_gradient(weights, batch.index_before[a:b], rows)
        else:
            add_transposed_product(weights, batch.x_before[a * inputs : b * inputs], rows)
    lower, upper = max(first, lag), min(last, batch.steps + lag)
    if lower < upper:
        a, b = (lower - lag) * sequences, (upper - lag) * sequences
        rows = dz[(lower - first) * sequences : (upper - first) * sequences]
        if one_hot:
            _add_indexed_weight_gradient(weights, batch.index[a:b], rows)
        else:
            add_transposed_product(weights, batch.x[a * inputs : b * inputs], rows)


@kernel
def add_weight_gradient(tables, batch, values, adjoint, e, first, last):
    """Add ``source_{t-lag}.T @ dz_t`` over steps `first` to `last` - 1 to the weights of arrow `e`."""
    source, lag, at = tables.arrows[e, SOURCE], tables.arrows[e, LAG], tables.arrows[e, WEIGHT_AT]
    if at < 0:
        return
    dz = rows_of(adjoint.dvalues, tables, batch, tables.arrows[e, TARGET], first, last)
    inner = batch.inputs if source == INPUT else tables.boxes[source, SIZE]
    weights = adjoint.gradient[at : at + inner * dz.shape[1]].reshape((inner, dz.shape[1]))
    if source == INPUT:
        _add_input_weight_gradient(batch, lag, weights, dz, first, last)
    else:
        rows = rows_of(values, tables, batch, source, first - lag, last - lag)
        add_transposed_product(weights, rows.reshape(rows.size), dz)


@kernel
def _pass_back(tables, adjoint, e, dz, d):
    at = tables.arrows[e, WEIGHT_AT]
    if at < 0:
        scale = tables.scales[e]
        for row in range(dz.shape[0]):
            for j in range(dz.shape[1]):
                d[row, j] += scale * dz[row, j]
    else:
        columns, inner = dz.shape[1], d.shape[1]
        w = adjoint.transposed[at : at + inner * columns].reshape((columns, inner))
        add_product(d, dz.reshape(dz.size), w)


@kernel
def _add_input_gradient(tables, batch, adjoint, e, dz, first, last):
    lag, sequences, inputs = tables.arrows[e, LAG], batch.sequences, batch.inputs
    dx, dx_before = adjoint.dx, adjoint.dx_before
    slots = dx_before.size // inputs // sequences
    lower = max(first, lag - slots)
    middle = min(max(lower, lag), last)
    if lower < middle:
        a, b = (slots + lower - lag) * sequences, (slots + middle - lag) * sequences
        rows = dz[(lower - first) * sequences : (middle - first) * sequences]
        _pass_back(tables, adjoint, e, rows, dx_before[a * inputs : b * inputs].reshape((b - a, inputs)))
    lower, upper = max(first, lag), min(last, batch.steps + lag)
    if lower < upper:
        a, b = (lower - lag) * sequences, (upper - lag) * sequences
        rows = dz[(lower - first) * sequences : (upper - first) * sequences]
        _pass_back(tables, adjoint, e, rows, dx[a * inputs : b * inputs].reshape((b - a, inputs)))


@kernel
def add_source_gradient(tables, batch, adjoint, e, first, last):
    """Add ``dz_t @ W.T`` to the gradient of the source at t - lag, for the rows whose gate is open."""
    source, lag = tables.arrows[e, SOURCE], tables.arrows[e, LAG]
    dz = rows_of(adjoint.dvalues, tables, batch, tables.arrows[e, TARGET], first, last)
    if source == INPUT:
        if adjoint.dx.size > 0:
            _add_input_gradient(tables, batch, adjoint, e, dz, first, last)
        return
    d = rows_of(adjoint.dvalues, tables, batch, source, first - lag, last - lag)
    shift = first * batch.sequences
    start, stop = passing_run(tables.arrows[e], batch, shift, last * batch.sequences)
    while start < stop:
        _pass_back(tables, adjoint, e, dz[start - shift : stop - shift], d[start - shift : stop - shift])
        start, stop = passing_run(tables.arrows[e], batch, stop, last * batch.sequences)
