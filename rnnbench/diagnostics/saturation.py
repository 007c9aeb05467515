"""Saturation: units at the flat ends of their activation, where no gradient passes."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Saturation(NamedTuple):
    """How saturated a box is.

    Attributes
    ----------
    share : float
        Of the values, over units, steps and sequences: those beyond the threshold.
    derivative : float
        Mean derivative of the activation, 1 where it is linear.
    """

    share: float
    derivative: float


def saturation(
    net: Any, params: Any, x: Array, *, threshold: float = 0.99, lengths: Any = None, **call: Any
) -> dict[str, Saturation]:
    """Return the share of saturated values and the mean derivative of each box.

    tanh: ``|h| > threshold``, derivative ``1 - h^2``. Sigmoid: ``|2 h - 1| > threshold``, derivative ``h (1 -
    h)``. ReLU: ``h = 0``, derivative 1 above it. Other activations have no flat ends and are left out.

    Parameters
    ----------
    net, params, x, lengths, **call
        As in `Network.values`; padding is not counted.
    threshold : float
        Between 0 and 1.

    Returns
    -------
    dict of str to Saturation
        By box.

    References
    ----------
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS, section 3.
    """
    if not 0 < threshold < 1:
        raise ValueError(f"threshold={threshold}: must lie between 0 and 1")
    values = net.values(params, x, lengths=lengths, **call)
    inside = np.ones(x.shape[:2], bool)
    if lengths is not None:
        inside = np.arange(len(x))[:, None] < np.asarray(lengths)
    found = {}
    for box in net.boxes:
        h = values[box.name][inside].astype(np.float64)
        if box.activation == "tanh":
            flat, slope = np.abs(h) > threshold, 1 - h**2
        elif box.activation == "sigmoid":
            flat, slope = np.abs(2 * h - 1) > threshold, h * (1 - h)
        elif box.activation == "relu":
            flat, slope = h == 0, (h > 0).astype(np.float64)
        else:
            continue
        found[box.name] = Saturation(float(flat.mean()), float(slope.mean()))
    return found
