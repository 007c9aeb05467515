"""Kernels called by their address: a caller is compiled without them.

Numba links the code of every function a kernel calls into it and optimises it there once more; a product that
fifteen kernels call was optimised fifteen times, half of the first compilation. A function behind an address
is compiled once.
"""

from typing import Any

from llvmlite import ir
from numba import carray, cfunc, config, types
from numba.extending import intrinsic

from rnnbench.kernels.compilation import NAN_SAFE_FASTMATH, in_cache_folder, kernel

#: Compiled functions by function and type; kept, for their code lives no longer than they.
_kept: dict[tuple[Any, Any], Any] = {}


def native_address(function: Any, signature: Any) -> int:
    """Return the address of a kernel compiled for a signature that returns nothing; 0 where none is compiled.

    Parameters
    ----------
    function : callable
        Plain, not decorated: it is compiled for callers behind an address only.
    signature : numba signature
        Numbers only, as `call` passes them.
    """
    if config.DISABLE_JIT:
        return 0
    key = (function, signature)
    if key not in _kept:
        with in_cache_folder() as cache:
            _kept[key] = cfunc(signature, cache=cache, error_model="numpy", fastmath=set(NAN_SAFE_FASTMATH))(
                function
            )
    return int(_kept[key].address)


@intrinsic
def _pointer(typing_context, real, address):
    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[1], context.get_value_type(signature.return_type))

    return types.CPointer(real)(real, types.intp), generate


@kernel
def array_at(real, address, size):
    """Return the flat array of `size` elements of the type of `real` at an address."""
    return carray(_pointer(real, address), (size,))


@intrinsic
def call(typing_context, address, arguments):
    """Call the function at an address with a tuple of numbers; it returns nothing."""
    if not isinstance(arguments, types.BaseTuple):
        return None

    def generate(context, builder, signature, values):
        kinds = [context.get_value_type(kind) for kind in arguments.types]
        function = ir.FunctionType(ir.VoidType(), kinds).as_pointer()
        parts = [builder.extract_value(values[1], i) for i in range(len(kinds))]
        builder.call(builder.inttoptr(values[0], function), parts)
        return context.get_dummy_value()

    return types.void(types.intp, arguments), generate
