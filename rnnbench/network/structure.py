"""A network without its computation: description, facts, parameters, plans."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnnbench.network import graph, initialise
from rnnbench.network.arrays import InputError, Shape
from rnnbench.network.buffers import Buffers, Workspace
from rnnbench.network.description import Arrow, Box
from rnnbench.network.graph import INPUT_NAME
from rnnbench.network.parameters import Layout, Parameters, slots
from rnnbench.network.schedule import Plan, is_feedback
from rnnbench.network.summary import summary

Array = NDArray[Any]
#: Shape and dtype of each array of a carried state, by name.
StateShapes = dict[str, tuple[tuple[int, ...], np.dtype[Any]]]


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    # Sizes and lags may be NumPy numbers, which JSON cannot encode.
    return {key: value.item() if isinstance(value, np.generic) else value for key, value in fields.items()}


def _is_real(dtype: DTypeLike) -> bool:
    try:
        return np.dtype(dtype) in (np.dtype(np.float32), np.dtype(np.float64))
    except TypeError:
        return False


class Structure:
    """Checked boxes and arrows with their facts, parameters and plans; the base of `Network`."""

    def __init__(
        self,
        boxes: Sequence[Box],
        arrows: Sequence[Arrow],
        n_in: int,
        output: str = "y",
        initial: str = "zero",
    ) -> None:
        self.boxes, self.arrows = tuple(boxes), tuple(arrows)
        self.n_in, self.output, self.initial = n_in, output, initial
        graph.check(self.boxes, self.arrows, n_in, output, initial)
        self.layout = Layout(self.boxes, self.arrows, n_in, initial)
        self.names = [box.name for box in self.boxes]
        self._sizes = {INPUT_NAME: n_in, **{box.name: box.size for box in self.boxes}}
        self.n_out = self._sizes[output]
        self.has_feedback = any(is_feedback(arrow, output) for arrow in self.arrows)
        #: How many earlier values of each box, and of "x", are read.
        self.slots = {name: slots(name, self.arrows)[0] for name in self._sizes}
        self._plans: dict[tuple[str, str], Plan] = {}
        self._workspace = Workspace()

    @property
    def n_parameters(self) -> int:
        """Number of learned numbers, ``params.vector.size``."""
        return self.layout.size

    @property
    def macs_per_step(self) -> int:
        """Multiply-accumulates of a step of a sequence: weights of learned arrows, units of fixed ones."""
        sizes = self._sizes
        return sum(sizes[a.source] * sizes[a.target] if a.learned else sizes[a.target] for a in self.arrows)

    @property
    def state_size(self) -> int:
        """Numbers of a sequence that a step needs of earlier ones: slots times size, the input's included."""
        return sum(count * self._sizes[name] for name, count in self.slots.items())

    @property
    def receptive_field(self) -> float:
        """Largest number of steps over which an input can reach the output; `math.inf` through a cycle.

        N for a finite-response system ``y_t = f(x_t, ..., x_{t-N})``.
        """
        found = graph.receptive_field(self.names, self.arrows, self.output)
        return found if math.isinf(found) else int(found)

    @property
    def causal(self) -> bool:
        """Whether no arrow reads the future; otherwise the net cannot be used step by step."""
        return all(arrow.lag >= 0 for arrow in self.arrows)

    @property
    def true_recurrence(self) -> bool:
        """Whether there is a learned cycle that the gradient can go round."""
        return graph.true_recurrence(self.names, self.arrows)

    def summary(self) -> str:
        """Return boxes, arrows and facts as text."""
        return summary(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the description as plain data (JSON-able)."""
        return {
            "n_in": int(self.n_in),
            "output": self.output,
            "initial": self.initial,
            "boxes": [_plain(asdict(box)) for box in self.boxes],
            "arrows": [_plain(asdict(arrow)) for arrow in self.arrows],
        }

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Self:
        """Build the network `to_dict` described.

        Raises
        ------
        ValueError
            If a part is missing, or the description is not a network.
        """
        for key in ("boxes", "arrows", "n_in"):
            if key not in description:
                raise ValueError(f"network description: {key!r} is missing; given {', '.join(description)}")
        boxes = [Box(**box) for box in description["boxes"]]
        arrows = [Arrow(**arrow) for arrow in description["arrows"]]
        rest = {key: description[key] for key in ("output", "initial") if key in description}
        return cls(boxes, arrows, description["n_in"], **rest)

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
        for name, weights in initialise.draw_arrows(self._sizes, self.arrows, self.output, schemes, seed):
            params[name] = weights
        for box in self.boxes:
            if box.bias:
                params[f"{box.name}.bias"][:] = bias
        return params

    def check_parameters(self, params: Parameters) -> Array:
        """Return the vector of this network's parameters, writable: a copy where it is read-only."""
        vector = getattr(params, "vector", None)
        if not isinstance(vector, np.ndarray) or vector.shape != (self.n_parameters,):
            raise InputError(f"params: expected the Parameters of this network ({self.n_parameters} numbers)")
        if vector.dtype not in (np.float32, np.float64) or not vector.flags.c_contiguous:
            raise InputError(f"params: expected a contiguous float32 or float64 vector; given {vector.dtype}")
        return vector if vector.flags.writeable else vector.copy()

    def state_shapes(self, shape: Shape, dtype: np.dtype[Any]) -> StateShapes:
        """Return shape and dtype of each array of the state before a call of that shape."""
        integers = np.dtype(np.int64)
        shapes: StateShapes = {"step": ((shape.sequences,), integers)}
        for name, count in self.slots.items():
            if count and name == INPUT_NAME and shape.one_hot:
                shapes[name] = (count, shape.sequences), integers
            elif count:
                shapes[name] = (count, shape.sequences, self._sizes[name]), dtype
        return shapes

    def plan(self, loop: str, gates: str = "declared") -> Plan:
        """Return the plan for a loop ("closed", "open" or "mixed", see `Plan`), made once."""
        if gates not in ("declared", "open"):
            raise ValueError(f"gates={gates!r}: must be 'declared' or 'open'")
        plan = self._plans.get((loop, gates))
        if plan is None:
            plan = Plan(self.boxes, self.arrows, self.layout, self.n_in, self.output, loop, gates)
            # Two threads may build it at once; all must use the same one.
            plan = self._plans.setdefault((loop, gates), plan)
        return plan

    def buffers(self, plan: Plan, shape: Shape, dtype: np.dtype[Any]) -> Buffers:
        """Return the calling thread's buffers for a plan, shape and dtype."""
        return self._workspace.buffers(plan, shape, dtype)

    def __eq__(self, other: object) -> bool:
        """Whether the other is a network of the same description."""
        return isinstance(other, Structure) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        """Hash of the description."""
        return hash((self.boxes, self.arrows, self.n_in, self.output, self.initial))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the description alone: plans and buffers are made anew."""
        return type(self).from_dict, (self.to_dict(),)

    def __repr__(self) -> str:
        """Sizes of the boxes, number of arrows and parameters."""
        boxes = " ".join(f"{box.name}[{box.size}]" for box in self.boxes)
        return f"{type(self).__name__}({boxes}, {len(self.arrows)} arrows, {self.n_parameters} parameters)"
