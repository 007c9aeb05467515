"""The sheet around a picture: title above, legend below."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rnnbench.diagrams.parts import LABEL_SIZE, TITLE_SIZE
from rnnbench.diagrams.shapes import Diagram, Label, Mark, Node, Point, Route, extent, moved
from rnnbench.diagrams.text import LINE, text_width, wrapped

MARGIN = 14.0
#: Narrowest room for title and legend, however narrow the network.
NARROWEST = 250.0
#: Width of a mark in the legend with the space behind it, and the space between two entries.
SAMPLE, BETWEEN = 24.0, 18.0

MEANING = {
    "delay": "delay",
    "cut": "gradient cut",
    "fixed": "fixed weight",
    "target": "target",
    "learned": "learned initial value",
    "zero": "zero outside the sequence",
}


def framed(
    title: Sequence[str],
    description: str,
    nodes: Sequence[Node],
    routes: Sequence[Route],
    labels: Sequence[Label],
    marks: Sequence[str],
    notes: Sequence[str] = (),
) -> Diagram:
    """Put a title of two lines above, notes and a legend below, and everything onto a sheet.

    Parameters
    ----------
    title : sequence of str
        Name, then sizes; set in lines as wide as the sheet.
    description : str
        As of `Diagram`.
    nodes, routes, labels
        The picture, anywhere.
    marks : sequence of str
        Kinds of marks that occur: keys of `MEANING`.
    notes : sequence of str
        Lines between picture and legend.
    """
    box = extent(nodes, routes, labels)
    entries = [(kind, text_width(MEANING[kind], LABEL_SIZE)) for kind in marks]
    widest = max([text_width(text, LABEL_SIZE) for text in notes] + [0.0])
    inner = max(box.right - box.left, min(NARROWEST, _row_width(entries)), min(NARROWEST, widest), 150.0)
    heading = _heading(title, inner)
    inner = max([inner, *(label.width for label in heading)])
    small = [line for text in notes for line in wrapped(text.split(" "), LABEL_SIZE, inner)]
    foot, samples = _legend(_rows(entries, inner), len(small))
    height = 2 * MARGIN + box.top - box.bottom
    below = _foot_height(len(_rows(entries, inner)), len(small))
    above = sum(label.height for label in heading) + (10.0 if heading else 0.0)
    width = inner + 2 * MARGIN
    dx = (width - (box.right - box.left)) / 2 - box.left
    shifted = moved(nodes, routes, labels, dx, MARGIN + below - box.bottom)
    sheet_height = height + below + above
    top = sheet_height - MARGIN
    placed = list(shifted[2])
    for label in heading:
        placed.append(replace(label, x=MARGIN + label.width / 2, y=top - label.height / 2))
        top -= label.height
    for n, line in enumerate(small):
        wide = text_width(line, LABEL_SIZE)
        y = MARGIN + below - 12.0 - (n + 0.5) * LINE * LABEL_SIZE
        placed.append(Label(line, MARGIN + wide / 2, y, wide, LINE * LABEL_SIZE, LABEL_SIZE, "note"))
    placed += [replace(t, x=t.x + MARGIN, y=t.y + MARGIN) for t in foot]
    legend = tuple(replace(m, x=m.x + MARGIN, y=m.y + MARGIN) for m in samples)
    return Diagram(
        ": ".join(title[:1]), description, tuple(shifted[0]), tuple(shifted[1]), tuple(placed), legend,
        width, sheet_height,
    )  # fmt: skip


def _heading(title: Sequence[str], width: float) -> list[Label]:
    """Return the lines of the title, at (0, 0)."""
    name, *rest = title
    lines = [(name, TITLE_SIZE, "title", 1.15)]
    for text in rest:
        parts = wrapped(text.split(" · "), LABEL_SIZE, width, " · ")
        lines += [(part, LABEL_SIZE, "subtitle", 1.0) for part in parts]
    return [
        Label(text, 0.0, 0.0, heavier * text_width(text, size), LINE * size, size, role)
        for text, size, role, heavier in lines
    ]


def _row_width(entries: Sequence[tuple[str, float]]) -> float:
    return sum(SAMPLE + wide for _, wide in entries) + BETWEEN * max(0, len(entries) - 1)


def _rows(entries: Sequence[tuple[str, float]], width: float) -> list[list[tuple[str, float]]]:
    """Break the legend into lines."""
    rows: list[list[tuple[str, float]]] = []
    for entry in entries:
        if rows and _row_width([*rows[-1], entry]) <= width:
            rows[-1].append(entry)
        else:
            rows.append([entry])
    return rows


def _foot_height(rows: int, notes: int) -> float:
    return (12.0 if rows or notes else 0.0) + 15.0 * rows + LINE * LABEL_SIZE * notes


def _legend(rows: Sequence[Sequence[tuple[str, float]]], notes: int) -> tuple[list[Label], list[Mark]]:
    labels, samples = [], []
    for n, row in enumerate(rows):
        left, y = 0.0, 15.0 * (len(rows) - n) - 8.0
        for kind, wide in row:
            centre: Point = (left + 9.0, y)
            samples.append(Mark(kind, *centre))
            x = left + SAMPLE + wide / 2
            labels.append(Label(MEANING[kind], x, y, wide, LINE * LABEL_SIZE, LABEL_SIZE, "legend"))
            left += SAMPLE + wide + BETWEEN
    return labels, samples


def title_of(name: str, net: Any, what: str) -> tuple[str, str]:
    """Return the two lines of a title: name and kind of picture, then the sizes."""
    n_in, n_out, count = net.n_in, net.n_out, net.n_parameters
    sizes = f"{n_in} input{'s'[: n_in > 1]} · {n_out} output{'s'[: n_out > 1]} · {count:,} parameters"
    learned = any(arrow.lag for arrow in net.arrows) and net.initial == "learned"
    return f"{name}, {what}", sizes + (" · learned initial values" if learned else "")
