"""A network computed a second time, from its description alone: slow, in float64, with gates as constants.

Nothing here uses the engine: a value asks for the values it needs, one sequence and one step at a time.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Values = dict[tuple[str, int], Array]


def activated(name: str, z: Array) -> Array:
    """Return the activation of pre-activations (size,)."""
    if name == "linear":
        return z
    if name == "tanh":
        return np.asarray(np.tanh(z))
    if name == "sigmoid":
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * z)))
    if name == "relu":
        return np.maximum(z, 0.0)
    if name == "square":
        return np.asarray(z * z)
    if name == "softmax":
        e = np.exp(z - z.max())
        return np.asarray(e / e.sum())
    raise NotImplementedError(f"the check knows no activation {name!r}")


class Sequence:
    """One sequence through a network.

    Parameters
    ----------
    description : mapping
        As `Network.to_dict` gives it.
    parameters : mapping of str to ndarray
        By the names of the network's parameters, float64.
    x : ndarray (T, I)
        Input.
    constants : dict, optional
        Values of an earlier pass; those behind closed gates are taken from it, so that a difference of two
        passes does not see through a gate.
    """

    def __init__(
        self,
        description: Mapping[str, Any],
        parameters: Mapping[str, Array],
        x: Array,
        constants: Values | None = None,
    ) -> None:
        self._boxes = {box["name"]: box for box in description["boxes"]}
        self._incoming: dict[str, list[Mapping[str, Any]]] = {name: [] for name in self._boxes}
        for arrow in description["arrows"]:
            self._incoming[arrow["target"]].append(arrow)
        self._output = description["output"]
        self._parameters, self._x, self._constants = parameters, x, constants
        self.values: Values = {}

    def run(self) -> Array:
        """Return the output (T, O); `values` holds every value it needed."""
        return np.stack([self._value(self._output, t) for t in range(len(self._x))])

    def _value(self, box: str, t: int) -> Array:
        if (box, t) not in self.values:
            z = self._parameters.get(f"{box}.bias", np.zeros(self._boxes[box]["size"]))
            for arrow in self._incoming[box]:
                source = self._read(arrow, t)
                z = z + (
                    source @ self._parameters[_name(arrow)] if _learned(arrow) else arrow["weight"] * source
                )
            self.values[box, t] = activated(self._boxes[box]["activation"], z)
        return self.values[box, t]

    def _read(self, arrow: Mapping[str, Any], t: int) -> Array:
        """Return what an arrow brings to its target at step t."""
        source, at = arrow["source"], t - arrow["lag"]
        inside = 0 <= at < len(self._x)
        if source == "x":
            return self._x[at] if inside else np.zeros(self._x.shape[1])
        if not inside:
            name, row = (f"{source}.initial", -1 - at) if at < 0 else (f"{source}.final", at - len(self._x))
            rows = self._parameters.get(name)
            return np.zeros(self._boxes[source]["size"]) if rows is None else rows[row]
        if self._constants is not None and self._closed(arrow, t):
            return self._constants[source, at]
        return self._value(source, at)

    def _closed(self, arrow: Mapping[str, Any], t: int) -> bool:
        """Whether no gradient passes an arrow into step t."""
        chunk, lag = arrow["cut_every"], arrow["lag"]
        if chunk <= 1:
            return bool(chunk == 1)
        n = t if lag > 0 else len(self._x) - 1 - t
        return bool(n // chunk != (n - abs(lag)) // chunk)


def _learned(arrow: Mapping[str, Any]) -> bool:
    return isinstance(arrow["weight"], str)


def _name(arrow: Mapping[str, Any]) -> str:
    lag = f"@{arrow['lag']}" if arrow["lag"] else ""
    return f"{arrow['source']}->{arrow['target']}{lag}"


def outputs(description: Mapping[str, Any], parameters: Mapping[str, Array], x: Array) -> Array:
    """Return the outputs (T, B, O) for inputs (T, B, I)."""
    runs = [Sequence(description, parameters, x[:, s]).run() for s in range(x.shape[1])]
    return np.stack(runs, axis=1)


def differences(
    description: Mapping[str, Any],
    parameters: Mapping[str, Array],
    x: Array,
    dy: Array,
    places: Mapping[str, list[int]],
    step: float = 1e-5,
) -> dict[str, Array]:
    """Return central differences of sum(dy * y) behind the gates, at some places of each parameter array.

    Parameters
    ----------
    x, dy : ndarray (T, B, I), (T, B, O)
        Inputs; weights of the outputs in the scalar that is differentiated.
    places : mapping of str to list of int
        Flat indices of the elements that are changed, by name of the array.
    """
    recorded = [Sequence(description, parameters, x[:, s]) for s in range(x.shape[1])]
    for sequence in recorded:
        sequence.run()

    def scalar(changed: Mapping[str, Array]) -> float:
        return sum(
            float((Sequence(description, changed, x[:, s], one.values).run() * dy[:, s]).sum())
            for s, one in enumerate(recorded)
        )

    def moved(name: str, place: int, by: float) -> dict[str, Array]:
        array = parameters[name].copy()
        array.flat[place] += by
        return {**parameters, name: array}

    return {
        name: np.array(
            [(scalar(moved(name, n, step)) - scalar(moved(name, n, -step))) / (2 * step) for n in chosen]
        )
        for name, chosen in places.items()
    }
