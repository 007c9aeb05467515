"""The channel between two levels: how high it must be, and where the labels of its straight arrows stand."""

from collections.abc import Sequence
from typing import NamedTuple

from rnnbench.diagrams.parts import LABEL_SIZE
from rnnbench.diagrams.shapes import Rect
from rnnbench.diagrams.text import LINE

LOWEST = 42.0
#: Kept free above a level and below the next: arrow heads and marks.
CLEAR = 13.0
BAND = LINE * LABEL_SIZE + 2.0
MOST_BANDS = 60


class Straight(NamedTuple):
    """An arrow from x = `start` at the bottom of a channel to `end` at its top; width of its label or 0."""

    start: float
    end: float
    label: float

    def at(self, share: float) -> float:
        """Return x at a share of the height."""
        return self.start + share * (self.end - self.start)


class Spot(NamedTuple):
    """Centre of a label above the lower edge of the channel."""

    x: float
    y: float


def channel_height(lines: Sequence[Straight], lower: float, upper: float, box: float) -> float:
    """Return a height at which all labels find a place and slanted arrows are not too flat.

    Parameters
    ----------
    lines : sequence of Straight
        The arrows through it.
    lower, upper : float
        Heights of the tracks at its lower and upper edge.
    box : float
        Width of a box.
    """
    across = max([abs(line.end - line.start) for line in lines] + [0.0])
    height = max(LOWEST, min(0.32 * across, 1.1 * box)) + lower + upper
    for _ in range(MOST_BANDS):
        if _try(lines, height, lower, upper) is not None:
            return height
        height += BAND
    return height


def place_labels(lines: Sequence[Straight], height: float, lower: float, upper: float) -> list[Spot | None]:
    """Return a place beside each line for its label; None for lines without one."""
    found = _try(lines, height, lower, upper)
    return found if found is not None else [None for _ in lines]


def _try(lines: Sequence[Straight], height: float, lower: float, upper: float) -> list[Spot | None] | None:
    """Place label after label, each as near the middle as it can; None where one finds no place."""
    room = height - lower - upper - 2 * CLEAR
    count = max(1, int(room / BAND))
    middle = lower + CLEAR + room / 2
    bands = sorted(((n - (count - 1) / 2) * BAND for n in range(count)), key=abs)
    placed: list[Rect] = []
    found: list[Spot | None] = []
    for n, line in enumerate(lines):
        if not line.label:
            found.append(None)
            continue
        others = [other for m, other in enumerate(lines) if m != n]
        best = None
        for strict in (True, False):
            best = best or next(
                (
                    spot
                    for band in bands
                    for side in ((1, -1) if line.end + line.start >= -1e-6 else (-1, 1))
                    for spot in [_beside(line, (middle + band) / height, height, side)]
                    if _is_free(_rect(spot, line.label), placed, others if strict else [], height)
                ),
                None,
            )
        if best is None:
            return None
        placed.append(_rect(best, line.label))
        found.append(best)
    return found


def _rect(spot: Spot, width: float) -> Rect:
    return Rect(spot.x - width / 2, spot.y - BAND / 2, spot.x + width / 2, spot.y + BAND / 2)


def _beside(line: Straight, share: float, height: float, side: int) -> Spot:
    half = BAND / 2 / height
    edges = [side * line.at(share + d) for d in (-half, 0.0, half)]
    return Spot(side * (max(edges) + 6.0 + line.label / 2), share * height)


def _is_free(rect: Rect, placed: Sequence[Rect], lines: Sequence[Straight], height: float) -> bool:
    if any(rect.overlaps(other) for other in placed):
        return False
    for line in lines:
        xs = [line.at(y / height) for y in (rect.bottom, rect.top)]
        if min(xs) < rect.right + 1.0 and rect.left - 1.0 < max(xs):
            return False
    return True
