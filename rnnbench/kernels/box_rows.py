"""Rows of a box between the sum that enters it and its value, there and back."""

from rnnbench.kernels.activations import activate, pull_back
from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.pointers import call
from rnnbench.kernels.rows import rows_at, rows_of, set_final_row
from rnnbench.kernels.tables import (
    ACTIVATE,
    ACTIVATION,
    FEEDS,
    FINAL_AT,
    FINAL_SLOTS,
    KEEPS,
    LINEAR,
    PULL_BACK,
    SIZE,
    WIDTH,
)
from rnnbench.kernels.vectors import EXPLICIT, address


@kernel
def activate_box(tables, values, box, at, rows):
    """Replace `rows` rows of sums from offset `at` on by values."""
    code, width, size = tables.boxes[box, ACTIVATION], tables.boxes[box, WIDTH], tables.boxes[box, SIZE]
    if code == LINEAR:
        return
    if EXPLICIT:
        real, z = values.dtype.type(0), address(values, at)
        arguments = (real, code, z, rows * width, width, size)
        call(tables.functions[ACTIVATE], arguments, arguments)
    else:
        activate(code, values[at : at + rows * width].reshape((rows, width)), size)


@kernel
def pull_back_box(tables, values, dvalues, box, at, kept_at, rows):
    """Replace `rows` rows of the gradient of values from offset `at` on by that of the sums."""
    code, width, size = tables.boxes[box, ACTIVATION], tables.boxes[box, WIDTH], tables.boxes[box, SIZE]
    if code == LINEAR:
        return
    if EXPLICIT:
        real, v = values.dtype.type(0), address(values, at)
        kept, d = address(values, kept_at), address(dvalues, at)
        arguments = (real, code, v, kept, d, rows * width, width, size)
        call(tables.functions[PULL_BACK], arguments, arguments)
    else:
        v = values[at : at + rows * width].reshape((rows, width))
        kept = values[kept_at : kept_at + rows * width].reshape((rows, width))
        pull_back(code, v, kept, dvalues[at : at + rows * width].reshape((rows, width)), size)


@kernel
def finish_rows(tables, parameters, batch, values, box, first, last):
    """Turn the sums of steps `first` to `last` - 1 into values, and write them where else they are read."""
    boxes, sequences = tables.boxes, batch.sequences
    z = rows_of(values, tables, batch, box, first, last)
    if boxes[box, KEEPS] >= 0:
        # Loops, here and below: assigning arrays to arrays compiles the text of its error message too.
        kept = rows_of(values, tables, batch, boxes[box, KEEPS], first, last)
        for row in range(z.shape[0]):
            for j in range(z.shape[1]):
                kept[row, j] = z[row, j]
    activate_box(tables, values, box, rows_at(tables, batch, box, first), z.shape[0])
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
def clear_rows(tables, batch, adjoint, box, first, last):
    """Set the gradient of steps `first` to `last` - 1 to 0."""
    start, stop = rows_at(tables, batch, box, first), rows_at(tables, batch, box, last)
    adjoint.dvalues[start:stop] = 0


@kernel
def take_final_gradient(tables, box, past_end, row, gradient):
    """Move the gradient of an overwritten row to the final value that was written there."""
    at = tables.boxes[box, FINAL_AT]
    if at >= 0 and past_end < tables.boxes[box, FINAL_SLOTS]:
        size = tables.boxes[box, SIZE]
        for j in range(size):
            gradient[at + past_end * size + j] += row[j]
    row[:] = 0


@kernel
def add_own(tables, batch, adjoint, box, first, last):
    """Add the divergence's own gradient to the rows of the output box."""
    width = tables.boxes[box, WIDTH]
    if box != tables.output or adjoint.dy.size == 0:
        return
    own = adjoint.dy[first * batch.sequences * width : last * batch.sequences * width]
    at = rows_at(tables, batch, box, first)
    d = adjoint.dvalues[at : at + own.size]
    for i in range(own.size):
        d[i] += own[i]


@kernel
def pull_rows(tables, batch, values, adjoint, box, first, last):
    """Turn the gradient of values, complete when all arrows out of them are passed, into that of sums."""
    boxes, sequences, dvalues = tables.boxes, batch.sequences, adjoint.dvalues
    if not adjoint.fused:
        add_own(tables, batch, adjoint, box, first, last)
    d = rows_of(dvalues, tables, batch, box, first, last)
    if boxes[box, FEEDS] >= 0:
        fed = rows_of(dvalues, tables, batch, boxes[box, FEEDS], first, last)
        for row in range(d.shape[0]):
            if batch.known[first * sequences + row] == 0:
                for j in range(d.shape[1]):
                    d[row, j] += fed[row, j]
    if batch.ragged:
        for row in range(d.shape[0]):
            past_end = first + row // sequences - batch.lengths[row % sequences]
            if past_end >= 0:
                take_final_gradient(tables, box, past_end, d[row], adjoint.gradient)
    at = kept_at = rows_at(tables, batch, box, first)
    if boxes[box, KEEPS] >= 0:
        kept_at = rows_at(tables, batch, boxes[box, KEEPS], first)
    pull_back_box(tables, values, dvalues, box, at, kept_at, d.shape[0])
    if adjoint.fused:
        # The loss gave the gradient of the output's sum itself.
        add_own(tables, batch, adjoint, box, first, last)
