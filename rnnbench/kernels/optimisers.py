"""The update rules of gradient descent, in place over the vector of all parameters.

All rules share one signature, so that a loop over steps needs no Python between them: `state` holds the
rule's running averages, a row each, and `settings` its constants as float64. Each does its arithmetic in the
type of the vector.
"""

import math
from typing import NamedTuple

import numpy as np

from rnnbench.kernels.clipping import clip
from rnnbench.kernels.compilation import kernel

#: Codes of the rules. AdamW is Adam with a weight decay.
SGD, RMSPROP, ADAM, RPROP = 0, 1, 2, 3
#: Length of the array `settings`, for every rule.
SETTINGS = 5


class Rule(NamedTuple):
    """A rule with its memory and the clipping before it.

    Attributes
    ----------
    code : int
        SGD, RMSPROP, ADAM or RPROP.
    state, settings : ndarray
        As in the rule's own function.
    norm_bound, value_bound : float
        As in `rnnbench.kernels.clipping.clip`; infinite for no clipping.
    """

    code: int
    state: np.ndarray
    settings: np.ndarray
    norm_bound: float
    value_bound: float


@kernel(ordered=True)
def sgd(vector, gradient, state, settings):
    """Stochastic gradient descent: ``b <- mu b + g``, ``w <- w - lr b`` (Nesterov: ``w - lr (g + mu b)``).

    Parameters
    ----------
    vector, gradient : ndarray (P,)
        Parameters, changed in place, and their gradient.
    state : ndarray (1, P) or (0, P)
        b, from zero; no row is needed where mu is 0.
    settings : ndarray of float64 (SETTINGS,)
        lr, mu, and 1 for Nesterov's form.

    References
    ----------
    Sutskever, Martens, Dahl & Hinton (2013), "On the importance of initialization and momentum in deep
    learning", ICML; in PyTorch's form, where lr multiplies the average.
    """
    real = vector.dtype.type
    lr, mu, nesterov = real(settings[0]), real(settings[1]), settings[2] != 0.0
    if state.shape[0] == 0:
        for i in range(vector.size):
            vector[i] -= lr * gradient[i]
        return
    b = state[0]
    for i in range(vector.size):
        b[i] = mu * b[i] + gradient[i]
    ahead = mu if nesterov else real(1)
    own = real(1) if nesterov else real(0)
    for i in range(vector.size):
        vector[i] -= lr * (own * gradient[i] + ahead * b[i])


@kernel(ordered=True)
def rmsprop(vector, gradient, state, settings):
    """RMSprop: ``v <- alpha v + (1 - alpha) g**2``, ``w <- w - lr g / (sqrt(v) + eps)``.

    With momentum: ``b <- mu b + g / (sqrt(v) + eps)``, ``w <- w - lr b``.

    Parameters
    ----------
    vector, gradient : ndarray (P,)
        Parameters, changed in place, and their gradient.
    state : ndarray (2, P)
        v and b, from zero.
    settings : ndarray of float64 (SETTINGS,)
        lr, alpha, eps, mu.

    References
    ----------
    Tieleman & Hinton (2012), "Lecture 6.5: rmsprop", Coursera; in PyTorch's form, eps outside the root.
    """
    real = vector.dtype.type
    lr, alpha, eps, mu = real(settings[0]), real(settings[1]), real(settings[2]), real(settings[3])
    new = real(1.0 - settings[1])
    v, b = state[0], state[1]
    for i in range(vector.size):
        g = gradient[i]
        v[i] = alpha * v[i] + new * g * g
        b[i] = mu * b[i] + g / (math.sqrt(v[i]) + eps)
        vector[i] -= lr * b[i]


@kernel(ordered=True)
def adam(vector, gradient, state, settings, step):
    """Adam and AdamW, with averages corrected for their start at zero.

    ``m <- beta1 m + (1 - beta1) g``, ``v <- beta2 v + (1 - beta2) g**2``,
    ``w <- (1 - lr decay) w - lr m / (1 - beta1**n) / (sqrt(v / (1 - beta2**n)) + eps)``

    Parameters
    ----------
    vector, gradient : ndarray (P,)
        Parameters, changed in place, and their gradient.
    state : ndarray (2, P)
        m and v, from zero.
    settings : ndarray of float64 (SETTINGS,)
        lr, beta1, beta2, eps, decay.
    step : int
        n, from 1.

    References
    ----------
    Kingma & Ba (2015), "Adam: a method for stochastic optimization", ICLR, algorithm 1. Loshchilov & Hutter
    (2019), "Decoupled weight decay regularization", ICLR, algorithm 2, in PyTorch's form: the decay is
    multiplied by lr.
    """
    real = vector.dtype.type
    beta1, beta2, eps = settings[1], settings[2], real(settings[3])
    new1, new2, old2 = real(1.0 - beta1), real(1.0 - beta2), real(beta2)
    lr = real(settings[0] / (1.0 - beta1**step))
    root = real(math.sqrt(1.0 - beta2**step))
    kept = real(1.0 - settings[0] * settings[4])
    m, v = state[0], state[1]
    for i in range(vector.size):
        g = gradient[i]
        m[i] += new1 * (g - m[i])
        v[i] = old2 * v[i] + new2 * g * g
        vector[i] = kept * vector[i] - lr * (m[i] / (math.sqrt(v[i]) / root + eps))


@kernel(ordered=True)
def _sign(value):
    real = type(value)
    return real(value > 0) - real(value < 0)


@kernel(ordered=True)
def rprop(vector, gradient, state, settings):
    """Resilient propagation: steps that grow while a derivative keeps its sign and shrink when it turns.

    ``s <- s eta+`` or ``s eta-``, kept in [s_min, s_max]; ``w <- w - sign(g) s``; after a turn the step is
    left out and the next derivative counts as new (variant Rprop-).

    Parameters
    ----------
    vector, gradient : ndarray (P,)
        Parameters, changed in place, and their gradient over all data.
    state : ndarray (2, P)
        The last derivative, from zero, and s, from the first step size.
    settings : ndarray of float64 (SETTINGS,)
        First step size (not read here), eta-, eta+, s_min, s_max.

    References
    ----------
    Riedmiller & Braun (1993), "A direct adaptive method for faster backpropagation learning: the RPROP
    algorithm", ICNN, section III. As in PyTorch, weights are not moved back after a turn.
    """
    real = vector.dtype.type
    shrink, grow = real(settings[1]), real(settings[2])
    least, largest = real(settings[3]), real(settings[4])
    last, size = state[0], state[1]
    zero, one = real(0), real(1)
    for i in range(vector.size):
        g = gradient[i]
        # Of signs: the product of two small derivatives may vanish. Written without jumps, for SIMD.
        turn = _sign(g) * _sign(last[i])
        s = size[i] * (grow if turn > zero else (shrink if turn < zero else one))
        s = largest if s > largest else s
        s = least if s < least else s
        g = zero if turn < zero else g
        vector[i] -= s * _sign(g)
        size[i] = s
        last[i] = g


@kernel(ordered=True)
def update(rule, vector, gradient, state, settings, step):
    """One update of all parameters by one of the rules.

    Parameters
    ----------
    rule : int
        SGD, RMSPROP, ADAM or RPROP.
    vector, gradient, state, settings
        As in the rule's own function.
    step : int
        Number of this update, from 1.
    """
    if rule == SGD:
        sgd(vector, gradient, state, settings)
    elif rule == RMSPROP:
        rmsprop(vector, gradient, state, settings)
    elif rule == ADAM:
        adam(vector, gradient, state, settings, step)
    else:
        rprop(vector, gradient, state, settings)


@kernel(ordered=True)
def clipped_update(rule, vector, gradient, state, settings, step, norm_bound, value_bound):
    """Clip a gradient and take one step with it; nothing moves where the gradient is not finite.

    Parameters
    ----------
    rule, vector, gradient, state, settings, step
        As in `update`; `gradient` is clipped in place.
    norm_bound, value_bound : float
        As in `rnnbench.kernels.clipping.clip`; infinite for no clipping.

    Returns
    -------
    norm : float
        The global norm before clipping.
    clipped : bool
        Whether the gradient was clipped.
    """
    norm, clipped = clip(gradient, norm_bound, value_bound)
    if math.isfinite(norm):
        update(rule, vector, gradient, state, settings, step)
    return norm, clipped
