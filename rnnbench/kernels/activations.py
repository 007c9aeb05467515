"""Activations and their derivatives.

Only values are kept: each derivative is a function of its value, but for the square, whose pre-activation is
kept.
"""

from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.elementary import exp, sigmoid, tanh
from rnnbench.kernels.tables import RELU, SIGMOID, SOFTMAX, SQUARE, TANH
from rnnbench.kernels.views import array_at, flat


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
    _activate(code, flat(z), z.shape[1], size)


@kernel
def _activate(code, units, width, size):
    if code == SOFTMAX:
        for at in range(0, units.size, width):
            _softmax_row(units[at : at + size])
    elif code == TANH:
        for i in range(units.size):
            units[i] = tanh(units[i])
    elif code == SIGMOID:
        for i in range(units.size):
            units[i] = sigmoid(units[i])
    elif code == RELU:
        zero = units.dtype.type(0)
        for i in range(units.size):
            # "Not below zero" and not "above zero": NaN stays NaN.
            units[i] = zero if units[i] < zero else units[i]
    elif code == SQUARE:
        for i in range(units.size):
            units[i] *= units[i]


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
    _pull_back(code, flat(value), flat(kept), flat(d), d.shape[1], size)


@kernel
def _pull_back_softmax(y, dy):
    inner = dy[0] * y[0]
    for j in range(1, y.size):
        inner += dy[j] * y[j]
    for j in range(y.size):
        dy[j] = y[j] * (dy[j] - inner)


@kernel
def _pull_back(code, v, z, g, width, size):
    one = v.dtype.type(1)
    if code == SOFTMAX:
        for at in range(0, v.size, width):
            _pull_back_softmax(v[at : at + size], g[at : at + size])
    elif code == TANH:
        for i in range(v.size):
            g[i] *= one - v[i] * v[i]
    elif code == SIGMOID:
        for i in range(v.size):
            g[i] *= v[i] * (one - v[i])
    elif code == RELU:
        for i in range(v.size):
            g[i] = g[i] if v[i] > 0 else v[i] * 0
    elif code == SQUARE:
        for i in range(v.size):
            g[i] *= z[i] + z[i]


@kernel
def activate_rows(real, code, z, elements, width, size):
    """Replace pre-activations at the address `z` by values: `activate` behind an address."""
    _activate(code, array_at(real, z, elements), width, size)


@kernel
def pull_back_rows(real, code, value, kept, d, elements, width, size):
    """Replace the gradient at the address `d` by that of pre-activations: `pull_back` behind an address."""
    v, g = array_at(real, value, elements), array_at(real, d, elements)
    _pull_back(code, v, array_at(real, kept, elements), g, width, size)
