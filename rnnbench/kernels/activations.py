"""Activations and their derivatives.

Only values are kept: each derivative is a function of its value, but for the square, whose pre-activation is
kept.
"""

from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.elementary import exp, sigmoid, tanh
from rnnbench.kernels.tables import RELU, SIGMOID, SOFTMAX, SQUARE, TANH


@kernel
def _softmax_row(z):
    top = z[0]
    for j in range(1, z.size):
        # The comparison is false for NaN, which the exponentials then carry into every unit.
        top = z[j] if z[j] > top else top
    for j in range(z.size):
        z[j] = exp(z[j] - top)
    total = z[0]
    for j in range(1, z.size):
        total += z[j]
    for j in range(z.size):
        z[j] /= total


@kernel
def activate(code, z, size):
    """Replace pre-activations by values.

    Parameters
    ----------
    code : int
        One of the codes of `rnnbench.kernels.tables`.
    z : ndarray (rows, width)
        In place, the padding behind the units included.
    size : int
        Units of a row; softmax runs over them.
    """
    if code == SOFTMAX:
        for row in range(z.shape[0]):
            _softmax_row(z[row, :size])
        return
    flat = z.reshape(z.size)
    if code == TANH:
        for i in range(flat.size):
            flat[i] = tanh(flat[i])
    elif code == SIGMOID:
        for i in range(flat.size):
            flat[i] = sigmoid(flat[i])
    elif code == RELU:
        zero = flat.dtype.type(0)
        for i in range(flat.size):
            # "Not below zero" and not "above zero": NaN stays NaN.
            flat[i] = zero if flat[i] < zero else flat[i]
    elif code == SQUARE:
        for i in range(flat.size):
            flat[i] *= flat[i]


@kernel
def pull_back(code, value, kept, d, size):
    """Replace the gradient of values by that of pre-activations: ``d = d @ Jacobian``.

    Parameters
    ----------
    code : int
        The activation.
    value, d : ndarray (rows, width)
        Values, and the gradient with respect to them (in place).
    kept : ndarray (rows, width)
        Pre-activations, read by the square only.
    size : int
        Units of a row.
    """
    if code == SOFTMAX:
        for row in range(value.shape[0]):
            y = value[row, :size]
            dy = d[row, :size]
            inner = dy[0] * y[0]
            for j in range(1, y.size):
                inner += dy[j] * y[j]
            for j in range(y.size):
                dy[j] = y[j] * (dy[j] - inner)
        return
    v = value.reshape(value.size)
    g = d.reshape(d.size)
    one = v.dtype.type(1)
    if code == TANH:
        for i in range(v.size):
            g[i] *= one - v[i] * v[i]
    elif code == SIGMOID:
        for i in range(v.size):
            g[i] *= v[i] * (one - v[i])
    elif code == RELU:
        for i in range(v.size):
            g[i] = g[i] if v[i] > 0 else v[i] * 0
    elif code == SQUARE:
        z = kept.reshape(kept.size)
        for i in range(v.size):
            g[i] *= z[i] + z[i]
