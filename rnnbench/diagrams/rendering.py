"""Diagrams of networks as SVG and PNG."""

import io
import math
import re
import warnings
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Rectangle
from matplotlib.path import Path

INK, DELAYED, CUT, GREY = "#222222", "#1F4E8C", "#B3261E", "#666666"
#: Fill and outline by kind: inputs blue, layers green, outputs brown, as in the lecture notes.
COLOURS = {
    "input": ("#DCE8F5", "#2F5D8A"),
    "layer": ("#E1EFDA", "#3F6B2A"),
    "memory": ("#ECE7F2", "#5D4A86"),
    "output": ("#F7E6CF", "#8A5A1F"),
    "target": ("#FFFFFF", "#8A5A1F"),
    "learned": ("#FFFFFF", "#3F6B2A"),
    "zero": ("#FFFFFF", "#666666"),
}
ROUND = 7.0
#: Pixels to the inch of a PNG, and at most along a side.
RESOLUTION, MOST_PIXELS = 200, 20_000


def figure_of(diagram: Any) -> Figure:
    """Draw a diagram; one unit of its geometry is a point.

    Parameters
    ----------
    diagram : Diagram
        From `rnnbench.diagrams`.
    """
    figure = Figure(figsize=(diagram.width / 72, diagram.height / 72))
    panel = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    panel.set_xlim(0, diagram.width)
    panel.set_ylim(0, diagram.height)
    panel.set_axis_off()
    for route in diagram.routes:
        _draw_route(panel, route)
    for node in diagram.nodes:
        _draw_node(panel, node)
    for route in diagram.routes:
        for mark in route.marks:
            _draw_mark(panel, mark)
    for mark in diagram.legend:
        _draw_sample(panel, mark)
    for label in diagram.labels:
        _draw_label(panel, label)
    return figure


def svg(diagram: Any) -> bytes:
    """Return the diagram as SVG with a title and a description; equal diagrams give equal bytes."""
    text = _saved(diagram, "svg", metadata={"Date": None, "Creator": None, "Title": diagram.title}).decode()
    text = re.sub(r"<title>.*?</title>", "", text, count=1, flags=re.DOTALL)
    words = (
        f'<title id="title">{escape(diagram.title)}</title>\n'
        f' <desc id="desc">{escape(diagram.description)}</desc>'
    )
    marked = re.sub(
        r"<svg ([^>]*)>",
        lambda found: f'<svg {found[1]} role="img" aria-labelledby="title desc">\n {words}',
        text,
        count=1,
    )
    return marked.encode()


def png(diagram: Any) -> bytes:
    """Return the diagram as PNG; equal diagrams give equal bytes."""
    # Agg draws at most 2**16 pixels a side.
    finest = MOST_PIXELS * 72 / max(diagram.width, diagram.height)
    return _saved(diagram, "png", dpi=min(RESOLUTION, finest), metadata={"Software": None})


def _saved(diagram: Any, kind: str, **options: Any) -> bytes:
    target = io.BytesIO()
    # Outlines instead of text: the widths on which the layout relies do not depend on the reader's fonts.
    settings: Any = {"svg.hashsalt": "rnnbench", "svg.fonttype": "path", "font.family": "DejaVu Sans"}
    with mpl.rc_context(settings), warnings.catch_warnings():
        # Names may have letters that the font has not; they are drawn as empty boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure_of(diagram).savefig(target, format=kind, **options)
    return target.getvalue()


def _path(points: Sequence[tuple[float, float]], smooth: bool) -> Path:
    """Return a path through the points, its corners rounded."""
    vertices, codes = [points[0]], [Path.MOVETO]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        if smooth:
            vertices.append(corner)
            codes.append(Path.LINETO)
            continue
        radius = min(ROUND, math.dist(before, corner) / 2, math.dist(corner, after) / 2)
        vertices += [_toward(corner, before, radius), corner, _toward(corner, after, radius)]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    vertices.append(points[-1])
    codes.append(Path.LINETO)
    return Path(vertices, codes)


def _toward(start: tuple[float, float], end: tuple[float, float], by: float) -> tuple[float, float]:
    share = by / (math.dist(start, end) or 1.0)
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


def _draw_route(panel: Any, route: Any) -> None:
    colour = DELAYED if route.delayed else INK
    points = list(route.points)
    head = points[-1]
    # The line ends inside the head, so that a broken line reaches it and its point stays sharp.
    tail = _toward(head, points[-2], min(4.0, math.dist(*points[-2:]) / 2))
    # A white line below keeps crossings apart; it begins a little later, where neighbours have left the box.
    first, last = (min(12.0, 0.4 * math.dist(*ends)) for ends in (points[:2], points[-2:]))
    begin, end = _toward(points[0], points[1], first), _toward(head, points[-2], last)
    for ends, ink, width in (((begin, end), "white", 3.6), ((points[0], tail), colour, 1.1)):
        dashed = route.fixed and ink != "white"
        panel.add_patch(
            PathPatch(
                _path([ends[0], *points[1:-1], ends[1]], route.smooth),
                fill=False,
                edgecolor=ink,
                linewidth=width,
                linestyle=(0, (4, 2)) if dashed else "-",
                capstyle="butt",
            )
        )
    angle = math.atan2(head[1] - points[-2][1], head[0] - points[-2][0])
    panel.add_patch(_head(head, angle, colour))


def _head(tip: tuple[float, float], angle: float, colour: str) -> PathPatch:
    """Return a slim arrow head."""
    cos, sin = math.cos(angle), math.sin(angle)
    corners = [(0.0, 0.0), (-6.5, 2.5), (-5.2, 0.0), (-6.5, -2.5), (0.0, 0.0)]
    turned = [(tip[0] + cos * x - sin * y, tip[1] + sin * x + cos * y) for x, y in corners]
    return PathPatch(Path(turned, closed=True), facecolor=colour, edgecolor="none")


def _draw_node(panel: Any, node: Any) -> None:
    fill, edge = COLOURS[node.kind]
    if node.kind == "zero":
        panel.add_patch(
            Circle((node.x, node.y), node.width / 2, facecolor=fill, edgecolor=edge, linewidth=0.9)
        )
        return
    rect = node.rect
    if node.kind == "learned":
        shape: Any = FancyBboxPatch(
            (rect.left, rect.bottom), node.width, node.height,
            boxstyle=f"round,pad=0,rounding_size={node.height / 2.2}",
            facecolor=fill, edgecolor=edge, linewidth=1.0,
        )  # fmt: skip
    else:
        style = (0, (3, 2)) if node.kind == "target" else "-"
        shape = Rectangle(
            (rect.left, rect.bottom), node.width, node.height,
            facecolor=fill, edgecolor=edge, linewidth=1.2, linestyle=style,
        )  # fmt: skip
    panel.add_patch(shape)
    if node.kind == "learned":
        panel.text(node.x, node.y, node.lines[0], fontsize=8, color=INK, ha="center", va="center_baseline")
    elif len(node.lines) == 1:
        panel.text(
            node.x, node.y, node.lines[0], fontsize=11, color=INK, ha="center", va="center_baseline",
            fontweight="bold",
        )  # fmt: skip
    elif node.lines:
        name, detail = node.lines
        panel.text(
            node.x, node.y + 6.0, name, fontsize=11, color=INK, ha="center", va="center_baseline",
            fontweight="bold",
        )  # fmt: skip
        panel.text(node.x, node.y - 8.0, detail, fontsize=8, color=INK, ha="center", va="center_baseline")


def _draw_mark(panel: Any, mark: Any) -> None:
    if mark.kind == "delay":
        panel.add_patch(
            Rectangle(
                (mark.x - 3.2, mark.y - 3.2), 6.4, 6.4, facecolor=DELAYED, edgecolor="white", linewidth=0.8
            )
        )
    elif mark.kind == "cut":
        cos, sin = math.cos(mark.angle), math.sin(mark.angle)
        gap = [(mark.x - 1.6 * cos, mark.y - 1.6 * sin), (mark.x + 1.6 * cos, mark.y + 1.6 * sin)]
        panel.plot(*zip(*gap, strict=True), color="white", linewidth=3.0, solid_capstyle="butt")
        for shift in (-1.7, 1.7):
            x, y = mark.x + shift * cos, mark.y + shift * sin
            panel.plot(
                [x - 4.6 * sin, x + 4.6 * sin], [y + 4.6 * cos, y - 4.6 * cos], color=CUT, linewidth=1.3,
                solid_capstyle="butt",
            )  # fmt: skip


def _draw_sample(panel: Any, mark: Any) -> None:
    """Draw a mark of the legend in a room 18 points wide."""
    ends = [mark.x - 9.0, mark.x + 9.0]
    if mark.kind in ("delay", "cut"):
        panel.plot(ends, [mark.y] * 2, color=DELAYED if mark.kind == "delay" else INK, linewidth=1.1)
        _draw_mark(panel, mark)
    elif mark.kind == "fixed":
        panel.plot(ends, [mark.y] * 2, color=INK, linewidth=1.1, linestyle=(0, (4, 2)))
    elif mark.kind == "learned":
        panel.add_patch(
            FancyBboxPatch(
                (mark.x - 8.0, mark.y - 4.5), 16.0, 9.0, boxstyle="round,pad=0,rounding_size=4",
                facecolor="white", edgecolor=COLOURS["learned"][1], linewidth=1.0,
            )
        )  # fmt: skip
    elif mark.kind == "target":
        panel.add_patch(
            Rectangle(
                (mark.x - 8.0, mark.y - 4.5), 16.0, 9.0, facecolor="white",
                edgecolor=COLOURS["target"][1], linewidth=1.0, linestyle=(0, (3, 2)),
            )
        )  # fmt: skip
    elif mark.kind == "zero":
        panel.add_patch(Circle((mark.x, mark.y), 3.0, facecolor="white", edgecolor=GREY, linewidth=0.9))


def _draw_label(panel: Any, label: Any) -> None:
    free = label.role == "arrow"
    panel.text(
        label.x if free else label.rect.left,
        label.y,
        label.text,
        fontsize=label.size,
        ha="center" if free else "left",
        va="center_baseline",
        fontweight="bold" if label.role == "title" else "normal",
        color=GREY if label.role in ("subtitle", "note", "legend") else INK,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6} if free else None,
    )
