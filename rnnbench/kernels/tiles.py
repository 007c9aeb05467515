"""Which tiles cover a result of so many rows and vectors."""

from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.tile_code import make_dots, make_tile
from rnnbench.kernels.vectors import VECTOR_REGISTERS, lanes_of

# Twelve or more accumulators hide the latency of a multiply-add; few rows split their sum into chains
# instead, so that additions need not wait for one another. Names: rows by vectors.
_4x4, _3x4, _2x4, _1x4, _1x8 = (
    make_tile(4, 4), make_tile(3, 4), make_tile(2, 4), make_tile(1, 4, 2), make_tile(1, 8)
)  # fmt: skip
_6x3, _4x3, _2x3, _1x3 = make_tile(6, 3), make_tile(4, 3), make_tile(2, 3, 2), make_tile(1, 3, 3)
_6x2, _4x2, _2x2, _1x2 = make_tile(6, 2), make_tile(4, 2), make_tile(2, 2, 2), make_tile(1, 2, 4)
_12x1, _6x1, _2x1, _1x1 = make_tile(12, 1), make_tile(6, 1), make_tile(2, 1, 4), make_tile(1, 1, 8)
_dots_4x2, _dots_4x1, _dots_1x2, _dots_1x1 = (
    make_dots(4, 2),
    make_dots(4, 1),
    make_dots(1, 2),
    make_dots(1, 1),
)


#: Whether the larger tiles fit; with half the registers, two columns of six rows are the largest.
MANY_REGISTERS = VECTOR_REGISTERS == 32


@kernel
def _four_columns(real, result, row_step, width, rows, start, start_step, table, segments, column):
    # Rows left over: five are 3 + 2, six are 3 + 3.
    row, left = 0, rows
    while left == 4 or left >= 7:
        _4x4(real, result, row_step, width, start, start_step, table, segments, row, column)
        row, left = row + 4, left - 4
    while left >= 3:
        _3x4(real, result, row_step, width, start, start_step, table, segments, row, column)
        row, left = row + 3, left - 3
    if left == 2:
        _2x4(real, result, row_step, width, start, start_step, table, segments, row, column)
    elif left == 1:
        _1x4(real, result, row_step, width, start, start_step, table, segments, row, column)


@kernel
def _three_columns(real, result, row_step, width, rows, start, start_step, table, segments, column):
    row = 0
    while rows - row >= 6:
        _6x3(real, result, row_step, width, start, start_step, table, segments, row, column)
        row += 6
    if rows - row >= 4:
        _4x3(real, result, row_step, width, start, start_step, table, segments, row, column)
        row += 4
    while rows - row >= 2:
        _2x3(real, result, row_step, width, start, start_step, table, segments, row, column)
        row += 2
    if row < rows:
        _1x3(real, result, row_step, width, start, start_step, table, segments, row, column)


@kernel
def _two_columns(real, result, row_step, width, rows, start, start_step, table, segments, column):
    row = 0
    while rows - row >= 6:
        _6x2(real, result, row_step, width, start, start_step, table, segments, row, column)
        row += 6
    if rows - row >= 4:
        _4x2(real, result, row_step, width, start, start_step, table, segments, row, column)
        row += 4
    while rows - row >= 2:
        _2x2(real, result, row_step, width, start, start_step, table, segments, row, column)
        row += 2
    if row < rows:
        _1x2(real, result, row_step, width, start, start_step, table, segments, row, column)


@kernel
def _one_column(real, result, row_step, width, rows, start, start_step, table, segments, column):
    row = 0
    while rows - row >= 12:
        _12x1(real, result, row_step, width, start, start_step, table, segments, row, column)
        row += 12
    if rows - row >= 6:
        _6x1(real, result, row_step, width, start, start_step, table, segments, row, column)
        row += 6
    while rows - row >= 2:
        _2x1(real, result, row_step, width, start, start_step, table, segments, row, column)
        row += 2
    if row < rows:
        _1x1(real, result, row_step, width, start, start_step, table, segments, row, column)


@kernel
def cover(real, result, row_step, width, rows, start, start_step, table, segments):
    """Compute ``result = start + sum over segments of a @ w`` tile by tile; called by its address.

    Parameters
    ----------
    real : float
        Any number of the arrays' type.
    result, row_step : int
        Address of the result's first row and bytes between its rows.
    width, rows : int
        Elements of a row of the result, and how many rows.
    start, start_step : int
        Address of the row the sum starts from and bytes to the next one (0: the same row for all).
    table, segments : int
        Address of the first segment, and how many there are.
    """
    lanes = lanes_of(real)
    vectors = (width + lanes - 1) // lanes
    column = 0
    if rows == 1:
        while vectors - column >= 8:
            _1x8(real, result, row_step, width, start, start_step, table, segments, 0, column)
            column += 8
    while MANY_REGISTERS and vectors - column >= 4:
        _four_columns(real, result, row_step, width, rows, start, start_step, table, segments, column)
        column += 4
    while not MANY_REGISTERS and vectors - column >= 2:
        _two_columns(real, result, row_step, width, rows, start, start_step, table, segments, column)
        column += 2
    if vectors - column == 3:
        _three_columns(real, result, row_step, width, rows, start, start_step, table, segments, column)
    elif vectors - column == 2:
        _two_columns(real, result, row_step, width, rows, start, start_step, table, segments, column)
    elif vectors - column == 1:
        _one_column(real, result, row_step, width, rows, start, start_step, table, segments, column)


@kernel
def cover_few(real, result, row_step, width, rows, start, start_step, table, segments):
    """Compute the same for a result of few columns, as dot products: the right factors are transposed.

    Parameters
    ----------
    real, result, row_step, width, rows, start, start_step, table, segments
        As in `cover`; see `rnnbench.kernels.tile_code.make_dots` for the segments.
    """
    column = 0
    while width - column >= 2:
        row = 0
        while rows - row >= 4:
            _dots_4x2(real, result, row_step, start, start_step, table, segments, row, column)
            row += 4
        while row < rows:
            _dots_1x2(real, result, row_step, start, start_step, table, segments, row, column)
            row += 1
        column += 2
    if column < width:
        row = 0
        while rows - row >= 4:
            _dots_4x1(real, result, row_step, start, start_step, table, segments, row, column)
            row += 4
        while row < rows:
            _dots_1x1(real, result, row_step, start, start_step, table, segments, row, column)
            row += 1
