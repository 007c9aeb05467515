"""Step weights, fed targets, and the losses with their gradients."""

import math

import numpy as np

from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.tables import CROSS_ENTROPY, MSE


@kernel(ordered=True)
def prepare_steps(target, labels, weight, lengths, switch, outputs, w, known, scored):
    """Decide which steps are scored and which targets are fed.

    A target is not known where its weight is 0, where it is NaN, and beyond a sequence's end.

    Parameters
    ----------
    target : ndarray (T * B * O,)
        Real targets, or empty.
    labels : ndarray of int64 (T * B,)
        Labels, or empty.
    weight : ndarray of float64 (T * B,)
        Step weights, or empty: all 1.
    lengths : ndarray (B,)
        Steps of each sequence.
    switch : int
        Targets are fed before this step; 0 feeds none.
    outputs : int
        O.
    w : ndarray of float64 (T * B,)
        Filled with the weights, 0 where the target is not known.
    known : ndarray of uint8 (T * B,)
        Filled: 1 where a target is fed, and beyond a sequence's end (nothing is fed back there).
    scored : ndarray of uint8 (T,)
        Filled: 1 where any sequence's weight is not 0.

    Returns
    -------
    total : float
        Sum of the weights.
    unknown : int
        Steps inside the sequences whose own output is fed although `switch` asks for the target.
    bad : int
        First row with a negative weight or a label outside 0..O-1 at a weight above 0, or -1.
    """
    sequences = lengths.size
    total, unknown, bad = 0.0, 0, -1
    scored[:] = 0
    for row in range(w.size):
        t = row // sequences
        value = weight[row] if weight.size > 0 else 1.0
        inside = t < lengths[row % sequences]
        if inside and not 0.0 <= value < np.inf and bad < 0:
            bad = row
        if not inside:
            value = 0.0
        for j in range(row * outputs, (row + 1) * outputs if target.size > 0 else row * outputs):
            if target[j] != target[j]:
                value = 0.0
        if value > 0.0 and labels.size > 0 and not 0 <= labels[row] < outputs and bad < 0:
            bad = row
        w[row] = value
        total += value
        if value != 0.0:
            scored[t] = 1
        known[row] = 1 if not inside or (value > 0.0 and t < switch) else 0
        if inside and t < switch and known[row] == 0:
            unknown += 1
    return total, unknown, bad


@kernel
def feed_targets(target, labels, known, lengths, fed, outputs):
    """Write the known targets into the rows the feedback arrows read; labels one-hot.

    Parameters
    ----------
    target, labels, known, lengths
        As in `prepare_steps`.
    fed : ndarray (T * B, width)
        Filled where a target is known.
    outputs : int
        O.
    """
    sequences = lengths.size
    for row in range(fed.shape[0]):
        if known[row] == 0 or row // sequences >= lengths[row % sequences]:
            continue
        for j in range(outputs):
            if labels.size > 0:
                fed[row, j] = 1 if labels[row] == j else 0
            else:
                fed[row, j] = target[row * outputs + j]


@kernel(ordered=True)
def _squared_error(y, target, factor, dy):
    loss = 0.0
    for j in range(y.size):
        error = y[j] - target[j]
        # Numba's float() of a float32 stays float32.
        loss += np.float64(error) * np.float64(error)
        dy[j] = 2 * factor * error
    return loss


@kernel(ordered=True)
def _binary_cross_entropy(y, target, factor, dy, least):
    # 1 - y is a multiple of the type's epsilon: a saturated unit counts as the next smaller number.
    loss = 0.0
    for j in range(y.size):
        p, d = np.float64(y[j]), np.float64(target[j])
        on = p if not p < 1e-300 else 1e-300
        off = 1.0 - p if not 1.0 - p < least else least
        loss -= (d * math.log(on) if d != 0.0 else 0.0) + ((1.0 - d) * math.log(off) if d != 1.0 else 0.0)
        dy[j] = factor * (y[j] - target[j])
    return loss


@kernel(ordered=True)
def _cross_entropy(y, label, factor, dy, least):
    for j in range(y.size):
        dy[j] = factor * y[j]
    dy[label] -= factor
    p = np.float64(y[label])
    return -math.log(p if not p < least else least)


@kernel(ordered=True)
def loss_and_dy(code, y, outputs, target, labels, w, scale, dy):
    """Weighted loss over all scored steps, and its gradient.

    ``loss = scale * sum over steps and sequences of w * l`` with ``l`` = sum over outputs of (y - d)**2
    (mse), of -d log y - (1 - d) log(1 - y) (binary cross-entropy), or -log y[label] (cross-entropy). For the
    two entropies `dy` is the gradient of the pre-activation of a sigmoid or softmax output, ``w * (y - d)``.

    Parameters
    ----------
    code : int
        MSE, BINARY_CROSS_ENTROPY or CROSS_ENTROPY.
    y : ndarray (T * B, width)
        Outputs; rows of weight 0 are not read.
    outputs : int
        O; the rest of a row is padding.
    target, labels, w
        As in `prepare_steps`.
    scale : float
        1 for the sum, 1 / (sum of w, times O for mse and binary cross-entropy) for the mean.
    dy : ndarray (T * B, width)
        Filled; 0 where the weight is 0.

    Returns
    -------
    float
        Accumulated in float64.
    """
    tiny = np.finfo(y.dtype).tiny
    least = np.finfo(y.dtype).eps / 4
    loss = 0.0
    for row in range(w.size):
        if w[row] == 0.0:
            dy[row] = 0
            continue
        factor = y.dtype.type(w[row] * scale)
        if code == CROSS_ENTROPY:
            loss += w[row] * _cross_entropy(y[row, :outputs], labels[row], factor, dy[row], tiny)
            continue
        d = target[row * outputs : (row + 1) * outputs]
        if code == MSE:
            loss += w[row] * _squared_error(y[row, :outputs], d, factor, dy[row])
        else:
            loss += w[row] * _binary_cross_entropy(y[row, :outputs], d, factor, dy[row], least)
    return loss * scale
