"""The width of this processor's vectors, addresses of elements, and the table of a product's segments."""

import os

import llvmlite.binding as llvm
from llvmlite import ir
from numba import config, types
from numba.extending import intrinsic

from rnnbench.kernels.compilation import kernel

# Columns of a segment table. A segment adds ``a @ w`` for one arrow: LEFT is the address of the first
# element of `a`, ROW_STEP and TERM_STEP the bytes from a row to the next and from a term of the sum to the
# next, RIGHT the address of the first row of `w`, RIGHT_STEP the bytes to the next one, TERMS their number.
# Without explicit vectors there are no addresses: elements of flat arrays are counted instead.
LEFT, ROW_STEP, TERM_STEP, RIGHT, RIGHT_STEP, TERMS = 0, 1, 2, 3, 4, 5
SEGMENT_COLUMNS = 6


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


def vector_registers() -> int:
    """Return how many vectors the processor holds: 32 with AVX-512 (of any width) and on ARM, else 16."""
    try:
        features = llvm.get_host_cpu_features()
    except RuntimeError:
        return 16
    return 32 if features.get("avx512vl") or features.get("neon") else 16


VECTOR_BYTES, VECTOR_REGISTERS = vector_bytes(), vector_registers()
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

    @kernel
    def stride(array, elements):
        """Return the distance of so many elements in the unit of `address`."""
        return elements * array.itemsize

else:

    @kernel
    def address(array, offset):
        """Return the offset itself: plain loops take elements of arrays."""
        return offset

    @kernel
    def stride(array, elements):
        """Return the distance of so many elements in the unit of `address`."""
        return elements


@intrinsic
def lanes_of(typing_context, real):
    """Return how many numbers of this type a vector holds."""
    lanes = VECTOR_BYTES // (4 if real == types.float32 else 8)
    return types.intp(real), lambda context, builder, signature, arguments: ir.IntType(64)(lanes)
