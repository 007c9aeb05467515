"""Arrows as they are drawn: all lags of one kind between two boxes are one bundle, with one label."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from rnnbench.network.description import Arrow
from rnnbench.network.graph import INPUT_NAME, inside_cycles

#: The box that stands for the fed-back targets in an open loop: the desired outputs d of the lecture notes.
TARGET_NAME = "d"


@dataclass(frozen=True)
class Bundle:
    """Arrows that differ in their lag alone.

    Parameters
    ----------
    source, target : str
        Names of boxes.
    lags : tuple of int
        The nearest to the present first.
    cut_every : int
        The gradient gate, as of `Arrow`.
    weight : float or None
        None where it is learned.
    forward : bool
        Whether it leads from layer to layer; False for the arrows that close cycles.
    """

    source: str
    target: str
    lags: tuple[int, ...]
    cut_every: int
    weight: float | None
    forward: bool

    @property
    def delayed(self) -> bool:
        """Whether it carries anything from another step."""
        return any(self.lags)

    @property
    def text(self) -> str:
        """Label of a folded diagram; "" for a plain arrow."""
        parts = [lag_text(self.lags)]
        parts += [] if self.weight is None else [f"×{self.weight:g}".replace("-", "−")]
        parts += [f"cut every {self.cut_every}"] if self.cut_every > 1 else []
        return "  ".join(part for part in parts if part)

    def cut_at(self, lag: int, time: int, steps: int) -> bool:
        """Whether the gate is closed for the arrow that arrives at a step of a sequence of `steps`."""
        if not 0 <= time - lag < steps:
            return False  # initial and final values are always reached
        if self.cut_every <= 1:
            return self.cut_every == 1
        n = time if lag > 0 else steps - 1 - time
        return n // self.cut_every != (n - abs(lag)) // self.cut_every


def bundles_of(names: Sequence[str], arrows: Sequence[Arrow], output: str, loop: str) -> list[Bundle]:
    """Return the bundles of a network in declared order.

    Parameters
    ----------
    names : sequence of str
        The boxes.
    arrows : sequence of Arrow
        The arrows.
    output : str
        Name of the output box.
    loop : str
        "open": what is fed back from the output comes from `TARGET_NAME` instead.
    """
    cyclic = inside_cycles(names, arrows)
    groups: dict[tuple[str, str, int, float | None, bool], list[int]] = {}
    for arrow in arrows:
        fed = loop == "open" and arrow.source == output and arrow.lag != 0
        source = free_name(TARGET_NAME, names) if fed else arrow.source
        weight = None if isinstance(arrow.weight, str) else float(arrow.weight)
        forward = arrow.source == INPUT_NAME or arrow.lag == 0 or arrow not in cyclic
        # Targets are data: there is no gradient to be cut.
        key = (source, arrow.target, 0 if fed else int(arrow.cut_every), weight, forward and not fed)
        groups.setdefault(key, []).append(int(arrow.lag))
    return [
        Bundle(source, target, tuple(sorted(lags, key=lambda lag: (abs(lag), -lag))), cut, weight, forward)
        for (source, target, cut, weight, forward), lags in groups.items()
    ]


def free_name(name: str, taken: Sequence[str]) -> str:
    """Return the name, with as many ' behind it as make it none of those taken."""
    while name in taken:
        name += "'"
    return name


def step_text(lag: int) -> str:
    """Return the step that a lag reads: "t−1"."""
    return "t" if lag == 0 else f"t{'−' if lag > 0 else '+'}{abs(lag)}"


def lag_text(lags: Sequence[int]) -> str:
    """Return the steps that a bundle reads: "", "t−1", "t, t−2", "t … t−40"."""
    ordered = sorted(lags)
    if ordered == [0]:
        return ""
    if len(ordered) < 3:
        return ", ".join(map(step_text, ordered if ordered[0] >= 0 else ordered[::-1]))
    ordered = ordered if ordered[-1] > 0 else ordered[::-1]
    steps = {abs(b - a) for a, b in itertools.pairwise(ordered)}
    if steps == {1}:
        return f"{step_text(ordered[0])} … {step_text(ordered[-1])}"
    if len(ordered) <= 4:
        return ", ".join(map(step_text, ordered))
    return f"{step_text(ordered[0])}, {step_text(ordered[1])}, … {step_text(ordered[-1])}"
