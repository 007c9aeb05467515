"""A tile of a matrix product held in vector registers, written as LLVM code.

Loops left to the auto-vectoriser load and store the result for every few terms of its sum. Here a tile of
``rows x columns`` vectors stays in registers over the whole sum, and over every segment of it.
"""

import os

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

from rnnbench.kernels.compilation import kernel

# Columns of a segment table. A segment adds ``a @ w`` for one arrow: LEFT is the address of the first
# element of `a`, ROW_STEP and TERM_STEP the bytes from a row to the next and from a term of the sum to the
# next, RIGHT the address of the first row of `w` (whose rows are as wide as the result's), TERMS their
# number.
LEFT, ROW_STEP, TERM_STEP, RIGHT, TERMS = 0, 1, 2, 3, 4
SEGMENT_COLUMNS = 5


def vector_bytes() -> int:
    """Return the width of the processor's vectors in bytes: 64 (AVX-512), 32 (AVX2) or 16 (SSE, NEON)."""
    try:
        features = llvm.get_host_cpu_features()
    except RuntimeError:
        return 16
    # Zen 4 takes a 512-bit instruction in two halves: nothing is won, and odd widths lose more to padding.
    if features.get("avx512f") and llvm.get_host_cpu_name() != "znver4":
        return 64
    return 32 if features.get("avx2") and features.get("fma") else 16


VECTOR_BYTES = vector_bytes()
#: False with RNNBENCH_VECTORS=off, or where nothing is compiled: plain loops instead, to trace a difference.
EXPLICIT = os.environ.get("RNNBENCH_VECTORS", "on") != "off" and not config.DISABLE_JIT


def padded(size: int, itemsize: int) -> int:
    """Return a number of units rounded up to whole vectors."""
    lanes = VECTOR_BYTES // itemsize
    return -(-size // lanes) * lanes


@intrinsic
def _address(typing_context, array, offset):
    if not isinstance(array, types.Array):
        return None

    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.ptrtoint(builder.gep(data, [arguments[1]]), ir.IntType(64))

    return types.intp(array, types.intp), generate


if EXPLICIT:
    address = _address
else:

    @kernel
    def address(array, offset):
        """Return 0: plain loops take arrays, not addresses."""
        return 0


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

    def start(self, where, row_step):
        for chain in range(self.chains):
            for r in range(self.rows):
                row = self.b.add(where, self.b.mul(row_step, ir.IntType(64)(r)))
                for c in range(self.columns):
                    zero = ir.Constant(self.vector, None)
                    value = zero if chain else self.load(row, c * VECTOR_BYTES)
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

    def segment(self, field, first_row, column_offset, row_bytes):
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
                self.term(lefts, b.mul(field[TERM_STEP], at), b.add(right, b.mul(row_bytes, at)), chain)
        if self.chains > 1:
            with cgutils.for_range_slice(b, b.mul(rounds, chains), field[TERMS], ir.IntType(64)(1)) as (k, _):
                self.term(lefts, b.mul(field[TERM_STEP], k), b.add(right, b.mul(row_bytes, k)), 0)

    def finish(self, where, row_step):
        for r in range(self.rows):
            row = self.b.add(where, self.b.mul(row_step, ir.IntType(64)(r)))
            for c in range(self.columns):
                total = self.b.load(self.sums[0][r][c])
                for chain in range(1, self.chains):
                    total = self.b.fadd(total, self.b.load(self.sums[chain][r][c]))
                pointer = self.pointer(row, ir.IntType(64)(c * VECTOR_BYTES), self.vector)
                self.b.store(total, pointer).align = self.itemsize


def make_tile(rows, columns, chains=1):
    """Return an intrinsic that adds all segments to one tile of the result.

    The intrinsic takes (result, at, width, start, start_step, table, segments, row, column): a flat array,
    the offset of the result's first row and its row width in elements; the address the sum starts from and
    the bytes between its rows (0: one row for all, a bias); the flat segment table and how many it holds; and
    the tile's first row and first vector.
    """

    @intrinsic
    def tile(typing_context, result, at, width, start, start_step, table, segments, row, column):
        def generate(context, builder, signature, arguments):
            array = context.make_array(signature.args[0])(context, builder, arguments[0])
            entries = context.make_array(signature.args[5])(context, builder, arguments[5]).data
            _, at, width, start, start_step, _, segments, row, column = arguments
            code = _Tile(builder, signature.args[0].dtype, rows, columns, chains)
            word = ir.IntType(64)
            row_bytes = builder.mul(width, word(code.itemsize))
            column_bytes = builder.mul(column, word(VECTOR_BYTES))
            where = builder.ptrtoint(builder.gep(array.data, [at]), word)
            where = builder.add(builder.add(where, builder.mul(row, row_bytes)), column_bytes)
            start = builder.add(builder.add(start, builder.mul(row, start_step)), column_bytes)
            code.start(start, start_step)
            with cgutils.for_range(builder, segments) as loop:
                first = builder.mul(loop.index, word(SEGMENT_COLUMNS))
                fields = [
                    builder.load(builder.gep(entries, [builder.add(first, word(i))]))
                    for i in range(SEGMENT_COLUMNS)
                ]
                code.segment(fields, row, column_bytes, row_bytes)
            code.finish(where, row_bytes)
            return context.get_dummy_value()

        signature = types.void(result, *[types.intp] * 4, table, *[types.intp] * 3)
        return signature, generate

    return tile
