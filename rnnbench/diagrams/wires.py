"""The folded diagram, second half: the lines of the arrows and their labels, once every box has its place."""

from rnnbench.diagrams.bundles import Bundle
from rnnbench.diagrams.channel import place_labels
from rnnbench.diagrams.lines import length, mark_at
from rnnbench.diagrams.parts import LABEL_SIZE
from rnnbench.diagrams.places import FIRST_LANE, NEXT_LANE, Lane, Layout, label_width
from rnnbench.diagrams.shapes import Label, Mark, Point, Rect, Route
from rnnbench.diagrams.text import LINE

LABEL_HEIGHT = LINE * LABEL_SIZE
#: Lanes that end nearer to one another than this lie side by side: they would look like one line.
APART = 14.0


def draw_straight(layout: Layout) -> None:
    """Draw the arrows to the next level, and those that pass between the boxes of the levels they skip."""
    for channel in layout.channels:
        spots = place_labels(channel.lines, channel.height, channel.lower, channel.upper)
        for bundle, line, spot in zip(channel.bundles, channel.lines, spots, strict=True):
            stop = layout.nodes[bundle.target].rect.bottom
            ends: list[Point] = [(line.start, channel.bottom), (line.end, stop)]
            marks = []
            if spot is not None:
                layout.labels.append(_label(bundle, spot.x, channel.bottom + spot.y))
                along = length(ends) * spot.y / channel.height
                marks += [mark_at("delay", ends, along)] if bundle.delayed else []
            if bundle.cut_every:
                above = spot is not None and spot.y > 0.6 * channel.height
                marks.append(mark_at("cut", ends, length(ends) * (0.25 if above else 0.78)))
            layout.routes.append(_route(layout, bundle, ends, marks))


def draw_arches(layout: Layout) -> None:
    """Draw arrows within a level: up, across, down."""
    for bundle in layout.arches:
        source, target = layout.nodes[bundle.source], layout.nodes[bundle.target]
        y = layout.track[bundle, "source"]
        x0, x1 = source.x + layout.port[bundle, "source"], target.x + layout.port[bundle, "target"]
        points = [(x0, source.rect.top), (x0, y), (x1, y), (x1, target.rect.top)]
        middle = (x0 + x1) / 2
        marks = [Mark("delay", middle, y)] if bundle.delayed else []
        if bundle.text:
            layout.labels.append(_label(bundle, middle, y + 4.0 + LABEL_HEIGHT / 2))
        if bundle.cut_every:
            marks.append(Mark("cut", x0 + 0.8 * (x1 - x0), y))
        layout.routes.append(_route(layout, bundle, points, marks))


def draw_lanes(layout: Layout) -> None:
    """Draw loops and lanes, each outside of whatever lies at its heights already."""
    taken: dict[int, list[Rect]] = {
        side: [node.rect for node in layout.nodes.values()] + [label.rect for label in layout.labels]
        for side in (-1, 1)
    }
    inner: dict[str, float] = {}
    for n, lane in enumerate(layout.lanes):
        start, first = _end(layout, lane, "source")
        stop, last = _end(layout, lane, "target")
        y0, y1 = first[1], last[1]
        low, high = min(y0, y1), max(y0, y1)
        centre = _label_height(layout, lane, low, high, layout.lanes[n + 1 :])
        reach = (min(low, centre - LABEL_HEIGHT / 2) - APART, max(high, centre + LABEL_HEIGHT / 2) + APART)
        if lane.inner:
            node = layout.nodes[lane.bundle.source]
            x = inner.get(node.name, node.rect.right) + FIRST_LANE
            inner[node.name] = x + 6.0 + label_width(lane.bundle)
        else:
            x = _beyond(layout, lane, taken[lane.side], reach)
        points = [*start, (x, y0), (x, y1), *stop]
        along = length([*start, (x, y0)]) + abs(centre - y0)
        marks = [mark_at("delay", points, along)] if lane.bundle.delayed else []
        marks += [mark_at("cut", points, length(points) - 13.0)] if lane.bundle.cut_every else []
        layout.routes.append(_route(layout, lane.bundle, points, marks))
        edge = x
        if lane.bundle.text:
            wide = label_width(lane.bundle)
            layout.labels.append(_label(lane.bundle, x + lane.side * (7.0 + wide / 2), centre))
            edge = x + lane.side * (7.0 + wide)
            taken[lane.side].append(layout.labels[-1].rect)
        taken[lane.side].append(Rect(min(x, edge), low, max(x, edge), high) if lane.is_loop else
                                Rect(x - 0.5, low, x + 0.5, high))  # fmt: skip


def _end(layout: Layout, lane: Lane, end: str) -> tuple[list[Point], Point]:
    """Return the points of an end outside of its lane, in the line's order, and the one next to the lane."""
    bundle = lane.bundle
    node = layout.nodes[getattr(bundle, end)]
    port = layout.port[bundle, end]
    if lane.source_beside if end == "source" else lane.target_beside:
        edge = node.rect.right if lane.side > 0 else node.rect.left
        points = [(edge, node.y + port)]
    else:
        y = layout.track[bundle, end]
        points = [(node.x + port, node.rect.top if end == "source" else node.rect.bottom), (node.x + port, y)]
    return (points, points[-1]) if end == "source" else (points[::-1], points[-1])


def _label_height(layout: Layout, lane: Lane, low: float, high: float, outer: list[Lane]) -> float:
    """Return the height of a lane's label: near its middle, not where a line from further out passes."""
    passing = [
        _end(layout, other, end)[1][1]
        for other in outer
        if other.side == lane.side
        for end in ("source", "target")
    ]
    shares = (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82)
    places = [low + share * (high - low) for share in shares]
    free = LABEL_HEIGHT / 2 + 2.0
    return next((y for y in places if all(abs(y - other) > free for other in passing)), places[0])


def _beyond(layout: Layout, lane: Lane, taken: list[Rect], reach: tuple[float, float]) -> float:
    """Return where a lane lies: outside of all that it passes, and a little away from its own boxes."""
    side = lane.side
    edges = [
        side * (rect.right if side > 0 else rect.left) + NEXT_LANE
        for rect in taken
        if rect.bottom < reach[1] and reach[0] < rect.top
    ]
    rows = layout.parts.levels[lane.low : lane.high + 1]
    own = [side * layout.x[name] + layout.width / 2 + FIRST_LANE for names in rows for name in names]
    return side * max([*edges, *own])


def _label(bundle: Bundle, x: float, y: float) -> Label:
    return Label(bundle.text, x, y, label_width(bundle), LABEL_HEIGHT, LABEL_SIZE)


def _route(layout: Layout, bundle: Bundle, points: list[Point], marks: list[Mark]) -> Route:
    source, target = (layout.parts.names.index(n) for n in (bundle.source, bundle.target))
    fixed = bundle.weight is not None
    return Route(source, target, tuple(points), bundle.lags, fixed=fixed, marks=tuple(marks))
