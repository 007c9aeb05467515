"""The time loops of a recurrent stage: its inner arrows, step after step.

What a step does is laid out once for a block of steps, behind the outer segments in `Batch.segments`: for
each box its rows and its arrows, and how far all of them move from a step to the next. The loop itself then
touches a few integers for each box; small networks spend their time there.
"""

from rnnbench.kernels.arrow_gradients import gather_source_gradient
from rnnbench.kernels.box_rows import activate_box, finish_rows, pull_back_box, pull_rows
from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.product import add_product, write_segment
from rnnbench.kernels.rows import passes, rows_at
from rnnbench.kernels.tables import (
    COVER,
    COVER_FEW,
    CUT,
    DIRECTION,
    FEEDS,
    FEW_IN,
    FEW_OUT,
    INNER_FROM,
    INNER_TO,
    KEEPS,
    LAG,
    LEAVING_FROM,
    LEAVING_TO,
    ORDER_FROM,
    ORDER_TO,
    PACKED_AT,
    PACKED_WIDTH,
    SIZE,
    SOURCE,
    TARGET,
    TRANSPOSED_AT,
    WIDTH,
)
from rnnbench.kernels.vectors import LEFT, SEGMENT_COLUMNS, TERMS, address

# Columns of the layout: a row for each box of the stage, in order of computation ...
AT, MOVE, SEGMENTS_FROM, ARROWS_FROM, LEARNED, FIXED, SIMPLE = 0, 1, 2, 3, 4, 5, 6
STEP_COLUMNS = 7
# ... and one for each of its arrows, learned ones first, whose segments lie behind all of them.
ARROW, WHERE, ARROW_MOVE, ARROW_LAG, ARROW_CUT, ARROW_TERMS = 0, 1, 2, 3, 4, 5
STEP_ARROW_COLUMNS = 6
#: Elements that one box, and one arrow, may need.
ELEMENTS_OF_A_BOX, ELEMENTS_OF_AN_ARROW = STEP_COLUMNS, STEP_ARROW_COLUMNS + SEGMENT_COLUMNS


@kernel
def _lay_out_box(tables, batch, box, t, move, entry, arrows_at, simple):
    table = batch.segments
    table[entry + AT] = rows_at(tables, batch, box, t)
    table[entry + MOVE] = move * batch.sequences * tables.boxes[box, WIDTH]
    table[entry + ARROWS_FROM] = arrows_at
    table[entry + LEARNED] = 0
    table[entry + FIXED] = 0
    table[entry + SIMPLE] = 1 if simple else 0


@kernel
def _lay_out_arrow(tables, batch, entry, e, other, t, move, learned):
    # `other` is the box at the far end, read at step t.
    table = batch.segments
    table[entry + (LEARNED if learned else FIXED)] += 1
    at = table[entry + ARROWS_FROM]
    at += (table[entry + LEARNED] + table[entry + FIXED] - 1) * STEP_ARROW_COLUMNS
    table[at + ARROW] = e
    table[at + WHERE] = rows_at(tables, batch, other, t)
    table[at + ARROW_MOVE] = move * batch.sequences * tables.boxes[other, WIDTH]
    table[at + ARROW_LAG] = tables.arrows[e, LAG]
    table[at + ARROW_CUT] = tables.arrows[e, CUT]
    table[at + ARROW_TERMS] = tables.boxes[other, SIZE]
    return at + STEP_ARROW_COLUMNS


@kernel
def _lay_out_segments(tables, batch, entry, at, left, right, backward):
    table = batch.segments
    table[entry + SEGMENTS_FROM] = at
    for i in range(table[entry + LEARNED]):
        arrow = table[entry + ARROWS_FROM] + i * STEP_ARROW_COLUMNS
        e = table[arrow + ARROW]
        other = tables.arrows[e, TARGET] if backward else tables.arrows[e, SOURCE]
        matrix = tables.arrows[e, TRANSPOSED_AT] if backward else tables.arrows[e, PACKED_AT]
        near = tables.arrows[e, SOURCE] if backward else tables.arrows[e, TARGET]
        width, right_step = tables.boxes[other, WIDTH], tables.boxes[near, PACKED_WIDTH]
        if tables.boxes[near, FEW_OUT if backward else FEW_IN] == 1:
            matrix = tables.transposed_size + tables.arrows[e, PACKED_AT]
            if not backward:
                matrix = tables.packed_size + tables.arrows[e, TRANSPOSED_AT]
            right_step = tables.boxes[other, PACKED_WIDTH]
        terms = tables.boxes[other, SIZE]
        write_segment(table, at, left, table[arrow + WHERE], width, 1, right, matrix, right_step, terms)
        at += SEGMENT_COLUMNS
    return at


@kernel
def _lay_out_forward(tables, batch, values, packed, stage, t, move):
    boxes, arrows, start = tables.boxes, tables.arrows, tables.stages[stage, ORDER_FROM]
    count = tables.stages[stage, ORDER_TO] - start
    at = tables.outer_segments + count * STEP_COLUMNS
    for i in range(count):
        box, entry = tables.order[start + i], tables.outer_segments + i * STEP_COLUMNS
        simple = not batch.ragged and boxes[box, KEEPS] < 0 and boxes[box, FEEDS] < 0
        _lay_out_box(tables, batch, box, t, move, entry, at, simple)
        for learned in (True, False):
            for e in range(boxes[box, INNER_FROM], boxes[box, INNER_TO]):
                if (arrows[e, PACKED_AT] >= 0) == learned:
                    source = arrows[e, SOURCE]
                    at = _lay_out_arrow(tables, batch, entry, e, source, t - arrows[e, LAG], move, learned)
        at = _lay_out_segments(tables, batch, entry, at, values, packed, False)


@kernel
def _add_fixed(tables, table, entry, result, source, rows, width):
    # The multiples of the identity that a box's fixed arrows add.
    arrow = table[entry + ARROWS_FROM] + table[entry + LEARNED] * STEP_ARROW_COLUMNS
    at, n = table[entry + AT], rows * width
    for _ in range(table[entry + FIXED]):
        scale = tables.scales[table[arrow + ARROW]]
        z, values = result[at : at + n], source[table[arrow + WHERE] : table[arrow + WHERE] + n]
        for j in range(n):
            z[j] += scale * values[j]
        table[arrow + WHERE] += table[arrow + ARROW_MOVE]
        arrow += STEP_ARROW_COLUMNS


@kernel
def run_steps(tables, parameters, packed, batch, values, stage, first, last):
    """Run a recurrent stage over steps `first` to `last` - 1, whose rows hold what comes from outside it."""
    table, rows = batch.segments, batch.sequences
    move = 1 if tables.stages[stage, DIRECTION] >= 0 else -1
    t = first if move > 0 else last - 1
    _lay_out_forward(tables, batch, values, packed, stage, t, move)
    order_from = tables.stages[stage, ORDER_FROM]
    count = tables.stages[stage, ORDER_TO] - order_from
    for _ in range(last - first):
        for i in range(count):
            box, entry = tables.order[order_from + i], tables.outer_segments + i * STEP_COLUMNS
            at, width, learned = table[entry + AT], tables.boxes[box, WIDTH], table[entry + LEARNED]
            segment, arrow = table[entry + SEGMENTS_FROM], table[entry + ARROWS_FROM]
            for _ in range(learned):
                table[segment + LEFT] = address(values, table[arrow + WHERE])
                table[arrow + WHERE] += table[arrow + ARROW_MOVE]
                segment += SEGMENT_COLUMNS
                arrow += STEP_ARROW_COLUMNS
            if learned > 0:
                segment = table[entry + SEGMENTS_FROM]
                cover = tables.functions[COVER_FEW if tables.boxes[box, FEW_IN] == 1 else COVER]
                add_product(cover, values, at, width, rows, values, packed, table, segment, learned)
            if table[entry + FIXED] > 0:
                _add_fixed(tables, table, entry, values, values, rows, width)
            if table[entry + SIMPLE] == 1:
                activate_box(tables, values, box, at, rows)
            else:
                finish_rows(tables, parameters, batch, values, box, t, t + 1)
            table[entry + AT] = at + table[entry + MOVE]
        t += move


@kernel
def _lay_out_backward(tables, batch, adjoint, stage, t, move):
    boxes, arrows, start = tables.boxes, tables.arrows, tables.stages[stage, ORDER_FROM]
    count = tables.stages[stage, ORDER_TO] - start
    at = tables.outer_segments + count * STEP_COLUMNS
    for i in range(count):
        box, entry = tables.order[start + i], tables.outer_segments + i * STEP_COLUMNS
        simple = boxes[box, KEEPS] < 0 and boxes[box, FEEDS] < 0 and box != tables.output
        _lay_out_box(tables, batch, box, t, move, entry, at, simple)
        for learned in (True, False):
            for position in range(boxes[box, LEAVING_FROM], boxes[box, LEAVING_TO]):
                e = tables.leaving[position]
                # Always closed (or leading to targets only): nothing computed is ever reached.
                if (arrows[e, PACKED_AT] >= 0) == learned and arrows[e, CUT] != 1 and arrows[e, CUT] >= 0:
                    target = arrows[e, TARGET]
                    at = _lay_out_arrow(tables, batch, entry, e, target, t + arrows[e, LAG], move, learned)
        at = _lay_out_segments(tables, batch, entry, at, adjoint.dvalues, adjoint.transposed, True)


@kernel
def waits(tables, stage):
    """Whether some gradient crosses from a step of a stage to another, so that steps are taken in turn."""
    for i in range(tables.stages[stage, ORDER_FROM], tables.stages[stage, ORDER_TO]):
        box = tables.order[i]
        if tables.boxes[box, FEEDS] >= 0:
            return True
        for e in range(tables.boxes[box, INNER_FROM], tables.boxes[box, INNER_TO]):
            cut = tables.arrows[e, CUT]
            if tables.arrows[e, LAG] != 0 and (cut == 0 or cut > 1):
                return True
    return False


@kernel
def _gate(tables, batch, e, t):
    """Whether what arrow `e` brought to step t + lag may be passed back to step t."""
    later = t + tables.arrows[e, LAG]
    if not 0 <= later < batch.steps:
        return False
    return tables.arrows[e, CUT] == 0 or passes(tables.arrows[e], batch, later, 0)


@kernel
def _gather_fixed(tables, batch, dvalues, box, entry, t, rows):
    table = batch.segments
    arrow = table[entry + ARROWS_FROM] + table[entry + LEARNED] * STEP_ARROW_COLUMNS
    at, n = table[entry + AT], rows * tables.boxes[box, WIDTH]
    for _ in range(table[entry + FIXED]):
        e, where = table[arrow + ARROW], table[arrow + WHERE]
        if _gate(tables, batch, e, t):
            d, dz, scale = dvalues[at : at + n], dvalues[where : where + n], tables.scales[e]
            for j in range(n):
                d[j] += scale * dz[j]
        table[arrow + WHERE] += table[arrow + ARROW_MOVE]
        arrow += STEP_ARROW_COLUMNS


@kernel
def back_steps(tables, batch, values, adjoint, stage, first, last):
    """Run a recurrent stage backward over steps `first` to `last` - 1; all sequences must be alike.

    The gradient of a box's value at step t is gathered from the arrows that leave it,
    ``dv_t += sum of dz_{t + lag} @ W.T`` where the gate at t + lag is open, and becomes ``dz_t`` in place.
    Where no gradient crosses from a step to another, all steps are one.
    """
    table, dvalues, transposed = batch.segments, adjoint.dvalues, adjoint.transposed
    run = 1 if waits(tables, stage) else last - first
    move = -1 if tables.stages[stage, DIRECTION] >= 0 else 1
    t = first if move > 0 or run > 1 else last - 1
    _lay_out_backward(tables, batch, adjoint, stage, t, move)
    order_from, rows = tables.stages[stage, ORDER_FROM], run * batch.sequences
    count = tables.stages[stage, ORDER_TO] - order_from
    for _ in range((last - first) // run):
        for i in range(count - 1, -1, -1):
            box, entry = tables.order[order_from + i], tables.outer_segments + i * STEP_COLUMNS
            at, learned, width = table[entry + AT], table[entry + LEARNED], tables.boxes[box, WIDTH]
            segment, arrow = table[entry + SEGMENTS_FROM], table[entry + ARROWS_FROM]
            for _ in range(learned):
                later = t + table[arrow + ARROW_LAG]
                is_open = 0 <= later < batch.steps
                if table[arrow + ARROW_CUT] > 1:
                    is_open = _gate(tables, batch, table[arrow + ARROW], t)
                table[segment + LEFT] = address(dvalues, table[arrow + WHERE])
                table[segment + TERMS] = table[arrow + ARROW_TERMS] if is_open else 0
                table[arrow + WHERE] += table[arrow + ARROW_MOVE]
                segment += SEGMENT_COLUMNS
                arrow += STEP_ARROW_COLUMNS
            if learned > 0:
                segment = table[entry + SEGMENTS_FROM]
                cover = tables.functions[COVER_FEW if tables.boxes[box, FEW_OUT] == 1 else COVER]
                add_product(cover, dvalues, at, width, rows, dvalues, transposed, table, segment, learned)
            if table[entry + FIXED] > 0:
                _gather_fixed(tables, batch, dvalues, box, entry, t, rows)
            if table[entry + SIMPLE] == 1:
                pull_back_box(tables, values, dvalues, box, at, at, rows)
            else:
                if tables.boxes[box, FEEDS] >= 0:
                    gather_source_gradient(tables, batch, adjoint, tables.boxes[box, FEEDS], t)
                pull_rows(tables, batch, values, adjoint, box, t, t + run)
            table[entry + AT] = at + table[entry + MOVE]
        t += move
