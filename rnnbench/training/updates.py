"""The base class of optimisers, and a series of updates of one vector by compiled kernels."""

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnnbench.network.processor_time import counted


class Optimiser:
    """Base class of optimisers; each is a dataclass whose fields are its options.

    Attributes
    ----------
    rule : str
        Name of the update rule's code in `rnnbench.kernels.optimisers`.
    """

    rule: ClassVar[str]

    def settings(self) -> list[float]:
        """Return the rule's constants in the order its kernel reads them."""
        raise NotImplementedError

    def state(self, size: int, dtype: DTypeLike) -> NDArray[Any]:
        """Return the running averages (rows, `size`) as they are before the first update."""
        return np.zeros((2, size), dtype)

    def start(
        self, size: int, dtype: DTypeLike, norm_bound: float = math.inf, value_bound: float = math.inf
    ) -> "Updates":
        """Begin a series of updates of a vector of `size` parameters (see `Updates`)."""
        return Updates(self, size, dtype, norm_bound, value_bound)


class Updates:
    """A series of updates of one vector: the optimiser's memory, allocated once.

    Parameters
    ----------
    optimiser : Optimiser
        Rule and options; read now, so that a later change of its fields has no effect.
    size : int
        Number of parameters P.
    dtype : dtype
        float32 or float64, that of the vector.
    norm_bound, value_bound : float
        Bounds of the clipping by the global norm and element by element; infinite for none.
    """

    def __init__(
        self, optimiser: Optimiser, size: int, dtype: DTypeLike, norm_bound: float, value_bound: float
    ) -> None:
        # Not at the top: options are read and checked without loading the compiler.
        from rnnbench.kernels import optimisers as kernels

        self._update = counted(kernels.clipped_update)
        self.rule = getattr(kernels, optimiser.rule)
        self.settings = np.zeros(kernels.SETTINGS)
        values = optimiser.settings()
        self.settings[: len(values)] = values
        self.state = optimiser.state(size, dtype)
        self.step = 0
        self.norm_bound = float(norm_bound)
        self.value_bound = float(value_bound)

    def rule_of_block(self) -> Any:
        """Return the arguments of `Block.update` for this series; the caller increments `step`."""
        from rnnbench.kernels.optimisers import Rule

        return Rule(self.rule, self.state, self.settings, self.norm_bound, self.value_bound)

    def __call__(self, vector: NDArray[Any], gradient: NDArray[Any]) -> tuple[float, bool]:
        """Clip the gradient and update the vector, both in place.

        Parameters
        ----------
        vector, gradient : ndarray (P,)
            Parameters and gradient. Where the gradient is not finite, neither is touched.

        Returns
        -------
        norm : float
            The gradient's global norm before clipping.
        clipped : bool
            Whether it was clipped.
        """
        self.step += 1
        norm, clipped = self._update(
            self.rule,
            vector,
            gradient,
            self.state,
            self.settings,
            self.step,
            self.norm_bound,
            self.value_bound,
        )
        return norm, clipped
