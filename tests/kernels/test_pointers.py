"""Kernels called by address: the same machine code, types checked when the caller is compiled."""

from typing import NamedTuple

import numpy as np
import pytest
from numba import config
from numba.core.errors import TypingError

from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.pointers import call, pointer


class Pair(NamedTuple):
    a: np.ndarray
    scale: float


@kernel
def add_scaled(pair, result):
    """Add scale * a."""
    for i in range(result.size):
        result[i] += pair.scale * pair.a[i]


@kernel
def fail(pair, result):
    """Raise."""
    if result.size > 2:
        raise ValueError("too long")


@kernel
def twice(address, pair, result):
    """Call with other arguments of the same types."""
    for i in range(2):
        half = Pair(pair.a[i:], pair.scale / 2)
        call(address, (pair, result), (half, result))


@kernel
def wrong(address, pair, result):
    """Call with the arguments in another order."""
    call(address, (pair, result), (result, pair))


def arguments(size):
    return Pair(np.arange(size + 1.0), 2.0), np.ones(size)


def test_a_kernel_is_called_by_its_address():
    pair, result = arguments(2)
    address = pointer(add_scaled, pair, result)
    twice(address, pair, result)
    assert result.tolist() == [1 + 0 + 1, 1 + 1 + 2]


def test_what_it_raises_is_raised():
    pair, result = arguments(3)
    with pytest.raises(ValueError, match="too long"):
        twice(pointer(fail, pair, result), pair, result)
    pair, result = arguments(2)
    twice(pointer(fail, pair, result), pair, result)


@pytest.mark.skipif(config.DISABLE_JIT, reason="kernels are interpreted")
def test_other_types_are_refused_when_the_caller_is_compiled():
    pair, result = arguments(2)
    with pytest.raises(TypingError, match="compiled for"):
        wrong(pointer(add_scaled, pair, result), pair, result)
