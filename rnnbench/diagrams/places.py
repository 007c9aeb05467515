"""The folded diagram, first half: which way each arrow runs, and where boxes and channels lie."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from rnnbench.diagrams.bundles import Bundle
from rnnbench.diagrams.channel import Straight, channel_height
from rnnbench.diagrams.lines import offsets
from rnnbench.diagrams.parts import LABEL_SIZE, Parts
from rnnbench.diagrams.shapes import Label, Node, Route
from rnnbench.diagrams.text import text_width

BOX_HEIGHT = 36.0
#: Between neighbours of a level, from a box to its first lane, and between what stands side by side.
BOX_GAP, FIRST_LANE, NEXT_LANE = 34.0, 26.0, 12.0
#: Between two lines that meet the same side of a box, between the two ends of a loop, between lines on top.
SIDE_PITCH, LOOP_PITCH, TOP_PITCH = 12.0, 16.0, 14.0
TRACK, ARCH_TRACK = 9.0, 18.0


@dataclass
class Lane:
    """A bundle that is not straight. `side` is +1 to the right, -1 to the left."""

    bundle: Bundle
    side: int
    low: int
    high: int
    source_beside: bool = True
    target_beside: bool = True
    inner: bool = False

    @property
    def is_loop(self) -> bool:
        """Whether it leads back into its own box."""
        return self.bundle.source == self.bundle.target


class Channel(NamedTuple):
    """The straight arrows that begin above a level: where the channel begins, its height and its tracks."""

    bundles: list[Bundle]
    lines: list[Straight]
    bottom: float
    height: float
    lower: float
    upper: float


@dataclass
class Layout:
    """The state of one layout, filled step by step by `folded`.

    Attributes
    ----------
    row, rank : dict of str to int
        Level of each box, the lowest 0, and place in it from the left.
    straight, arches, lanes : list
        Bundles by how they run: to the next level, within a level, beside the boxes (inner lanes first).
    x : dict of str to float
        Middle of each box.
    port : dict
        Where a bundle meets a box: (bundle, "source" or "target") to the distance from the side's middle.
    track : dict
        Heights of the tracks of a bundle: above its source, below its target.
    """

    parts: Parts
    width: float
    row: dict[str, int] = field(default_factory=dict)
    rank: dict[str, int] = field(default_factory=dict)
    straight: list[Bundle] = field(default_factory=list)
    arches: list[Bundle] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)
    x: dict[str, float] = field(default_factory=dict)
    port: dict[tuple[Bundle, str], float] = field(default_factory=dict)
    track: dict[tuple[Bundle, str], float] = field(default_factory=dict)
    channels: list[Channel] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)

    def size(self, name: str) -> int:
        """Return how many boxes its level has."""
        return len(self.parts.levels[self.row[name]])

    def outermost(self, name: str, side: int) -> bool:
        """Whether no box of its level stands on that side of it."""
        return self.rank[name] == (self.size(name) - 1 if side > 0 else 0)


def label_width(bundle: Bundle) -> float:
    """Return the width of a bundle's label, 0 without one."""
    return text_width(bundle.text, LABEL_SIZE) if bundle.text else 0.0


def place_across(layout: Layout) -> None:
    """Centre every level; loops of boxes that stand between others take room in the gap on their right."""
    for names in layout.parts.levels:
        left, at = 0.0, []
        for name in names:
            at.append(left)
            left += layout.width
            if name != names[-1]:
                left += BOX_GAP
                if _loop_side(layout, name) > 0:
                    loops = [b for b in layout.parts.bundles if b.source == b.target == name]
                    left += sum(FIRST_LANE + label_width(b) + NEXT_LANE for b in loops)
        total = left
        layout.x |= {
            name: start - total / 2 + layout.width / 2 for name, start in zip(names, at, strict=True)
        }


def _loop_side(layout: Layout, name: str) -> int:
    return -1 if layout.size(name) > 1 and layout.rank[name] == 0 else 1


def sort_bundles(layout: Layout) -> None:
    """Decide how each bundle runs, and which lanes lie further inside: those that pass fewer levels."""
    for bundle in layout.parts.bundles:
        low, high = sorted((layout.row[bundle.source], layout.row[bundle.target]))
        if bundle.source == bundle.target:
            side = _loop_side(layout, bundle.source)
            inner = not layout.outermost(bundle.source, side)
            layout.lanes.append(Lane(bundle, side, low, high, inner=inner))
        elif low == high:
            layout.arches.append(bundle)
        elif layout.row[bundle.source] == low and _is_clear(layout, bundle, low, high):
            layout.straight.append(bundle)
        else:
            layout.lanes.append(_lane(layout, bundle, low, high))
    layout.lanes.sort(key=lambda lane: (lane.high - lane.low, not lane.is_loop, lane.low))


def _is_clear(layout: Layout, bundle: Bundle, low: int, high: int) -> bool:
    """Whether a straight arrow upward passes between the boxes of the levels that it skips."""
    if high == low + 1:
        return True
    middle = layout.x[bundle.source]
    if abs(layout.x[bundle.target] - middle) > 1.0 or bundle.text:
        return False
    passed = [name for names in layout.parts.levels[low + 1 : high] for name in names]
    if any(b.source == b.target == name for b in layout.parts.bundles for name in passed[1:-1]):
        return False
    return all(abs(layout.x[name] - middle) > layout.width / 2 + 10.0 for name in passed)


def _lane(layout: Layout, bundle: Bundle, low: int, high: int) -> Lane:
    upward = layout.row[bundle.source] == low

    def fit(side: int) -> tuple[int, bool]:
        ends = [layout.outermost(name, side) for name in (bundle.source, bundle.target)]
        return sum(ends), (side < 0) == upward

    side = max((1, -1), key=fit)
    ends = [layout.outermost(name, side) for name in (bundle.source, bundle.target)]
    return Lane(bundle, side, low, high, *ends)


def ports_on_top(layout: Layout) -> None:
    """Spread the lines that leave a box upward, and those that enter it from below."""
    ends: dict[tuple[str, str], list[tuple[float, Bundle, str]]] = defaultdict(list)
    for bundle in layout.straight:
        across = layout.x[bundle.target] - layout.x[bundle.source]
        ends[bundle.source, "top"].append((across, bundle, "source"))
        ends[bundle.target, "bottom"].append((-across, bundle, "target"))
    for bundle in layout.arches:
        across = layout.x[bundle.target] - layout.x[bundle.source]
        ends[bundle.source, "top"].append((across, bundle, "source"))
        ends[bundle.target, "top"].append((-across, bundle, "target"))
    for lane in layout.lanes:
        if not lane.source_beside:
            ends[lane.bundle.source, "top"].append((lane.side * 1e6, lane.bundle, "source"))
        if not lane.target_beside:
            ends[lane.bundle.target, "bottom"].append((lane.side * 1e6, lane.bundle, "target"))
    for meeting in ends.values():
        places = offsets([key for key, _, _ in meeting], TOP_PITCH, layout.width)
        for (_, bundle, end), place in zip(meeting, places, strict=True):
            layout.port[bundle, end] = place


def _ports_beside(layout: Layout, name: str) -> float:
    """Spread the lines that meet the sides of a box; returns the height that they need.

    From the top: lanes from above, the inner first; loops, the outer around the inner; lanes from below.
    """
    needed = BOX_HEIGHT
    for side in (-1, 1):
        above: list[tuple[Bundle, str]] = []
        loops: list[Bundle] = []
        below: list[tuple[Bundle, str]] = []
        for lane in layout.lanes:
            if lane.side != side:
                continue
            for end, beside in (("source", lane.source_beside), ("target", lane.target_beside)):
                if getattr(lane.bundle, end) != name or not beside or lane.is_loop:
                    continue
                other = lane.bundle.target if end == "source" else lane.bundle.source
                (above if layout.row[other] > layout.row[name] else below).append((lane.bundle, end))
            if lane.is_loop and lane.bundle.source == name:
                loops.append(lane.bundle)
        order = [*above, *((b, "source") for b in loops[::-1]), *((b, "target") for b in loops), *below[::-1]]
        pitches = [LOOP_PITCH if loops and one == (loops[0], "source") else SIDE_PITCH for one in order[:-1]]
        total = sum(pitches)
        place = total / 2
        for one, pitch in zip(order, [*pitches, 0.0], strict=False):
            layout.port[one] = place
            place -= pitch
        needed = max(needed, total + 20.0)
    return needed


def place_upward(layout: Layout) -> None:
    """Set the height of every level and of the channels between them, from the bottom up."""
    bottom = 0.0
    for row, names in enumerate(layout.parts.levels):
        height = max(_ports_beside(layout, name) for name in names)
        for name in names:
            layout.nodes[name] = Node(
                name, layout.parts.kinds[name], layout.x[name], bottom + height / 2,
                layout.width, height, layout.parts.words[name],
            )  # fmt: skip
        if row == 0:
            _tracks_below_the_lowest(layout)
        top = bottom + height
        bottom = _channel_above(layout, row, top)


def _tracks_below_the_lowest(layout: Layout) -> None:
    y = -TRACK - 6.0
    for lane in layout.lanes:
        if not lane.target_beside and layout.row[lane.bundle.target] == 0:
            layout.track[lane.bundle, "target"] = y
            y -= TRACK


def _channel_above(layout: Layout, row: int, top: float) -> float:
    """Fill the channel above a level whose upper edge is `top`; returns the lower edge of the next level."""
    y = top + 8.0
    for bundle in layout.arches:
        if layout.row[bundle.source] == row:
            layout.track[bundle, "source"] = y
            y += ARCH_TRACK if bundle.text else TRACK
    for lane in layout.lanes:
        if not lane.source_beside and layout.row[lane.bundle.source] == row:
            layout.track[lane.bundle, "source"] = y
            y += TRACK
    entering = [
        lane.bundle
        for lane in layout.lanes
        if not lane.target_beside and layout.row[lane.bundle.target] == row + 1
    ]
    upper = len(entering) * TRACK + (8.0 if entering else 0.0)
    here = [b for b in layout.straight if layout.row[b.source] == row]
    lines = [
        Straight(
            layout.x[b.source] + layout.port[b, "source"],
            layout.x[b.target] + layout.port[b, "target"],
            label_width(b),
        )
        for b in here
    ]
    lower = y - top - 8.0
    height = channel_height(lines, lower, upper, layout.width)
    bottom = top + height
    for n, bundle in enumerate(entering):
        layout.track[bundle, "target"] = bottom - 12.0 - n * TRACK
    layout.channels.append(Channel(here, lines, top, height, lower, upper))
    return bottom
