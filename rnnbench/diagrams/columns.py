"""The columns of an unfolded diagram: which arrows are drawn in which form, and where every box lies."""

from collections import defaultdict
from dataclasses import dataclass, field

from rnnbench.diagrams.bundles import Bundle
from rnnbench.diagrams.lines import offsets
from rnnbench.diagrams.parts import LABEL_SIZE, NAME_SIZE, Parts
from rnnbench.diagrams.shapes import Node
from rnnbench.diagrams.text import LONG_NAME, shortened, text_width

BOX_HEIGHT, NARROWEST = 24.0, 38.0
SLOT_HEIGHT, DOT = 18.0, 7.0
#: Between the boxes of one level, between columns, between levels, between lines that run side by side.
BESIDE, GAP, RISE, PITCH = 18.0, 40.0, 34.0, 7.0
#: Height of the arc over one box and what every further box adds.
ARC, HIGHER = 36.0, 14.0
#: What a channel is higher, and gaps are wider, for slanted lines of lags 0, 1, 2, ...
STEEPER, WIDER = (0.0, 6.0, 26.0, 52.0), (0.0, 0.0, 6.0, 14.0)
#: So many lags of a bundle are drawn; of more than that, one fewer, and a note names the others.
MOST_LAGS = 4


@dataclass(eq=False)
class Strand:
    """One lag of a bundle and the forms that its line may take, the present one first.

    Forms: "up" from the top of a box to the bottom of another, "across" from side to side, "arc" over the
    boxes of the same name, "round" through the gaps.
    """

    bundle: Bundle
    lag: int
    forms: list[str] = field(default_factory=list)

    @property
    def form(self) -> str:
        """The form it has now."""
        return self.forms[0]

    @property
    def further(self) -> bool:
        """Whether it may take another one."""
        return len(self.forms) > 1

    @property
    def tracks(self) -> int:
        """Horizontal tracks that its round form needs: so many of its lines overlap."""
        return abs(self.lag) if self.form == "round" and abs(self.lag) > 1 else 0


def strands_of(parts: Parts, steps: int) -> list[Strand]:
    """Return the strands that are drawn, each with its forms."""
    height = {name: n for n, name in enumerate(name for names in parts.levels for name in names)}
    found = []
    for bundle in parts.bundles:
        near = [lag for lag in bundle.lags if abs(lag) < max(2, steps)]
        for lag in near if len(near) <= MOST_LAGS else near[: MOST_LAGS - 1]:
            rise = height[bundle.target] - height[bundle.source]
            if lag == 0:
                forms = ["up", "round"]
            elif rise > 0:
                forms = ["up", "across", "round"]
            elif rise == 0:
                forms = ["across", "arc", "round"]
            else:
                forms = ["across", "round"]
            found.append(Strand(bundle, lag, forms))
    return found


class Columns:
    """Every box at every step, for the forms that the strands have now; `stretch` makes channels higher.

    Attributes
    ----------
    nodes : list of Node
        All of them; `at` gives them by name and time.
    centre : dict of int to float
        Middle of each column by time, those before and after the sequence included.
    port : dict
        (strand number, "source" or "target") to (side, distance from the middle of that side).
    """

    def __init__(self, parts: Parts, strands: list[Strand], steps: int, stretch: float = 1.0) -> None:
        self.parts, self.strands, self.steps, self.stretch = parts, strands, steps, stretch
        self.rows = [name for names in parts.levels for name in names]
        self.row = {name: n for n, name in enumerate(self.rows)}
        self.width = max(
            NARROWEST, *(1.1 * text_width(shortened(n, LONG_NAME), NAME_SIZE) + 14.0 for n in parts.names)
        )
        self.port = self._ports()
        self._place_across()
        self._place_upward()
        self._place_nodes()

    def _ports(self) -> dict[tuple[int, str], tuple[str, float]]:
        """Spread the lines on every side of every box."""
        meeting: dict[tuple[str, str], list[tuple[float, int, str]]] = defaultdict(list)
        for n, strand in enumerate(self.strands):
            for end in ("source", "target"):
                name = getattr(strand.bundle, end)
                side, key = self._side(strand, end)
                meeting[name, side].append((key, n, end))
        self.crowd = {name: 0 for name in self.rows}
        ports = {}
        for (name, side), lines in meeting.items():
            upright = side in ("left", "right")
            if upright:
                self.crowd[name] = max(self.crowd[name], len(lines))
            room = max(BOX_HEIGHT, PITCH * (len(lines) + 1)) if upright else self.width
            places = offsets([key for key, _, _ in lines], PITCH if upright else 8.0, room)
            for (_, n, end), place in zip(lines, places, strict=True):
                ports[n, end] = side, place
        return ports

    def _side(self, strand: Strand, end: str) -> tuple[str, float]:
        """Return the side at which a line meets a box, and where it leads, for the order on that side."""
        ahead = strand.lag if end == "source" else -strand.lag
        bundle = strand.bundle
        other, own = (bundle.target, bundle.source) if end == "source" else (bundle.source, bundle.target)
        rise = float(self.row[other] - self.row[own])
        across = 100.0 * ahead + self._shift(other) - self._shift(own)
        if strand.form == "up":
            return ("top" if end == "source" else "bottom"), across
        if strand.form == "arc":
            return "top", across
        if strand.lag == 0:
            return "right", rise
        # Of lines from the same height the steeper one meets the box nearer to where it comes from.
        return ("right" if ahead > 0 else "left"), rise - 1e-3 * abs(strand.lag) * (rise > 0) + 1e-3 * abs(
            strand.lag
        ) * (rise < 0)

    def _shift(self, name: str) -> float:
        """Distance of a box from the middle of its column: boxes of one level stand beside one another."""
        level = next(names for names in self.parts.levels if name in names)
        return (level.index(name) - (len(level) - 1) / 2) * (self.width + BESIDE)

    def _place_across(self) -> None:
        most = max(len(names) for names in self.parts.levels)
        self.column_width = most * self.width + (most - 1) * BESIDE
        rounds = [s for s in self.strands if s.form == "round"]
        self.lane: dict[tuple[int, str], float] = {}
        lanes = 0
        for n, strand in enumerate(self.strands):
            if strand in rounds:
                for end in ("exit", "entry") if abs(strand.lag) > 1 else ("exit",):
                    self.lane[n, end] = 16.0 + PITCH * lanes
                    lanes += 1
        slanted = [abs(s.lag) for s in self.strands if s.form in ("up", "across")]
        self.gap = GAP + WIDER[min(max(slanted, default=0), len(WIDER) - 1)]
        self.gap = max(self.gap, 16.0 + PITCH * (lanes - 1) + 22.0) if lanes else self.gap
        self.before = self._slots(1)
        self.after = self._slots(-1)
        first, last = -max(self.before.values()), self.steps + max(self.after.values()) - 1
        slot = max([text_width(f"{shortened(n, LONG_NAME)}(−1)", LABEL_SIZE) + 12.0 for n in self.rows])
        self.slot_width = slot if self.parts.learned and any(self._is_box(n) for n in self.rows) else DOT
        self.edges: dict[int, tuple[float, float]] = {}
        left = 0.0
        for time in range(first, last + 1):
            wide = self.column_width if 0 <= time < self.steps else self.slot_width
            self.edges[time] = left, left + wide
            left += wide + self.gap
        self.centre = {time: (a + b) / 2 for time, (a, b) in self.edges.items()}

    def _is_box(self, name: str) -> bool:
        """Whether values of a box may be learned where the sequence has none."""
        return self.parts.kinds[name] != "input" and self.before[name] + self.after[name] > 0

    def _is_output(self, name: str) -> bool:
        return self.parts.kinds[name] == "output"

    def _is_target(self, name: str) -> bool:
        return self.parts.kinds[name] == "target"

    def _slots(self, sign: int) -> dict[str, int]:
        """Return how many values before (+1) or after (-1) the sequence the drawn arrows read."""
        return {
            name: max([0, *(sign * s.lag for s in self.strands if s.bundle.source == name)])
            for name in self.rows
        }

    def _place_upward(self) -> None:
        """Set the height of every row and of the channel above it."""
        self.height = {name: max(BOX_HEIGHT, PITCH * (self.crowd[name] + 1)) for name in self.rows}
        self.y: dict[str, float] = {}
        self.track: dict[int, float] = {}
        level = {name: n for n, names in enumerate(self.parts.levels) for name in names}
        bottom = 0.0
        for n, name in enumerate(self.rows):
            self.y[name] = bottom + self.height[name] / 2
            top = bottom + self.height[name]
            above = self.rows[n + 1] if n + 1 < len(self.rows) else None
            arcs = [abs(s.lag) for s in self.strands if s.form == "arc" and s.bundle.source == name]
            low = 0.75 * (ARC + HIGHER * (max(arcs) - 2)) + 4.0 if arcs else 8.0
            y = top + low
            for number, strand in enumerate(self.strands):
                if strand.tracks and self._channel(strand) == n:
                    self.track[number] = y
                    y += PITCH * strand.tracks
            same = above is not None and level[above] == level[name]
            bottom = max(top + (0.6 * RISE if same else RISE + self._steepness(n)), y + 10.0)

    def _steepness(self, row: int) -> float:
        """Return how much higher a channel is through which slanted lines of long lags pass."""
        far = 0
        for strand in self.strands:
            low, high = sorted((self.row[strand.bundle.source], self.row[strand.bundle.target]))
            if strand.form in ("up", "across") and low <= row < high:
                far = max(far, abs(strand.lag) if high == low + 1 else min(1, abs(strand.lag)))
        return self.stretch * STEEPER[min(far, len(STEEPER) - 1)]

    def is_flat(self, strand: Strand) -> bool:
        """Whether a strand is a slanted line between neighbouring rows that passes over columns."""
        rise = self.row[strand.bundle.target] - self.row[strand.bundle.source]
        return strand.form in ("up", "across") and abs(rise) == 1 and abs(strand.lag) > 1

    def _channel(self, strand: Strand) -> int:
        """Return the row above which the tracks of a strand lie: at its target, on the side of its source."""
        source, target = self.row[strand.bundle.source], self.row[strand.bundle.target]
        return target if source >= target else target - 1

    def _place_nodes(self) -> None:
        self.nodes: list[Node] = []
        for name in self.rows:
            text = shortened(self.parts.words[name][0], LONG_NAME)
            for time in range(-self.before[name], self.steps + self.after[name]):
                if 0 <= time < self.steps:
                    x = self.centre[time] + self._shift(name)
                    node = Node(
                        name, self.parts.kinds[name], x, self.y[name], self.width, self.height[name],
                        (text,), time,
                    )  # fmt: skip
                else:
                    node = self._slot(name, text, time)
                self.nodes.append(node)
        self.at = {(node.name, node.time): node for node in self.nodes}

    def _slot(self, name: str, text: str, time: int) -> Node:
        x, y = self.centre[time], self.y[name]
        if self.parts.learned and self._is_box(name):
            # Before its start a sequence has no targets: the output's own initial values are fed.
            text = next(n for n in self.rows if self._is_output(n)) if self._is_target(name) else text
            words = f"{shortened(text, LONG_NAME)}({time})".replace("-", "−")
            return Node(name, "learned", x, y, self.slot_width, SLOT_HEIGHT, (words,), time)
        return Node(name, "zero", x, y, DOT, DOT, (), time)
