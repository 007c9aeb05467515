"""Matrix products over segments: ``result = start + sum over segments of a @ w``, tile by tile.

One product serves a target box with all its arrows and lags: the tile of the result stays in registers while
the segments run (a TDNN of 41 lags is several times faster so than with a product for each arrow).
"""

from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.pointers import call
from rnnbench.kernels.vectors import (
    EXPLICIT,
    LEFT,
    RIGHT,
    RIGHT_STEP,
    ROW_STEP,
    SEGMENT_COLUMNS,
    TERM_STEP,
    TERMS,
    address,
    stride,
)


@kernel
def fill_rows(result, place, start, start_at):
    """Write one row (a bias) into the rows of a result; nothing where the product itself starts from it."""
    if EXPLICIT:
        return
    at, step, width, rows = place
    for r in range(rows):
        row = result[at + r * step : at + r * step + width]
        for j in range(width):
            row[j] = start[start_at + j]


@kernel
def _add_at_once(left, left_at, row_step, term_step, right, right_at, right_step, terms, result, place):
    # The plain form, in which one row at a time is loaded and stored for every term.
    at, step, width, rows = place
    for r in range(rows):
        row = result[at + r * step : at + r * step + width]
        for k in range(terms):
            factor = left[left_at + r * row_step + k * term_step]
            w = right[right_at + k * right_step : right_at + k * right_step + width]
            for j in range(width):
                row[j] += factor * w[j]


@kernel
def write_segment(table, at, left, left_at, row_step, term_step, right, right_at, right_step, terms):
    """Write a segment into a table from element `at` on (arguments as in `add_segment`)."""
    table[at + LEFT] = address(left, left_at)
    table[at + ROW_STEP] = stride(left, row_step)
    table[at + TERM_STEP] = stride(left, term_step)
    table[at + RIGHT] = address(right, right_at)
    table[at + RIGHT_STEP] = stride(right, right_step)
    table[at + TERMS] = terms


@kernel
def add_segment(table, number, left, factor, right, right_at, right_step, terms, result, place):
    """Write a segment into a table (or, without explicit vectors, add it to the result at once).

    Parameters
    ----------
    table : ndarray of int64 (segments * SEGMENT_COLUMNS,)
        Filled at segment `number`.
    left, factor
        Flat array of the left factor, and (offset of its first element, elements to the next row, to the next
        term).
    right, right_at, right_step, terms
        Flat array of the right factor, offset of its first row, elements to the next, and how many rows enter
        the sum. Whole vectors of it are read: the array goes on behind its last row.
    result, place
        As in `product`, of the product this segment belongs to.

    Returns
    -------
    int
        How many segments the table holds.
    """
    left_at, row_step, term_step = factor
    if not EXPLICIT:
        _add_at_once(left, left_at, row_step, term_step, right, right_at, right_step, terms, result, place)
        return number
    at = number * SEGMENT_COLUMNS
    write_segment(table, at, left, left_at, row_step, term_step, right, right_at, right_step, terms)
    return number + 1


@kernel
def product(cover, result, place, start, start_step, table, segments):
    """Compute ``result = start + sum over segments of a @ w``.

    Parameters
    ----------
    cover : int
        Address of `rnnbench.kernels.tiles.cover`.
    result, place
        Flat array, and (offset of the first row, elements to the next row, elements of a row, rows).
    start, start_step : int
        Address the sum starts from (the result's own, or a bias) and bytes between its rows (0 for a bias).
    table, segments
        As filled by `add_segment`, and how many.
    """
    if not EXPLICIT:
        return
    at, step, width, rows = place
    real, where, first = result.dtype.type(0), address(result, at), address(table, 0)
    arguments = (real, where, stride(result, step), width, rows, start, start_step, first, segments)
    call(cover, arguments, arguments)


@kernel
def add_product(cover, result, at, width, rows, left, right, table, table_at, segments):
    """Add segments of two arrays to rows of a result: the inner step of a recurrence.

    Parameters
    ----------
    cover : int
        Address of `rnnbench.kernels.tiles.cover`.
    result, at, width, rows
        Flat array, offset of the first row, elements of a row (the next one follows), number of rows.
    left, right : ndarray
        Flat arrays that hold the left and the right factors of all segments.
    table, table_at, segments
        As written by `write_segment`, from element `table_at` on.
    """
    if EXPLICIT:
        real, where, step = result.dtype.type(0), address(result, at), stride(result, width)
        arguments = (real, where, step, width, rows, where, step, address(table, table_at), segments)
        call(cover, arguments, arguments)
        return
    for i in range(segments):
        s = table_at + i * SEGMENT_COLUMNS
        row_step, term_step, right_step = table[s + ROW_STEP], table[s + TERM_STEP], table[s + RIGHT_STEP]
        _add_at_once(
            left, table[s + LEFT], row_step, term_step,
            right, table[s + RIGHT], right_step, table[s + TERMS],
            result, (at, width, width, rows),
        )  # fmt: skip
