"""Step weights, fed targets, and the losses with their gradients."""

import math

import numpy as np

from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.tables import CROSS_ENTROPY, MSE


@kernel
def _first_bad_weight(w):
    wrong = 0
    for i in range(w.size):
        wrong += 0 if 0.0 <= w[i] < np.inf else 1
    for i in range(w.size if wrong > 0 else 0):
        if not 0.0 <= w[i] < np.inf:
            return i
    return -1


@kernel
def _first_bad_label(labels, outputs, w):
    for i in range(w.size):
        if w[i] > 0.0 and not 0 <= labels[i] < outputs:
            return i
    return -1


@kernel
def _leave_out_unknown(target, outputs, w):
    # A target that is NaN in any output is not known. Loops without a jump, but for the last one.
    unknown = 0
    for i in range(target.size):
        unknown += 1 if target[i] != target[i] else 0
    for i in range(target.size if unknown > 0 else 0):
        if target[i] != target[i]:
            w[i // outputs] = 0.0


@kernel
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
    for i in range(w.size):
        w[i] = weight[i] if weight.size > 0 else 1.0
        known[i] = 0
    for b in range(sequences):
        for t in range(lengths[b], scored.size):
            w[t * sequences + b] = 0.0
            known[t * sequences + b] = 1
    bad = _first_bad_weight(w)
    if target.size > 0:
        _leave_out_unknown(target, outputs, w)
    if labels.size > 0:
        wrong = _first_bad_label(labels, outputs, w)
        bad = wrong if bad < 0 or 0 <= wrong < bad else bad
    unknown = 0
    for i in range(min(switch, scored.size) * sequences):
        inside = known[i] == 0
        known[i] = 1 if w[i] > 0.0 or not inside else 0
        unknown += 1 - known[i]
    total = 0.0
    for t in range(scored.size):
        here = 0.0
        for value in w[t * sequences : (t + 1) * sequences]:
            here += value
        scored[t] = 1 if here != 0.0 else 0
        total += here
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
    unscored = dy.reshape(dy.size)
    for i in range(unscored.size):
        unscored[i] = 0
    for row in range(w.size):
        if w[row] == 0.0:
            continue
        factor = y.dtype.type(w[row] * scale)
        if code == CROSS_ENTROPY:
            loss += w[row] * _cross_entropy(y[row, :outputs], labels[row], factor, dy[row], tiny)
        elif code == MSE:
            error_sum = 0.0
            for j in range(outputs):
                error = y[row, j] - target[row * outputs + j]
                # Numba's float() of a float32 stays float32.
                error_sum += np.float64(error) * np.float64(error)
                dy[row, j] = 2 * factor * error
            loss += w[row] * error_sum
        else:
            d = target[row * outputs : (row + 1) * outputs]
            loss += w[row] * _binary_cross_entropy(y[row, :outputs], d, factor, dy[row], least)
    return loss * scale
