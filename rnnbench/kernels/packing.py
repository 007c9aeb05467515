"""Copies of the weights whose rows are whole vectors, and back."""

from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.tables import (
    BIAS_AT,
    FEW_IN,
    FEW_OUT,
    INPUT,
    PACKED_AT,
    PACKED_BIAS_AT,
    PACKED_WIDTH,
    SIZE,
    SOURCE,
    TARGET,
    THIN,
    TRANSPOSED_AT,
    WEIGHT_AT,
)


@kernel
def transposed_width(tables, inputs, source):
    """Return the length of a row of weights transposed: the units of the source, in whole vectors."""
    if source == INPUT:
        return (inputs + tables.lanes - 1) // tables.lanes * tables.lanes
    return tables.boxes[source, PACKED_WIDTH]


@kernel
def _transpose_one(parameters, at, rows, size, transposed, to, width):
    for k in range(rows):
        w = parameters[at + k * size : at + (k + 1) * size]
        for j in range(size):
            transposed[to + j * width + k] = w[j]


@kernel
def pack(tables, parameters, inputs, packed):
    """Copy weights and biases into rows of whole vectors.

    Parameters
    ----------
    tables : Tables
        The plan.
    parameters : ndarray (n,)
        The public vector.
    inputs : int
        I.
    packed : ndarray
        Filled, but for padding and the bias of a box without one, which must be 0 and stay so. Behind the
        weights, those into boxes with few units lie transposed.
    """
    for e in range(tables.arrows.shape[0]):
        at, to = tables.arrows[e, WEIGHT_AT], tables.arrows[e, PACKED_AT]
        if at < 0:
            continue
        source, target = tables.arrows[e, SOURCE], tables.arrows[e, TARGET]
        rows = inputs if source == INPUT else tables.boxes[source, SIZE]
        size, width = tables.boxes[target, SIZE], tables.boxes[target, PACKED_WIDTH]
        for k in range(rows):
            w, row = parameters[at + k * size : at + (k + 1) * size], packed[to + k * width :]
            for j in range(size):
                row[j] = w[j]
        if tables.boxes[target, FEW_IN] == 1:
            to = tables.packed_size + tables.arrows[e, TRANSPOSED_AT]
            _transpose_one(parameters, at, rows, size, packed, to, transposed_width(tables, inputs, source))
    for box in tables.order:
        at, to = tables.boxes[box, BIAS_AT], tables.boxes[box, PACKED_BIAS_AT]
        for j in range(tables.boxes[box, SIZE] if at >= 0 else 0):
            packed[to + j] = parameters[at + j]


@kernel
def transpose(tables, parameters, inputs, transposed):
    """Copy the weights of each arrow transposed; padding, which must be 0, stays so.

    Behind them, those of arrows out of boxes with few units lie as they are.
    """
    for e in range(tables.arrows.shape[0]):
        at, to = tables.arrows[e, WEIGHT_AT], tables.arrows[e, TRANSPOSED_AT]
        if at < 0:
            continue
        source, target = tables.arrows[e, SOURCE], tables.arrows[e, TARGET]
        size = tables.boxes[target, SIZE]
        rows = inputs if source == INPUT else tables.boxes[source, SIZE]
        _transpose_one(parameters, at, rows, size, transposed, to, transposed_width(tables, inputs, source))
        if source != INPUT and tables.boxes[source, FEW_OUT] == 1:
            to, width = (
                tables.transposed_size + tables.arrows[e, PACKED_AT],
                tables.boxes[target, PACKED_WIDTH],
            )
            for k in range(rows):
                w, row = parameters[at + k * size : at + (k + 1) * size], transposed[to + k * width :]
                for j in range(size):
                    row[j] = w[j]


@kernel
def clear(tables, packed, inputs):
    """Set a gradient in the layout of the packed weights to 0, padding aside."""
    for e in range(tables.arrows.shape[0]):
        if tables.arrows[e, WEIGHT_AT] < 0:
            continue
        source, target = tables.arrows[e, SOURCE], tables.arrows[e, TARGET]
        start, rows = tables.arrows[e, PACKED_AT], inputs if source == INPUT else tables.boxes[source, SIZE]
        width = tables.boxes[target, PACKED_WIDTH]
        if tables.arrows[e, THIN] == 1:
            start, rows = tables.packed_size + tables.arrows[e, TRANSPOSED_AT], tables.boxes[target, SIZE]
            width = tables.boxes[source, PACKED_WIDTH]
        packed[start : start + rows * width] = 0
    for box in tables.order:
        start = tables.boxes[box, PACKED_BIAS_AT]
        packed[start : start + tables.boxes[box, PACKED_WIDTH]] = 0


@kernel
def unpack(tables, packed, inputs, gradient):
    """Add a gradient in the layout of the packed weights to that of the public vector."""
    for e in range(tables.arrows.shape[0]):
        at, start = tables.arrows[e, WEIGHT_AT], tables.arrows[e, PACKED_AT]
        if at < 0:
            continue
        source, target = tables.arrows[e, SOURCE], tables.arrows[e, TARGET]
        rows = inputs if source == INPUT else tables.boxes[source, SIZE]
        size, width = tables.boxes[target, SIZE], tables.boxes[target, PACKED_WIDTH]
        if tables.arrows[e, THIN] == 1:
            start = tables.packed_size + tables.arrows[e, TRANSPOSED_AT]
            width = tables.boxes[source, PACKED_WIDTH]
            for j in range(size):
                row = packed[start + j * width : start + (j + 1) * width]
                for k in range(rows):
                    gradient[at + k * size + j] += row[k]
            continue
        for k in range(rows):
            g, row = gradient[at + k * size : at + (k + 1) * size], packed[start + k * width :]
            for j in range(size):
                g[j] += row[j]
    for box in tables.order:
        at, start = tables.boxes[box, BIAS_AT], tables.boxes[box, PACKED_BIAS_AT]
        for j in range(tables.boxes[box, SIZE] if at >= 0 else 0):
            gradient[at + j] += packed[start + j]
