"""Calls of kernels that are compiled already, by address.

A kernel that calls another one gets a copy of it: Numba links the callee's code into the caller's and
compiles it once more. A product that fifteen kernels call would be compiled fifteen times; `forward` and
`backward`, which bring everything with them, would double the time of a first compilation; and only the very
same machine code is certain to give the very same bits.
"""

from numba import config, typeof, types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic


@intrinsic
def _call(typing_context, address, expected, arguments):
    if expected != arguments:
        # An address knows no types: whatever else it were called with would be read as garbage.
        raise TypingError(f"compiled for {expected}, called with {arguments}")

    def generate(context, builder, signature, values):
        kinds = signature.args[2].types
        kind = context.call_conv.get_function_type(types.none, kinds)
        function = builder.inttoptr(values[0], kind.as_pointer())
        unpacked = cgutils.unpack_tuple(builder, values[2], len(kinds))
        status, _ = context.call_conv.call_function(builder, function, types.none, kinds, unpacked)
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return types.none(types.int64, expected, arguments), generate


if config.DISABLE_JIT:

    def pointer(function, *arguments):
        """Return the function: nothing is compiled."""
        return function

    def call(function, expected, arguments):
        """Call the function."""
        function(*arguments)

else:
    call = _call

    def pointer(function, *arguments):
        """Compile a kernel that returns nothing for these arguments (or load it); return its address.

        Parameters
        ----------
        function : kernel
            The kernel.
        *arguments
            Only their types count. Inside a kernel, ``call(address, expected, arguments)`` runs it: both are
            tuples of arguments, and the types of `expected` must be these.

        Returns
        -------
        int
            Valid as long as the process lives.
        """
        signature = tuple(typeof(argument) for argument in arguments)
        function.compile(signature)
        compiled = function.overloads[signature]
        return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
