"""The line of one arrow of an unfolded diagram."""

from rnnbench.diagrams.columns import ARC, HIGHER, PITCH, Columns, Strand
from rnnbench.diagrams.shapes import Node, Point

#: Pieces of an arc.
PIECES = 28


def points_of(columns: Columns, strand: Strand, source: Node, target: Node) -> list[Point]:
    """Return the points of a strand from one node to another, in the form that it has.

    Parameters
    ----------
    columns : Columns
        Where everything lies.
    strand : Strand
        One of its strands.
    source, target : Node
        Two of its nodes.
    """
    number = columns.strands.index(strand)
    start = _meeting(columns, number, "source", source)
    stop = _meeting(columns, number, "target", target)
    if strand.form == "arc":
        return _arc(start, stop, ARC + HIGHER * (abs(strand.lag) - 2))
    if strand.form == "round":
        return _round(columns, number, strand, (source, start), (target, stop))
    return [start, stop]


def _meeting(columns: Columns, number: int, end: str, node: Node) -> Point:
    """Return where a line meets a node; before and after the sequence all lines meet near the middle."""
    side, place = columns.port[number, end]
    rect = node.rect
    if node.kind in ("learned", "zero"):
        half = 0.5 * (node.height if side in ("left", "right") else node.width)
        place = max(-0.7 * half, min(0.7 * half, place * half / 20.0))
    if side in ("top", "bottom"):
        return node.x + place, rect.top if side == "top" else rect.bottom
    return rect.right if side == "right" else rect.left, node.y + place


def _arc(start: Point, stop: Point, height: float) -> list[Point]:
    """Return a cubic Bezier curve that rises steeply at both ends."""
    across = stop[0] - start[0]
    second = (start[0] + 0.12 * across, start[1] + height)
    third = (stop[0] - 0.12 * across, stop[1] + height)
    found = []
    for n in range(PIECES + 1):
        s = n / PIECES
        weights = ((1 - s) ** 3, 3 * s * (1 - s) ** 2, 3 * s * s * (1 - s), s**3)
        corners = (start, second, third, stop)
        found.append(
            (
                sum(w * x for w, (x, _) in zip(weights, corners, strict=True)),
                sum(w * y for w, (_, y) in zip(weights, corners, strict=True)),
            )
        )
    return found


def _round(
    columns: Columns, number: int, strand: Strand, source: tuple[Node, Point], target: tuple[Node, Point]
) -> list[Point]:
    """Return a line through the gaps: out at a side, up or down a lane, along a track, and in at a side."""
    (here, start), (there, stop) = source, target
    leave, arrive = here.time or 0, there.time or 0
    shift = columns.lane[number, "exit"]
    if strand.lag >= 0:
        x0 = columns.edges[leave][1] + shift
    else:
        x0 = columns.edges[leave][0] - shift
    if abs(strand.lag) < 2:
        return [start, (x0, start[1]), (x0, stop[1]), stop]
    shift = columns.lane[number, "entry"]
    x1 = columns.edges[arrive][0] - columns.gap + shift
    if strand.lag < 0:
        x1 = columns.edges[arrive][1] + columns.gap - shift
    y = columns.track[number] + PITCH * (leave % abs(strand.lag))
    return [start, (x0, start[1]), (x0, y), (x1, y), (x1, stop[1]), stop]
