"""Matrix products over segments: ``result = start + sum over segments of a @ w``, tile by tile.

One product serves a target box with all its arrows and lags: the tile of the result stays in registers while
the segments run (a TDNN of 41 lags is several times faster so than with a product for each arrow).
"""

from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.vectors import (
    EXPLICIT,
    LEFT,
    RIGHT,
    ROW_STEP,
    SEGMENT_COLUMNS,
    TERM_STEP,
    TERMS,
    VECTOR_BYTES,
    address,
    make_tile,
)

# Twelve accumulators, two vectors of the right factor and one broadcast fit the sixteen registers of every
# machine; a single row splits its sum into chains so that additions need not wait for one another.
_six_by_two, _four_by_two, _two_by_two = make_tile(6, 2), make_tile(4, 2), make_tile(2, 2, 2)
_one_by_two, _one_by_four = make_tile(1, 2, 4), make_tile(1, 4, 2)
_twelve_by_one, _six_by_one = make_tile(12, 1), make_tile(6, 1)
_two_by_one, _one_by_one = make_tile(2, 1, 4), make_tile(1, 1, 8)


@kernel
def fill_rows(result, at, width, rows, start, start_at):
    """Write one row (a bias) into `rows` rows; nothing where the product itself starts from it."""
    if EXPLICIT:
        return
    for r in range(rows):
        row = result[at + r * width : at + (r + 1) * width]
        for j in range(width):
            row[j] = start[start_at + j]


@kernel
def _add_at_once(left, left_at, row_step, term_step, right, right_at, terms, result):
    # The plain form, in which one row at a time is loaded and stored for every term.
    values, at, width, rows = result
    for r in range(rows):
        row = values[at + r * width : at + (r + 1) * width]
        for k in range(terms):
            factor = left[left_at + r * row_step + k * term_step]
            w = right[right_at + k * width : right_at + (k + 1) * width]
            for j in range(width):
                row[j] += factor * w[j]


@kernel
def add_segment(table, number, left, left_at, row_step, term_step, right, right_at, terms, result):
    """Write a segment into a table (or, without explicit vectors, add it to the result at once).

    Parameters
    ----------
    table : ndarray of int64 (segments * SEGMENT_COLUMNS,)
        Filled at segment `number`.
    left, left_at, row_step, term_step
        Flat array of the left factor, offset of its first element, elements to the next row and term.
    right, right_at, terms
        Flat array of the right factor, offset of its first row, and how many rows enter the sum.
    result : tuple
        (array, offset, width, rows) of the product this segment belongs to.

    Returns
    -------
    int
        How many segments the table holds.
    """
    if not EXPLICIT:
        _add_at_once(left, left_at, row_step, term_step, right, right_at, terms, result)
        return number
    size = left.itemsize
    at = number * SEGMENT_COLUMNS
    table[at + LEFT] = address(left, left_at)
    table[at + ROW_STEP] = row_step * size
    table[at + TERM_STEP] = term_step * size
    table[at + RIGHT] = address(right, right_at)
    table[at + TERMS] = terms
    return number + 1


@kernel
def _two_columns(result, at, width, rows, start, start_step, table, segments, column):
    row = 0
    while rows - row >= 6:
        _six_by_two(result, at, width, start, start_step, table, segments, row, column)
        row += 6
    if rows - row >= 4:
        _four_by_two(result, at, width, start, start_step, table, segments, row, column)
        row += 4
    if rows - row >= 2:
        _two_by_two(result, at, width, start, start_step, table, segments, row, column)
        row += 2
    if row < rows:
        _one_by_two(result, at, width, start, start_step, table, segments, row, column)


@kernel
def _one_column(result, at, width, rows, start, start_step, table, segments, column):
    row = 0
    while rows - row >= 12:
        _twelve_by_one(result, at, width, start, start_step, table, segments, row, column)
        row += 12
    if rows - row >= 6:
        _six_by_one(result, at, width, start, start_step, table, segments, row, column)
        row += 6
    while rows - row >= 2:
        _two_by_one(result, at, width, start, start_step, table, segments, row, column)
        row += 2
    if row < rows:
        _one_by_one(result, at, width, start, start_step, table, segments, row, column)


@kernel
def product(result, at, width, rows, start, start_step, table, segments):
    """Compute ``result = start + sum over segments of a @ w`` for `rows` rows.

    Parameters
    ----------
    result : ndarray
        Flat; rows of `width` elements (whole vectors) from offset `at` on are written.
    start, start_step : int
        Address the sum starts from (the result's own, or a bias) and bytes between its rows (0 for a bias).
    table, segments
        As filled by `add_segment`, and how many.
    """
    if not EXPLICIT:
        return
    vectors = width * result.itemsize // VECTOR_BYTES
    column = 0
    while column < vectors:
        if rows == 1 and vectors - column >= 4:
            _one_by_four(result, at, width, start, start_step, table, segments, 0, column)
            column += 4
        elif vectors - column >= 2:
            _two_columns(result, at, width, rows, start, start_step, table, segments, column)
            column += 2
        else:
            _one_column(result, at, width, rows, start, start_step, table, segments, column)
            column += 1
