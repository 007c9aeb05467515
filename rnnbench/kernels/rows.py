"""Where a box's rows lie in the flat buffers, and which rows a gate lets the gradient through.

The region of a box holds ``INITIAL_SLOTS + T + FINAL_SLOTS`` steps of B rows, oldest first; a lag is a
shifted range of rows, and no arrow needs a test for the ends of the sequence.
"""

from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.tables import (
    CUT,
    FINAL_AT,
    FINAL_SLOTS,
    INITIAL_AT,
    INITIAL_SLOTS,
    INPUT,
    LAG,
    SIZE,
    SOURCE,
    WIDTH,
)
from rnnbench.kernels.views import block


@kernel
def rows_at(tables, batch, box, step):
    """Return the offset of the first row of a box at a step."""
    before = (tables.boxes[box, INITIAL_SLOTS] + step) * batch.sequences
    return batch.regions[box] + before * tables.boxes[box, WIDTH]


@kernel
def rows_of(buffer, tables, batch, box, first, last):
    """Return the rows of a box for steps `first` to `last` - 1 as a view ((last - first) * B, width)."""
    width = tables.boxes[box, WIDTH]
    start = rows_at(tables, batch, box, first)
    rows = (last - first) * batch.sequences
    return block(buffer, start, rows, width)


@kernel
def input_slots(batch):
    """Return how many steps of the input before the first step are carried."""
    return max(batch.index_before.size, batch.x_before.size // batch.inputs) // batch.sequences


@kernel
def input_ranges(batch, slots, lag, first, last):
    """Return (from, to, from, to): steps whose row of x lies in its `slots` rows before, and inside."""
    lower = max(first, lag - slots)
    return lower, min(max(lower, lag), last), max(first, lag), min(last, batch.steps + lag)


@kernel
def passes(arrow, batch, t, b):
    """Whether the gradient of step `t` of sequence `b` may cross the arrow to its source.

    Initial and final values are parameters and the input is not computed: they are always reached. Values
    carried over from earlier steps of the stream were computed. A closed gate has
    ``floor(n / K) != floor((n - |lag|) / K)``, n counted from the start of the stream or, for a lag into the
    future, from the sequence's own end.
    """
    cut, lag, source = arrow[CUT], arrow[LAG], arrow[SOURCE]
    # Below 0 stand arrows that read known targets, which are constants inside the sequence.
    constant = cut < 0
    cut = -1 - cut if constant else cut
    if source == INPUT or t - lag >= batch.lengths[b]:
        return True
    if t - lag < 0:
        if batch.carried[source] == 0 or t - lag + batch.offset[b] < 0:
            return True
    elif constant:
        return False
    if cut <= 1:
        return cut == 0
    if lag > 0:
        n = t + batch.offset[b]
        return n // cut == (n - lag) // cut
    n = batch.lengths[b] - 1 - t
    return n // cut == (n + lag) // cut


@kernel
def passing_run(arrow, batch, row, last):
    """Return (start, stop) of the first run of rows ``t * B + b`` in [row, last) the gradient may cross."""
    if arrow[CUT] == 0:
        return row, last
    sequences = batch.sequences
    # Where all sequences are alike, `row` stands at the first of a step and the step decides for all.
    stride = sequences if batch.alike else 1
    while row < last and not passes(arrow, batch, row // sequences, row % sequences):
        row += stride
    start = row
    while row < last and passes(arrow, batch, row // sequences, row % sequences):
        row += stride
    return start, row


@kernel
def scored_run(scored, first, last):
    """Return (start, stop) of the first run of scored steps in [first, last)."""
    while first < last and scored[first] == 0:
        first += 1
    start = first
    while first < last and scored[first] != 0:
        first += 1
    return start, first


@kernel
def set_final_row(tables, box, parameters, past_end, row):
    """Write the value of the step `past_end` (0: the first) after a sequence's own end into a row."""
    at = tables.boxes[box, FINAL_AT]
    if at >= 0 and past_end < tables.boxes[box, FINAL_SLOTS]:
        size = tables.boxes[box, SIZE]
        for j in range(size):
            row[j] = parameters[at + past_end * size + j]
    else:
        row[:] = 0


@kernel
def set_values_outside(tables, parameters, batch, values):
    """Fill the rows before the first and after the last step of every box: learned, carried or zero."""
    boxes = tables.boxes
    for box in range(boxes.shape[0]):
        slots, size = boxes[box, INITIAL_SLOTS], boxes[box, SIZE]
        before = rows_of(values, tables, batch, box, -slots, 0)
        if batch.carried[box] == 0:
            for row in range(before.shape[0]):
                # The region runs forward in time, the parameter backward: its row 0 is t = -1.
                at = boxes[box, INITIAL_AT] + (slots - 1 - row // batch.sequences) * size
                for j in range(size):
                    before[row, j] = parameters[at + j] if boxes[box, INITIAL_AT] >= 0 else 0
        last = batch.steps + boxes[box, FINAL_SLOTS]
        # The fed buffer is filled before the run, so its rows beyond a shorter sequence's end are set here
        # too.
        first = 0 if box == tables.fed and batch.ragged else batch.steps
        after = rows_of(values, tables, batch, box, first, last)
        for row in range(after.shape[0]):
            past_end = first + row // batch.sequences - batch.lengths[row % batch.sequences]
            if past_end >= 0:
                set_final_row(tables, box, parameters, past_end, after[row])
