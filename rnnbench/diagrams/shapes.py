"""What a diagram is made of. Lengths are points (1/72 inch), x to the right, y upward, angles in radians."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

Point = tuple[float, float]


class Rect(NamedTuple):
    """A rectangle with sides along the axes."""

    left: float
    bottom: float
    right: float
    top: float

    def grown(self, by: float) -> Rect:
        """Return the rectangle with every side moved outward."""
        return Rect(self.left - by, self.bottom - by, self.right + by, self.top + by)

    def overlaps(self, other: Rect) -> bool:
        """Whether the two share more than a border."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )


@dataclass(frozen=True)
class Node:
    """A box of the picture.

    Parameters
    ----------
    name : str
        The box (or "x") it stands for.
    kind : str
        "input", "layer", "memory" (nothing learned leads into it), "output", "target" (what an open loop
        feeds), "learned" or "zero" (a value before or after the sequence).
    x, y : float
        Its centre.
    width, height : float
        Its extent.
    lines : tuple of str
        What is written in it, the name first.
    time : int or None
        The step it belongs to in an unfolded diagram; negative before the sequence.
    """

    name: str
    kind: str
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...] = ()
    time: int | None = None

    @property
    def rect(self) -> Rect:
        """Its outline."""
        half, tall = self.width / 2, self.height / 2
        return Rect(self.x - half, self.y - tall, self.x + half, self.y + tall)


@dataclass(frozen=True)
class Label:
    """A line of text around (x, y); `rect` is the room kept free for it."""

    text: str
    x: float
    y: float
    width: float
    height: float
    size: float
    role: str = "arrow"

    @property
    def rect(self) -> Rect:
        """The room it takes."""
        half, tall = self.width / 2, self.height / 2
        return Rect(self.x - half, self.y - tall, self.x + half, self.y + tall)


@dataclass(frozen=True)
class Mark:
    """A sign on an arrow, or beside its meaning in the legend.

    `kind` is "delay" (a small square) or "cut" (a double bar across a line of direction `angle`); in a legend
    also "fixed" (a broken line), "target" (a box), "learned" and "zero" (values outside the sequence).
    """

    kind: str
    x: float
    y: float
    angle: float = 0.0


@dataclass(frozen=True)
class Route:
    """The line of an arrow.

    Parameters
    ----------
    source, target : int
        Places in the diagram's `nodes`.
    points : tuple of (x, y)
        Corners from source to target; of a smooth line so many that it looks smooth.
    lags : tuple of int
        The delays it stands for: one in an unfolded diagram.
    smooth : bool
        Whether the points trace a curve; otherwise corners are rounded.
    fixed : bool
        Whether the weight is a fixed number.
    marks : tuple of Mark
        Signs on it.
    """

    source: int
    target: int
    points: tuple[Point, ...]
    lags: tuple[int, ...]
    smooth: bool = False
    fixed: bool = False
    marks: tuple[Mark, ...] = ()

    @property
    def delayed(self) -> bool:
        """Whether it carries anything from another step."""
        return any(self.lags)


@dataclass(frozen=True)
class Diagram:
    """A picture as geometry.

    Parameters
    ----------
    title, description : str
        A line for a heading, sentences for readers who cannot see the picture.
    nodes, routes, labels : tuple
        Boxes, arrows, texts.
    legend : tuple of Mark
        The marks explained at the bottom; their words are labels of the role "legend".
    width, height : float
        Size of the sheet; its lower left corner is (0, 0).
    """

    title: str
    description: str
    nodes: tuple[Node, ...]
    routes: tuple[Route, ...]
    labels: tuple[Label, ...]
    legend: tuple[Mark, ...] = ()
    width: float = 0.0
    height: float = 0.0


def extent(nodes: Iterable[Node], routes: Iterable[Route], labels: Iterable[Label]) -> Rect:
    """Return the smallest rectangle around everything."""
    rects = [*(node.rect for node in nodes), *(label.rect for label in labels)]
    rects += [Rect(x, y, x, y) for route in routes for x, y in route.points]
    return Rect(
        min(r.left for r in rects),
        min(r.bottom for r in rects),
        max(r.right for r in rects),
        max(r.top for r in rects),
    )


def moved(
    nodes: Sequence[Node], routes: Sequence[Route], labels: Sequence[Label], dx: float, dy: float
) -> tuple[list[Node], list[Route], list[Label]]:
    """Return everything shifted."""

    def shifted(route: Route) -> Route:
        points = tuple((x + dx, y + dy) for x, y in route.points)
        marks = tuple(replace(m, x=m.x + dx, y=m.y + dy) for m in route.marks)
        return replace(route, points=points, marks=marks)

    return (
        [replace(n, x=n.x + dx, y=n.y + dy) for n in nodes],
        [shifted(route) for route in routes],
        [replace(t, x=t.x + dx, y=t.y + dy) for t in labels],
    )
