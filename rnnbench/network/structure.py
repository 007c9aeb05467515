"""A network before any number is touched: its description and the facts read off it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Self

import numpy as np

from rnnbench.network import graph
from rnnbench.network.description import Arrow, Box
from rnnbench.network.graph import INPUT_NAME
from rnnbench.network.parameters import Layout, slots
from rnnbench.network.schedule import is_feedback
from rnnbench.network.summary import summary


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    # Sizes and lags may come as NumPy numbers, which JSON refuses.
    return {key: value.item() if isinstance(value, np.generic) else value for key, value in fields.items()}


class Structure:
    """Boxes and arrows, checked, with what can be said about them; see `Network`."""

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
        self._names = [box.name for box in self.boxes]
        self._sizes = {INPUT_NAME: n_in, **{box.name: box.size for box in self.boxes}}
        self.n_out = self._sizes[output]
        self.has_feedback = any(is_feedback(arrow, output) for arrow in self.arrows)
        self._slots = {name: slots(name, self.arrows)[0] for name in self._sizes}

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
        return sum(count * self._sizes[name] for name, count in self._slots.items())

    @property
    def receptive_field(self) -> float:
        """Largest number of steps over which an input can reach the output; `math.inf` through a cycle.

        N for a finite-response system ``y_t = f(x_t, ..., x_{t-N})``.
        """
        found = graph.receptive_field(self._names, self.arrows, self.output)
        return found if math.isinf(found) else int(found)

    @property
    def causal(self) -> bool:
        """Whether no arrow reads the future; otherwise the net cannot be used step by step."""
        return all(arrow.lag >= 0 for arrow in self.arrows)

    @property
    def true_recurrence(self) -> bool:
        """Whether there is a learned cycle that the gradient can go round."""
        return graph.true_recurrence(self._names, self.arrows)

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

    def __eq__(self, other: object) -> bool:
        """Whether the other is a network of the same description."""
        return isinstance(other, Structure) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        """Hash of the description."""
        return hash((self.boxes, self.arrows, self.n_in, self.output, self.initial))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the description; buffers belong to a thread."""
        return type(self).from_dict, (self.to_dict(),)

    def __repr__(self) -> str:
        """Sizes at a glance."""
        boxes = " ".join(f"{box.name}[{box.size}]" for box in self.boxes)
        return f"{type(self).__name__}({boxes}, {len(self.arrows)} arrows, {self.n_parameters} parameters)"
