"""A reference implementation of networks in plain NumPy: each value computes the values it needs.

It reads boxes and arrows and does not use the engine. One step at a time; slow.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnbench.network import Arrow, Network
from rnnbench.tasks.contract import Array

Values = dict[tuple[str, int], Array]
ACTIVATIONS: dict[str, Any] = {
    "linear": lambda z: z,
    "tanh": np.tanh,
    "sigmoid": lambda z: 0.5 * (1.0 + np.tanh(0.5 * z)),
    "relu": lambda z: np.maximum(z, 0.0),
    "square": np.square,
    "softmax": lambda z: np.exp(z - np.logaddexp.reduce(z, axis=-1, keepdims=True)),
}


class Pass:
    """One pass through a network.

    Parameters
    ----------
    net : Network
        Of which only boxes, arrows and the name of the output are used.
    parameters : mapping of str to ndarray
        By the names of the network's parameters, float64. An array with an additional leading axis (N) holds
        N variants of it; outputs then have this axis too.
    x : ndarray (T, B, I)
        Input.
    constants : dict, optional
        Values of an earlier pass. Those behind closed gates are taken from it, so that the difference of two
        passes does not pass a gate.
    """

    def __init__(
        self,
        net: Network,
        parameters: Mapping[str, Array],
        x: Array,
        constants: Mapping[tuple[str, int], Array] = {},
    ) -> None:
        self._net, self._parameters, self._x, self._constants = net, parameters, x, constants
        self._boxes = {box.name: box for box in net.boxes}
        self.values: Values = {}

    def outputs(self) -> Array:
        """Return the outputs (T, B, O), or (N, T, B, O); `values` then holds every value they needed."""
        steps = [self._value(self._net.output, t) for t in range(len(self._x))]
        return np.stack(np.broadcast_arrays(*steps), axis=-3)

    def _value(self, name: str, t: int) -> Array:
        if (name, t) not in self.values:
            box = self._boxes[name]
            z = np.zeros((self._x.shape[1], box.size))
            if box.bias:
                z = z + self._parameters[f"{name}.bias"][..., None, :]
            for arrow in self._net.arrows:
                if arrow.target == name:
                    source = self._read(arrow, t)
                    z = z + (
                        source @ self._parameters[arrow.name] if arrow.learned else arrow.weight * source
                    )
            self.values[name, t] = ACTIVATIONS[box.activation](z)
        return self.values[name, t]

    def _read(self, arrow: Arrow, t: int) -> Array:
        """Return the value that an arrow reads for step t of its target."""
        source, at, steps = arrow.source, t - arrow.lag, len(self._x)
        if 0 <= at < steps:
            if source == "x":
                return np.asarray(self._x[at])
            return self._constants[source, at] if self._closed(arrow, t) else self._value(source, at)
        name, row = (f"{source}.initial", -1 - at) if at < 0 else (f"{source}.final", at - steps)
        if name in self._parameters:
            return np.asarray(self._parameters[name][..., [row], :])
        return np.zeros((1, self._net.n_in if source == "x" else self._boxes[source].size))

    def _closed(self, arrow: Arrow, t: int) -> bool:
        """Whether the value that an arrow reads for step t is a constant: no gradient passes."""
        if not self._constants or not arrow.cut_every:
            return False
        n = t if arrow.lag > 0 else len(self._x) - 1 - t
        return arrow.cut_every == 1 or n // arrow.cut_every != (n - abs(arrow.lag)) // arrow.cut_every


def slopes(
    net: Network,
    parameters: Mapping[str, Array],
    x: Array,
    dy: Array,
    directions: Mapping[str, Array],
    step: float = 1e-5,
) -> dict[str, Array]:
    """Return central differences of sum(dy * y) behind the gates, along directions of each parameter array.

    Parameters
    ----------
    x, dy : ndarray (T, B, I), (T, B, O)
        Inputs; weights of the outputs in the scalar that is differentiated.
    directions : mapping of str to ndarray (N, ...)
        N changes of each parameter array, by its name.

    Returns
    -------
    dict of str to ndarray (N,)
    """
    recorded = Pass(net, parameters, x)
    recorded.outputs()
    found = {}
    for name, each in directions.items():
        moved = parameters[name] + step * np.concatenate([each, -each])
        y = Pass(net, {**parameters, name: moved}, x, recorded.values).outputs()
        up, down = np.broadcast_to((y * dy).sum(axis=(-3, -2, -1)), len(moved)).reshape(2, -1)
        found[name] = (up - down) / (2.0 * step)
    return found
