"""Places along lines, and what lines run into."""

import itertools
import math
from collections.abc import Iterable, Sequence

from rnnbench.diagrams.shapes import Mark, Point, Rect


def length(points: Sequence[Point]) -> float:
    """Return the length of a line through the points."""
    return sum(math.dist(a, b) for a, b in itertools.pairwise(points))


def place_at(points: Sequence[Point], along: float) -> tuple[float, float, float]:
    """Return x, y and direction at a distance from the start."""
    for a, b in itertools.pairwise(points):
        step = math.dist(a, b)
        if along <= step and step > 0.0:
            share = along / step
            angle = math.atan2(b[1] - a[1], b[0] - a[0])
            return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]), angle
        along -= step
    (x0, y0), (x1, y1) = points[-2:]
    return x1, y1, math.atan2(y1 - y0, x1 - x0)


def mark_at(kind: str, points: Sequence[Point], along: float) -> Mark:
    """Return a mark at a distance from the start of a line."""
    return Mark(kind, *place_at(points, along))


def crosses(a: Point, b: Point, rect: Rect) -> bool:
    """Whether the segment from a to b meets the inside of a rectangle (Liang & Barsky's clipping)."""
    low, high = 0.0, 1.0
    for start, end, lower, upper in (
        (a[0], b[0], rect.left, rect.right),
        (a[1], b[1], rect.bottom, rect.top),
    ):
        step = end - start
        if step == 0.0:
            if not lower < start < upper:
                return False
            continue
        first, last = sorted(((lower - start) / step, (upper - start) / step))
        low, high = max(low, first), min(high, last)
    return low < high


def hits(points: Sequence[Point], rects: Iterable[Rect]) -> bool:
    """Whether a line meets the inside of any of the rectangles."""
    pairs = list(itertools.pairwise(points))
    xs, ys = zip(*points, strict=True)
    reach = Rect(min(xs) - 1.0, min(ys) - 1.0, max(xs) + 1.0, max(ys) + 1.0)
    return any(crosses(a, b, rect) for rect in rects if rect.overlaps(reach) for a, b in pairs)


def offsets(keys: Sequence[float], pitch: float, room: float) -> list[float]:
    """Return places around 0 for lines that leave a side toward `keys` (0: straight on), in that order.

    Parameters
    ----------
    keys : sequence of float
        Where each leads, relative to the middle of the side: those at 0 stay as near the middle as they can.
    pitch : float
        Distance between neighbours, less where the room is short.
    room : float
        Width of the side.
    """
    order = sorted(range(len(keys)), key=lambda n: keys[n])
    if not order:
        return []
    pitch = min(pitch, room / (len(order) + 1))
    middle = [rank for rank, n in enumerate(order) if abs(keys[n]) < 1e-6]
    centre = sum(middle) / len(middle) if middle else (len(order) - 1) / 2
    reach = max(centre, len(order) - 1 - centre)
    pitch = min(pitch, 0.5 * (room - pitch) / reach) if reach else pitch
    found = [0.0] * len(order)
    for rank, n in enumerate(order):
        found[n] = (rank - centre) * pitch
    return found
