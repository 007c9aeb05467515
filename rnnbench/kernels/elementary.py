"""exp and tanh that a compiler can vectorise: no branches, no library calls.

Numba's own `math.exp` and `math.tanh` are scalar calls of 2-12 ns each. These are written without a jump, so
that a loop over them becomes SIMD code: the rational and polynomial forms of the Cephes library (Moshier
1989), and for tanh and sigmoid of float32 a shorter one. Both arguments float32 and float64 are served, each
by its own constants. NaN gives NaN; infinities give limits.

The shorter form takes x = n ln 2 / 2 + r with a whole number n, so that e**2x = s (1 + t) / (1 - t), where
s = 2**n and t = tanh r. Then ``tanh x = (s - 1 + (s + 1) t) / (s + 1 + (s - 1) t)`` (addition theorem) and
``1 / (1 + e**-2x) = (s + s t) / (s + s t + 1 - t)``: one division, and a polynomial of two coefficients,
because r is never larger than ln 2 / 4. Neither exceeds 1: the numerator is the denominator less something
positive, and rounding keeps that order. The largest error over all float32 is 2.5 units in the last place of
tanh and 2.6 of sigmoid; a sigmoid below 2**-126.5 is 0.
"""

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from rnnbench.kernels.compilation import kernel

f4 = np.float32
#: Added to a float32 below 2**22 it leaves the nearest whole number, plus 127, in the lowest bits of the sum.
_ROUNDING = f4(3 * 2**22 + 127)


@intrinsic
def _power_of_two(typing_context, n):
    """2**n for a whole-numbered float n in the normal range: the exponent bits are written directly."""
    if n == types.float32:
        width, bias, mantissa = 32, 127, 23
    elif n == types.float64:
        width, bias, mantissa = 64, 1023, 52
    else:
        return None

    def generate(context, builder, signature, arguments):
        integer = ir.IntType(width)
        whole = builder.fptosi(arguments[0], integer)
        bits = builder.shl(builder.add(whole, integer(bias)), integer(mantissa))
        return builder.bitcast(bits, context.get_value_type(signature.return_type))

    return n(n), generate


@intrinsic
def _power_of_low_bits(typing_context, m):
    """2**(k - 127) for a float32 with k in its lowest bits: they are moved to where the exponent stands."""
    if m != types.float32:
        return None

    def generate(context, builder, signature, arguments):
        bits = builder.bitcast(arguments[0], ir.IntType(32))
        return builder.bitcast(builder.shl(bits, ir.IntType(32)(23)), ir.FloatType())

    return m(m), generate


@intrinsic
def _choose(typing_context, condition, yes, no):
    """`yes if condition else no` with both computed: a conditional expression may become a jump."""
    if yes != no:
        return None

    def generate(context, builder, signature, arguments):
        return builder.select(*arguments)

    return yes(types.boolean, yes, no), generate


@kernel(ordered=True)
def _split32(x):
    """Return (p, n) with e**x = p 2**n for finite x of either sign."""
    n = np.floor(x * f4(1.44269504088896341) + f4(0.5))
    r = x - n * f4(0.693359375) + n * f4(2.12194440e-4)
    p = f4(1.9875691500e-4)
    p = p * r + f4(1.3981999507e-3)
    p = p * r + f4(8.3334519073e-3)
    p = p * r + f4(4.1665795894e-2)
    p = p * r + f4(1.6666665459e-1)
    p = p * r + f4(5.0000001201e-1)
    return p * r * r + r + f4(1.0), n


@kernel(ordered=True)
def _split64(x):
    n = np.floor(x * 1.4426950408889634073599 + 0.5)
    r = x - n * 6.93145751953125e-1 - n * 1.42860682030941723212e-6
    rr = r * r
    p = r * ((1.26177193074810590878e-4 * rr + 3.02994407707441961300e-2) * rr + 9.99999999999999999910e-1)
    q = (3.00198505138664455042e-6 * rr + 2.52448340349684104192e-3) * rr + 2.27265548208155028766e-1
    return 1.0 + 2.0 * p / (q * rr + 2.0 - p), n


@kernel(ordered=True)
def _exp32(x):
    # Beyond these ends the result is 0 or infinity; the power of two is taken in two factors, each in range.
    inside = _choose(x < f4(89.0), x, f4(89.0))
    p, n = _split32(_choose(inside > f4(-104.0), inside, f4(-104.0)))
    half = np.floor(n * f4(0.5))
    return _choose(x == x, p * _power_of_two(half) * _power_of_two(n - half), x)


@kernel(ordered=True)
def _exp64(x):
    inside = _choose(x < 710.0, x, 710.0)
    p, n = _split64(_choose(inside > -746.0, inside, -746.0))
    half = np.floor(n * 0.5)
    return _choose(x == x, p * _power_of_two(half) * _power_of_two(n - half), x)


@kernel(ordered=True)
def _tanh_near32(r):
    """Return tanh r for abs(r) <= ln 2 / 4."""
    # Both coefficients by weighted least squares for the least largest relative error, 6e-8; then a search of
    # the float32 around them for the least sum of the largest errors of tanh over three ranges of x.
    z = r * r
    return r * z * (f4(0.13106906) * z - f4(0.33331195)) + r


@kernel(ordered=True)
def _tanh32(x):
    # From 8.5 on s - 1 and s + 1 are one float32, and the result is 1. NaN fails every comparison and stays.
    inside = _choose(x > f4(9.0), f4(9.0), x)
    inside = _choose(inside < f4(-9.0), f4(-9.0), inside)
    m = inside * f4(2.8853900817779268) + _ROUNDING
    n = m - _ROUNDING
    s = _power_of_low_bits(m)
    t = _tanh_near32(inside - n * f4(0.34657359027997264))
    less, more = s - f4(1.0), s + f4(1.0)
    return (more * t + less) / (less * t + more)


@kernel(ordered=True)
def _sigmoid32(x):
    # Below -87.7 n is -127, whose exponent bits are those of 0.
    half = f4(0.5) * _choose(x > f4(20.0), f4(20.0), x)
    half = _choose(half < f4(-44.0), f4(-44.0), half)
    m = half * f4(2.8853900817779268) + _ROUNDING
    n = m - _ROUNDING
    s = _power_of_low_bits(m)
    # n times the first constant is exact: it has ten bits.
    t = _tanh_near32(half - n * f4(0.3466796875) + n * f4(1.0609722002734e-4))
    over = s * t + s
    return over / (over + (f4(1.0) - t))


@kernel(ordered=True)
def _tanh64(x):
    z = x * x
    p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3
    q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3
    near = x + x * z * (p / q)
    size = abs(x)
    p, n = _split64(_choose(size < 19.1, size + size, 38.2))
    far = 1.0 - 2.0 / (p * _power_of_two(n) + 1.0)
    far = _choose(x > 0.0, far, -far)
    return _choose(size >= 0.625, far, near)


def exp(x):
    """Return e**x, elementwise and vectorisable inside kernels (relative error below 2e-7 or 4e-16)."""
    return type(x)(math.exp(x)) if x < 700 else type(x)(np.inf)


def tanh(x):
    """Return the hyperbolic tangent, elementwise and vectorisable inside kernels."""
    return type(x)(math.tanh(x))


@overload(exp, inline="never")
def _exp(x):
    return (lambda x: _exp32(x)) if x == types.float32 else (lambda x: _exp64(x))


@overload(tanh, inline="never")
def _tanh(x):
    return (lambda x: _tanh32(x)) if x == types.float32 else (lambda x: _tanh64(x))


def sigmoid(x):
    """Return 1 / (1 + e**-x), elementwise and vectorisable inside kernels."""
    small = exp(-abs(x))
    return (type(x)(1) if x >= 0 else small) / (1 + small)


@overload(sigmoid, inline="never")
def _sigmoid(x):
    def compiled(x):
        # The exponential of a negative number cannot overflow.
        small = exp(-abs(x))
        return _choose(x >= 0.0, 1.0, small) / (1.0 + small)

    return (lambda x: _sigmoid32(x)) if x == types.float32 else compiled
