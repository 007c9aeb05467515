"""Views of arrays that cost nothing to make.

Numba's slices and `reshape` call functions and count references, some 20 ns that a network of few units and
one sequence pays for every box and step. A view made here holds no reference, so the compiler drops the
counting: it must not outlive its array.
"""

from numba import carray, types
from numba.extending import intrinsic, overload
from numba.np.arrayobj import populate_array

from rnnbench.kernels.compilation import kernel


@intrinsic
def _borrowed(typing_context, array, start, rows, width):
    """Point into a C-contiguous array from element `start` on, without a reference."""
    if not isinstance(array, types.Array) or array.layout != "C":
        return None
    view = array.copy(ndim=1 if width == types.none else 2)

    def generate(context, builder, signature, arguments):
        source = context.make_array(array)(context, builder, arguments[0])
        made = context.make_array(view)(context, builder)
        item = source.itemsize
        shape, strides = [arguments[2]], [item]
        if view.ndim == 2:
            shape, strides = arguments[2:], [builder.mul(arguments[3], item), item]
        populate_array(made, builder.gep(source.data, [arguments[1]]), shape, strides, item, meminfo=None)
        return made._getvalue()

    return view(array, types.intp, types.intp, width if view.ndim == 1 else types.intp), generate


def flat(array):
    """Return the elements of a C-contiguous array as one row."""
    return array.reshape(array.size)


@overload(flat)
def _flat(array):
    return lambda array: _borrowed(array, 0, array.size, None)


def block(array, start, rows, width):
    """Return ``rows x width`` elements of a C-contiguous array, from element `start` on."""
    return array[start : start + rows * width].reshape((rows, width))


@overload(block)
def _block(array, start, rows, width):
    return lambda array, start, rows, width: _borrowed(array, start, rows, width)


@intrinsic
def _pointer(typing_context, real, address):
    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[1], context.get_value_type(signature.return_type))

    return types.CPointer(real)(real, types.intp), generate


@kernel
def array_at(real, address, size):
    """Return the flat array of `size` elements of the type of `real` at an address."""
    return carray(_pointer(real, address), (size,))
