"""A network with parameters: their names, their vector, and how they are drawn."""

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnnbench.network import graph, initialise
from rnnbench.network.arrays import InputError
from rnnbench.network.parameters import Parameters
from rnnbench.network.structure import Structure

Array = NDArray[Any]


def _is_real(dtype: DTypeLike) -> bool:
    try:
        return np.dtype(dtype) in (np.dtype(np.float32), np.dtype(np.float64))
    except TypeError:
        return False


class Parametrised(Structure):
    """Boxes and arrows with their parameters; `Network` adds computation."""

    def parameters(self, vector: Array) -> Parameters:
        """Return named views over a vector (n_parameters,), which is not copied."""
        if vector.shape != (self.n_parameters,) or vector.dtype not in (np.float32, np.float64):
            raise InputError(
                f"vector: expected ({self.n_parameters},) float32 or float64; "
                f"given {vector.shape} {vector.dtype}"
            )
        return Parameters(self.layout, vector)

    def init(
        self,
        seed: int | np.random.SeedSequence = 0,
        dtype: DTypeLike = np.float32,
        input: str = "glorot",
        recurrent: str = "orthogonal",
        output: str = "glorot",
        bias: float = 0.0,
    ) -> Parameters:
        """Draw initial parameters; each array from its own random stream, keyed by its name.

        Parameters
        ----------
        seed : int or SeedSequence
            Root of the streams.
        dtype : float32 or float64
            Type of the vector. Draws are made in float64 and rounded.
        input, recurrent, output : str
            Scheme for arrows outside any cycle, for arrows inside a cycle of the closed loop, and for arrows
            into the output box outside any cycle: "uniform", "normal", "truncated_normal", "glorot",
            "orthogonal", "identity" or "spectral_radius", optionally with a number ("normal:0.1").
        bias : float
            Value of every bias. Initial and final values start at 0.

        Returns
        -------
        params : Parameters
            Named views over one vector (n_parameters,).

        Raises
        ------
        ValueError
            An unknown scheme, dtype, seed or bias, by name.
        """
        if not _is_real(dtype):
            raise ValueError(f"dtype={dtype!r}: must be float32 or float64")
        if not isinstance(seed, np.random.SeedSequence) and not (hasattr(seed, "__index__") and seed >= 0):
            raise ValueError(f"seed={seed!r}: must be a whole number of at least 0, or a SeedSequence")
        if not isinstance(bias, Real) or not np.isfinite(bias):
            raise ValueError(f"bias={bias!r}: must be a finite number")
        schemes = {"input": input, "recurrent": recurrent, "output": output}
        for key, scheme in schemes.items():
            initialise.parse_scheme(key, scheme)
        params = self.parameters(np.zeros(self.n_parameters, dtype))
        cyclic = graph.inside_cycles(self._names, self.arrows)
        learned = [arrow for arrow in self.arrows if arrow.learned]
        kinds = {
            a: "recurrent" if a in cyclic else "output" if a.target == self.output else "input"
            for a in learned
        }
        for arrow in learned:
            kind = kinds[arrow]
            alike = [a for a in learned if a.target == arrow.target and kinds[a] == kind]
            fan_in = sum(self._sizes[a.source] for a in alike)
            shape = (self._sizes[arrow.source], self._sizes[arrow.target])
            params[arrow.name] = initialise.draw(kind, schemes[kind], seed, arrow.name, shape, fan_in)
        for box in self.boxes:
            if box.bias:
                params[f"{box.name}.bias"][:] = bias
        return params

    def _check_parameters(self, params: Parameters) -> Array:
        vector = getattr(params, "vector", None)
        if not isinstance(vector, np.ndarray) or vector.shape != (self.n_parameters,):
            raise InputError(f"params: expected the Parameters of this network ({self.n_parameters} numbers)")
        if vector.dtype not in (np.float32, np.float64) or not vector.flags.c_contiguous:
            raise InputError(f"params: expected a contiguous float32 or float64 vector; given {vector.dtype}")
        return vector if vector.flags.writeable else vector.copy()
