"""Copies of the weights whose rows are whole vectors, and back."""

from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.tables import (
    BIAS_AT,
    INPUT,
    PACKED_AT,
    PACKED_BIAS_AT,
    SIZE,
    SOURCE,
    TARGET,
    TRANSPOSED_AT,
    WEIGHT_AT,
    WIDTH,
)


@kernel
def pack(tables, parameters, inputs, packed):
    """Copy weights and biases into rows of whole vectors; padding, and the bias of a box without one, are 0.

    Parameters
    ----------
    tables : Tables
        The plan.
    parameters : ndarray (n,)
        The public vector.
    inputs : int
        I.
    packed : ndarray
        Filled.
    """
    packed[:] = 0
    for e in range(tables.arrows.shape[0]):
        at, to = tables.arrows[e, WEIGHT_AT], tables.arrows[e, PACKED_AT]
        if at < 0:
            continue
        source, target = tables.arrows[e, SOURCE], tables.arrows[e, TARGET]
        rows = inputs if source == INPUT else tables.boxes[source, SIZE]
        size, width = tables.boxes[target, SIZE], tables.boxes[target, WIDTH]
        for k in range(rows):
            w, row = parameters[at + k * size : at + (k + 1) * size], packed[to + k * width :]
            for j in range(size):
                row[j] = w[j]
    for box in tables.order:
        at, to = tables.boxes[box, BIAS_AT], tables.boxes[box, PACKED_BIAS_AT]
        for j in range(tables.boxes[box, SIZE] if at >= 0 else 0):
            packed[to + j] = parameters[at + j]


@kernel
def transpose(tables, parameters, inputs, input_width, transposed):
    """Copy the weights of each arrow transposed, so that a product with W.T reads whole rows too."""
    transposed[:] = 0
    for e in range(tables.arrows.shape[0]):
        at, to = tables.arrows[e, WEIGHT_AT], tables.arrows[e, TRANSPOSED_AT]
        if at < 0:
            continue
        source, size = tables.arrows[e, SOURCE], tables.boxes[tables.arrows[e, TARGET], SIZE]
        rows = inputs if source == INPUT else tables.boxes[source, SIZE]
        width = input_width if source == INPUT else tables.boxes[source, WIDTH]
        for k in range(rows):
            w = parameters[at + k * size : at + (k + 1) * size]
            for j in range(size):
                transposed[to + j * width + k] = w[j]


@kernel
def unpack(tables, packed, inputs, gradient):
    """Add a gradient in the layout of the packed weights to that of the public vector."""
    for e in range(tables.arrows.shape[0]):
        at, start = tables.arrows[e, WEIGHT_AT], tables.arrows[e, PACKED_AT]
        if at < 0:
            continue
        source, target = tables.arrows[e, SOURCE], tables.arrows[e, TARGET]
        rows = inputs if source == INPUT else tables.boxes[source, SIZE]
        size, width = tables.boxes[target, SIZE], tables.boxes[target, WIDTH]
        for k in range(rows):
            g, row = gradient[at + k * size : at + (k + 1) * size], packed[start + k * width :]
            for j in range(size):
                g[j] += row[j]
    for box in tables.order:
        at, start = tables.boxes[box, BIAS_AT], tables.boxes[box, PACKED_BIAS_AT]
        for j in range(tables.boxes[box, SIZE] if at >= 0 else 0):
            gradient[at + j] += packed[start + j]
