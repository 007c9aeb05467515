"""The limit of one core: fused multiply-adds on registers alone, nothing loaded or stored."""

import math
from time import perf_counter

from llvmlite import binding, ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from rnnbench.kernels.vectors import VECTOR_BYTES

#: Enough independent sums to hide the latency of two units; with two operands they fit 16 registers.
SUMS = 12
#: Rounds of one call: some milliseconds.
ROUNDS = 1_000_000


def _make_chain(vector_bytes):
    @intrinsic
    def chain(typing_context, rounds):
        def generate(context, builder, signature, arguments):
            lanes = vector_bytes // 4
            vector = ir.VectorType(ir.FloatType(), lanes)
            kind = ir.FunctionType(vector, [vector] * 3)
            fma = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{lanes}f32")
            # Each sum tends to 1, so that no number leaves the normal range.
            factor, term = (ir.Constant(vector, [value] * lanes) for value in (0.5, 0.5))
            starts = [ir.Constant(vector, [float(number)] * lanes) for number in range(SUMS)]
            sums = [cgutils.alloca_once_value(builder, start) for start in starts]
            with cgutils.for_range(builder, arguments[0]):
                for slot in sums:
                    builder.store(builder.call(fma, [builder.load(slot), factor, term]), slot)
            total = builder.load(sums[0])
            for slot in sums[1:]:
                total = builder.fadd(total, builder.load(slot))
            return builder.extract_element(total, ir.IntType(32)(0))

        return types.float32(types.int64), generate

    return chain


def _make_kernel(vector_bytes):
    chain = _make_chain(vector_bytes)

    @njit(nogil=True)
    def kernel(rounds):
        return chain(rounds)

    return kernel


def widths():
    """Vector widths in bytes to try: the engine's own, and the widest there is."""
    try:
        features = binding.get_host_cpu_features()
    except RuntimeError:
        features = {}
    return sorted({VECTOR_BYTES, *([64] if features.get("avx512f") else [])})


class Peak:
    """Callable that spends some milliseconds on nothing but multiply-adds.

    Attributes
    ----------
    flops : int
        Floating-point operations of one call, counting a multiply-add as two.
    vector_bytes : int
        The width that was fastest.
    fastest : float
        Seconds of the fastest call so far: other work on the machine slows a turn, nothing speeds it up.
    """

    def __init__(self, timed):
        kernels = {width: _make_kernel(width) for width in widths()}
        rates = {width: width / timed(lambda k=k: k(ROUNDS)) for width, k in kernels.items()}
        self.vector_bytes = max(rates, key=rates.get)
        self.fastest = math.inf
        self._kernel = kernels[self.vector_bytes]
        self.flops = ROUNDS * SUMS * 2 * self.vector_bytes // 4

    def __call__(self):
        """Run once; the sums have arrived where they tend to."""
        clock = perf_counter()
        total = self._kernel(ROUNDS)
        self.fastest = min(self.fastest, perf_counter() - clock)
        assert abs(total - SUMS) < 1e-3
