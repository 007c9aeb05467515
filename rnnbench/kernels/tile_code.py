"""A tile of a matrix product held in vector registers, written as LLVM code.

Loops left to the auto-vectoriser load and store the result for every few terms of its sum. Here a tile of
``rows x columns`` vectors stays in registers over the whole sum, and over every segment of it.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from rnnbench.kernels.vectors import (
    LEFT,
    RIGHT,
    RIGHT_STEP,
    ROW_STEP,
    SEGMENT_COLUMNS,
    TERM_STEP,
    TERMS,
    VECTOR_BYTES,
)


class _Tile:
    """Writes the code of one tile: `rows` x `columns` vectors, the sum in `chains` interleaved parts."""

    def __init__(self, builder, dtype, rows, columns, chains):
        self.b, self.rows, self.columns, self.chains = builder, rows, columns, chains
        self.itemsize = np.dtype(str(dtype)).itemsize
        self.element = ir.FloatType() if self.itemsize == 4 else ir.DoubleType()
        lanes = VECTOR_BYTES // self.itemsize
        self.vector = ir.VectorType(self.element, lanes)
        name = f"llvm.fma.v{lanes}f{8 * self.itemsize}"
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        self.fma = cgutils.get_or_insert_function(builder.module, kind, name)
        self.first_lane = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
        # Stack slots that LLVM turns into registers: nothing takes their address.
        self.sums = [
            [[cgutils.alloca_once(builder, self.vector) for _ in range(columns)] for _ in range(rows)]
            for _ in range(chains)
        ]

    def pointer(self, where, offset, kind):
        return self.b.inttoptr(self.b.add(where, offset), kind.as_pointer())

    def load(self, where, offset):
        value = self.b.load(self.pointer(where, ir.IntType(64)(offset), self.vector))
        value.align = self.itemsize
        return value

    def mask_last_column(self, valid):
        """Keep the lanes of the last column below `valid`: a row of the result may end within a vector."""
        lanes = VECTOR_BYTES // self.itemsize
        word = ir.IntType(64)
        undefined = ir.Constant(ir.VectorType(word, lanes), ir.Undefined)
        single = self.b.insert_element(undefined, valid, ir.IntType(32)(0))
        everywhere = self.b.shuffle_vector(single, undefined, self.first_lane)
        numbers = ir.Constant(ir.VectorType(word, lanes), [word(i) for i in range(lanes)])
        self.mask = self.b.icmp_signed("<", numbers, everywhere)

    def masked(self, name, kind, arguments):
        lanes = VECTOR_BYTES // self.itemsize
        full = f"llvm.masked.{name}.v{lanes}f{8 * self.itemsize}.p0"
        return self.b.call(cgutils.get_or_insert_function(self.b.module, kind, full), arguments)

    def load_result(self, row, column):
        if column < self.columns - 1:
            return self.load(row, column * VECTOR_BYTES)
        return self.load_masked(self.b.add(row, ir.IntType(64)(column * VECTOR_BYTES)))

    def load_masked(self, where):
        pointer = self.b.inttoptr(where, self.vector.as_pointer())
        zero = ir.Constant(self.vector, None)
        kind = ir.FunctionType(self.vector, [pointer.type, ir.IntType(32), self.mask.type, self.vector])
        return self.masked("load", kind, [pointer, ir.IntType(32)(self.itemsize), self.mask, zero])

    def store_result(self, row, column, value):
        pointer = self.pointer(row, ir.IntType(64)(column * VECTOR_BYTES), self.vector)
        if column < self.columns - 1:
            self.b.store(value, pointer).align = self.itemsize
            return
        kind = ir.FunctionType(ir.VoidType(), [self.vector, pointer.type, ir.IntType(32), self.mask.type])
        self.masked("store", kind, [value, pointer, ir.IntType(32)(self.itemsize), self.mask])

    def start(self, where, row_step):
        for chain in range(self.chains):
            for r in range(self.rows):
                row = self.b.add(where, self.b.mul(row_step, ir.IntType(64)(r)))
                for c in range(self.columns):
                    value = ir.Constant(self.vector, None) if chain else self.load_result(row, c)
                    self.b.store(value, self.sums[chain][r][c])

    def term(self, lefts, left_offset, right, chain):
        undefined = ir.Constant(self.vector, ir.Undefined)
        vectors = [self.load(right, c * VECTOR_BYTES) for c in range(self.columns)]
        for r in range(self.rows):
            scalar = self.b.load(self.pointer(lefts[r], left_offset, self.element))
            single = self.b.insert_element(undefined, scalar, ir.IntType(32)(0))
            broadcast = self.b.shuffle_vector(single, undefined, self.first_lane)
            for c in range(self.columns):
                slot = self.sums[chain][r][c]
                self.b.store(self.b.call(self.fma, [broadcast, vectors[c], self.b.load(slot)]), slot)

    def segment(self, field, first_row, column_offset):
        b = self.b
        left = b.add(field[LEFT], b.mul(field[ROW_STEP], first_row))
        lefts = [b.add(left, b.mul(field[ROW_STEP], ir.IntType(64)(r))) for r in range(self.rows)]
        right = b.add(field[RIGHT], column_offset)
        chains = ir.IntType(64)(self.chains)
        rounds = b.sdiv(field[TERMS], chains)
        with cgutils.for_range(b, rounds) as loop:
            k = b.mul(loop.index, chains)
            for chain in range(self.chains):
                at = b.add(k, ir.IntType(64)(chain))
                self.term(
                    lefts, b.mul(field[TERM_STEP], at), b.add(right, b.mul(field[RIGHT_STEP], at)), chain
                )
        if self.chains > 1:
            with cgutils.for_range_slice(b, b.mul(rounds, chains), field[TERMS], ir.IntType(64)(1)) as (k, _):
                self.term(lefts, b.mul(field[TERM_STEP], k), b.add(right, b.mul(field[RIGHT_STEP], k)), 0)

    def finish(self, where, row_step):
        for r in range(self.rows):
            row = self.b.add(where, self.b.mul(row_step, ir.IntType(64)(r)))
            for c in range(self.columns):
                total = self.b.load(self.sums[0][r][c])
                for chain in range(1, self.chains):
                    total = self.b.fadd(total, self.b.load(self.sums[chain][r][c]))
                self.store_result(row, c, total)


class _Dots(_Tile):
    """Writes the code of `rows` x `columns` dot products of rows with rows; `lefts` and `rights` are both."""

    def segment(self, field, first_row, first_column):
        b, word = self.b, ir.IntType(64)
        left = b.add(field[LEFT], b.mul(field[ROW_STEP], first_row))
        right = b.add(field[RIGHT], b.mul(field[RIGHT_STEP], first_column))
        lefts = [b.add(left, b.mul(field[ROW_STEP], word(r))) for r in range(self.rows)]
        rights = [b.add(right, b.mul(field[RIGHT_STEP], word(c))) for c in range(self.columns)]
        lanes = word(VECTOR_BYTES // self.itemsize)
        whole = b.sdiv(field[TERMS], lanes)
        with cgutils.for_range(b, whole) as loop:
            at = b.mul(loop.index, word(VECTOR_BYTES))
            self.add_products([self.load(b.add(row, at), 0) for row in lefts], rights, at)
        rest = b.sub(field[TERMS], b.mul(whole, lanes))
        with b.if_then(b.icmp_signed(">", rest, word(0))):
            # Beyond a row of the left factor lies the next one; the right factor's padding is 0.
            self.mask_last_column(rest)
            at = b.mul(whole, word(VECTOR_BYTES))
            self.add_products([self.load_masked(b.add(row, at)) for row in lefts], rights, at)

    def clear(self):
        for row in self.sums[0]:
            for slot in row:
                self.b.store(ir.Constant(self.vector, None), slot)

    def add_products(self, values, rights, at):
        for c, right in enumerate(rights):
            vector = self.load(self.b.add(right, at), 0)
            for r, value in enumerate(values):
                slot = self.sums[0][r][c]
                self.b.store(self.b.call(self.fma, [value, vector, self.b.load(slot)]), slot)

    def finish(self, result, row_bytes, start, start_step):
        b, word = self.b, ir.IntType(64)
        lanes = VECTOR_BYTES // self.itemsize
        name = f"llvm.vector.reduce.fadd.v{lanes}f{8 * self.itemsize}"
        kind = ir.FunctionType(self.element, [self.element, self.vector])
        add_up = cgutils.get_or_insert_function(b.module, kind, name)
        for r in range(self.rows):
            for c in range(self.columns):
                offset = word(c * self.itemsize)
                from_row = b.add(start, b.mul(start_step, word(r)))
                first = b.load(self.pointer(from_row, offset, self.element))
                total = b.call(add_up, [first, b.load(self.sums[0][r][c])], fastmath=("reassoc",))
                row = b.add(result, b.mul(row_bytes, word(r)))
                b.store(total, self.pointer(row, offset, self.element))


def make_dots(rows, columns):
    """Return an intrinsic like that of `make_tile` for a result of few columns.

    Its `column` counts elements, and the right factors are transposed: a row for each column of the result,
    its terms in whole vectors. The terms of a row of the left factors must follow one another.
    """

    @intrinsic
    def dots(typing_context, real, result, row_step, start, start_step, table, segments, row, column):
        def generate(context, builder, signature, arguments):
            _, result, row_bytes, start, start_step, table, segments, row, column = arguments
            code = _Dots(builder, signature.args[0], rows, columns, 1)
            word = ir.IntType(64)
            column_bytes = builder.mul(column, word(code.itemsize))
            where = builder.add(builder.add(result, builder.mul(row, row_bytes)), column_bytes)
            start = builder.add(builder.add(start, builder.mul(row, start_step)), column_bytes)
            entries = builder.inttoptr(table, word.as_pointer())
            code.clear()
            with cgutils.for_range(builder, segments) as loop:
                first = builder.mul(loop.index, word(SEGMENT_COLUMNS))
                fields = [
                    builder.load(builder.gep(entries, [builder.add(first, word(i))]))
                    for i in range(SEGMENT_COLUMNS)
                ]
                code.segment(fields, row, column)
            code.finish(where, row_bytes, start, start_step)
            return context.get_dummy_value()

        return types.void(real, *[types.intp] * 8), generate

    return dots


def make_tile(rows, columns, chains=1):
    """Return an intrinsic that adds all segments to one tile of the result.

    The intrinsic takes integers only, so that a call costs little, and `real`, any number of the type of the
    arrays: (real, result, row_step, width, start, start_step, table, segments, row, column). `result`,
    `start` and `table` are addresses: of the result's first row, whose rows are `width` elements and lie
    `row_step` bytes apart; of the row the sum starts from, with the bytes to the next one (0: one row for
    all, a bias); and of the segment table, of which `segments` are taken. `row` and `column` are the tile's
    first row and first vector.
    """

    @intrinsic
    def tile(typing_context, real, result, row_step, width, start, start_step, table, segments, row, column):
        def generate(context, builder, signature, arguments):
            _, result, row_bytes, width, start, start_step, table, segments, row, column = arguments
            code = _Tile(builder, signature.args[0], rows, columns, chains)
            word = ir.IntType(64)
            column_bytes = builder.mul(column, word(VECTOR_BYTES))
            where = builder.add(builder.add(result, builder.mul(row, row_bytes)), column_bytes)
            start = builder.add(builder.add(start, builder.mul(row, start_step)), column_bytes)
            entries = builder.inttoptr(table, word.as_pointer())
            before = builder.mul(builder.add(column, word(columns - 1)), word(VECTOR_BYTES // code.itemsize))
            code.mask_last_column(builder.sub(width, before))
            code.start(start, start_step)
            with cgutils.for_range(builder, segments) as loop:
                first = builder.mul(loop.index, word(SEGMENT_COLUMNS))
                fields = [
                    builder.load(builder.gep(entries, [builder.add(first, word(i))]))
                    for i in range(SEGMENT_COLUMNS)
                ]
                code.segment(fields, row, column_bytes)
            code.finish(where, row_bytes)
            return context.get_dummy_value()

        return types.void(real, *[types.intp] * 9), generate

    return tile
