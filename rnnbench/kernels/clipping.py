"""Gradient clipping: by the global norm and element by element."""

import math

import numpy as np

from rnnbench.kernels.compilation import kernel


@kernel
def global_norm(gradient):
    """Euclidean norm of a whole gradient, ``sqrt(sum of g**2)``.

    Parameters
    ----------
    gradient : ndarray (P,)
        All partial derivatives, float32 or float64.

    Returns
    -------
    float
        Summed in float64 whatever the type. NaN where any element is NaN; finite where all elements are, also
        where their squares are not.
    """
    total = 0.0
    for i in range(gradient.size):
        g = np.float64(gradient[i])
        total += g * g
    if math.isfinite(total):
        return math.sqrt(total)
    largest = 0.0
    for i in range(gradient.size):
        # Written so that a NaN is taken over and then stays.
        if not abs(np.float64(gradient[i])) <= largest and not math.isnan(largest):
            largest = abs(np.float64(gradient[i]))
    if not math.isfinite(largest):
        return largest
    total = 0.0
    for i in range(gradient.size):
        g = np.float64(gradient[i]) / largest
        total += g * g
    return largest * math.sqrt(total)


@kernel(ordered=True)
def clip_by_norm(gradient, bound):
    """Clip by the global norm, in place: where ``|g| > bound``, ``g <- g / |g| * bound``.

    The direction stays and the length becomes `bound`. A gradient that is not finite has no direction and is
    left as it is.

    Parameters
    ----------
    gradient : ndarray (P,)
        Changed in place.
    bound : float
        The largest norm allowed.

    Returns
    -------
    norm : float
        The norm before clipping.
    clipped : bool
        Whether the gradient was changed.

    References
    ----------
    Pascanu, Mikolov & Bengio (2013), "On the difficulty of training recurrent neural networks", ICML, section
    3.2, algorithm 1. Differs from PyTorch's ``clip_grad_norm_`` in adding no 1e-6 to the norm.
    """
    norm = global_norm(gradient)
    if not (norm > bound and math.isfinite(norm)):
        return norm, False
    factor = gradient.dtype.type(bound / norm)
    for i in range(gradient.size):
        gradient[i] *= factor
    return norm, True


@kernel(ordered=True)
def clip_by_value(gradient, bound):
    """Clip each element to [-bound, bound], in place. NaN stays NaN.

    Parameters
    ----------
    gradient : ndarray (P,)
        Changed in place.
    bound : float
        The largest size of an element.

    Returns
    -------
    norm : float
        The global norm before clipping.
    clipped : bool
        Whether any element was changed.
    """
    norm = global_norm(gradient)
    limit = gradient.dtype.type(bound)
    beyond = 0
    for i in range(gradient.size):
        g = gradient[i]
        beyond += 1 if abs(g) > limit else 0
        g = limit if g > limit else g
        gradient[i] = -limit if g < -limit else g
    return norm, beyond > 0


@kernel(ordered=True)
def clip(gradient, norm_bound, value_bound):
    """Clip each element and then the global norm, in place; an infinite bound clips nothing.

    Parameters
    ----------
    gradient : ndarray (P,)
        Changed in place.
    norm_bound, value_bound : float
        As in `clip_by_norm` and `clip_by_value`.

    Returns
    -------
    norm : float
        The global norm before any clipping.
    clipped : bool
        Whether the gradient was changed.
    """
    if value_bound == np.inf:
        return clip_by_norm(gradient, norm_bound)
    norm, by_value = clip_by_value(gradient, value_bound)
    _, by_norm = clip_by_norm(gradient, norm_bound)
    return norm, by_value or by_norm
