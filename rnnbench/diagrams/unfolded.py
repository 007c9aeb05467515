"""The unfolded diagram: a column of boxes for every step, all columns alike.

Every box has a height of its own, so that its arrow to the next step is a straight horizontal line. An arrow
takes the plainest of its forms that meets no foreign box; the last form, through the gaps between columns and
levels, meets none.
"""

from collections.abc import Iterator
from typing import Any

from rnnbench.diagrams.bundles import lag_text
from rnnbench.diagrams.columns import Columns, Strand, strands_of
from rnnbench.diagrams.frame import framed, title_of
from rnnbench.diagrams.gates import cut_marks
from rnnbench.diagrams.lines import hits
from rnnbench.diagrams.parts import LABEL_SIZE, NAME_SIZE, Parts, describe, parts_of
from rnnbench.diagrams.shapes import Diagram, Label, Route
from rnnbench.diagrams.strands import points_of
from rnnbench.diagrams.text import LINE, text_width
from rnnbench.network.graph import INPUT_NAME

#: Kept free around boxes that an arrow passes.
CLEARANCE = 3.5
MOST_STEPS = 40
#: How much higher channels are made, at most, to keep arrows straight.
MOST_STRETCH = 2.0
ELLIPSIS = "…"


def unfolded(net: Any, name: str = "network", *, steps: int = 5, loop: str = "closed") -> Diagram:
    """Return the unfolded diagram of a network.

    Parameters
    ----------
    net : Network
        What is drawn.
    name : str
        Its name in the title.
    steps : int
        Columns, 1 to 40: the length of the sequence that is drawn.
    loop : str
        "open" draws the targets as the source of what is fed back from the output.

    Returns
    -------
    Diagram
        Nodes with times, those before and after the sequence included; a route per arrow and step. Of long
        delay lines the first lags are drawn and the others named in a note.

    Raises
    ------
    ValueError
        Steps out of range, or another loop.
    """
    if isinstance(steps, bool) or not hasattr(steps, "__index__") or not 1 <= steps <= MOST_STEPS:
        raise ValueError(f"steps={steps!r}: must be a whole number from 1 to {MOST_STEPS}")
    parts = parts_of(net, loop)
    strands = strands_of(parts, steps)
    columns = _arranged(parts, strands, steps)
    places = {(node.name, node.time): n for n, node in enumerate(columns.nodes)}
    arrows = [(strand, time, points) for strand in strands for time, points in _lines(columns, strand)]
    closed = [
        [n for n, (s, time, _) in enumerate(arrows) if s is strand and s.bundle.cut_at(s.lag, time, steps)]
        for strand in strands
    ]
    gates = cut_marks([points for _, _, points in arrows], [group for group in closed if group])
    routes = [
        Route(
            places[strand.bundle.source, time - strand.lag],
            places[strand.bundle.target, time],
            tuple(points),
            (strand.lag,),
            smooth=strand.form == "arc",
            fixed=strand.bundle.weight is not None,
            marks=(gates[n],) if n in gates else (),
        )
        for n, (strand, time, points) in enumerate(arrows)
    ]
    kinds = {node.kind for node in columns.nodes}
    marks = ["cut"] if any(route.marks for route in routes) else []
    marks += ["fixed"] if any(strand.bundle.weight is not None for strand in strands) else []
    marks += [kind for kind in ("target", "learned", "zero") if kind in kinds]
    what = f"unfolded over {steps} step{'s'[: steps > 1]}"
    return framed(
        title_of(name, net, what + ", open loop" if "target" in parts.kinds.values() else what),
        f"{describe(net, parts)} Drawn for the steps 0 to {steps - 1}.",
        columns.nodes,
        routes,
        [*_step_labels(columns), *_ellipses(columns, parts, strands)],
        marks,
        _not_drawn(parts, strands),
    )


def _arranged(parts: Parts, strands: list[Strand], steps: int) -> Columns:
    """Place the columns; strands that meet a foreign box take their next form until none does.

    Where slanted lines of long lags do, the channels are first made higher.
    """
    stretch = 1.0
    while True:
        columns = Columns(parts, strands, steps, stretch)
        wrong = [strand for strand in strands if strand.further and _meets_a_box(columns, strand)]
        if not wrong:
            return columns
        flat = [strand for strand in wrong if columns.is_flat(strand)]
        higher = bool(flat) and stretch < MOST_STRETCH
        for strand in wrong:
            if not (higher and strand in flat):
                strand.forms = strand.forms[1:]
        stretch = stretch + 0.5 if higher else 1.0 if flat else stretch


def _meets_a_box(columns: Columns, strand: Strand) -> bool:
    grown = [((node.name, node.time), node.rect.grown(CLEARANCE)) for node in columns.nodes]
    for time, points in _lines(columns, strand):
        own = {(strand.bundle.source, time - strand.lag), (strand.bundle.target, time)}
        if hits(points, [rect for place, rect in grown if place not in own]):
            return True
    return False


def _lines(columns: Columns, strand: Strand) -> Iterator[tuple[int, list[tuple[float, float]]]]:
    """Yield the step at which an arrow arrives, and its line, for every step."""
    for time in range(columns.steps):
        source = columns.at.get((strand.bundle.source, time - strand.lag))
        if source is not None:
            yield time, points_of(columns, strand, source, columns.at[strand.bundle.target, time])


def _step_labels(columns: Columns) -> list[Label]:
    """Name the steps below the columns."""
    lowest = min(node.rect.bottom for node in columns.nodes)
    labels = []
    for time in range(columns.steps):
        text = f"t = {time}"
        wide = text_width(text, LABEL_SIZE)
        x = columns.at[INPUT_NAME, time].x
        labels.append(Label(text, x, lowest - 13.0, wide, LINE * LABEL_SIZE, LABEL_SIZE))
    return labels


def _ellipses(columns: Columns, parts: Parts, strands: list[Strand]) -> list[Label]:
    """Put dots where the values of a longer past, or future, would follow."""
    drawn = {(strand.bundle, strand.lag) for strand in strands}
    left_out = [(b.source, lag) for b in parts.bundles for lag in b.lags if (b, lag) not in drawn]
    wide = text_width(ELLIPSIS, NAME_SIZE)
    labels = []
    for name, sign in sorted({(name, 1 if lag > 0 else -1) for name, lag in left_out}):
        row = [node.rect for node in columns.nodes if node.name == name]
        edge = min(r.left for r in row) - 8.0 if sign > 0 else max(r.right for r in row) + 8.0
        x = edge - sign * wide / 2
        labels.append(Label(ELLIPSIS, x, columns.y[name], wide, LINE * NAME_SIZE, NAME_SIZE))
    return labels


def _not_drawn(parts: Parts, strands: list[Strand]) -> list[str]:
    """Name the bundles of which not every lag is drawn."""
    notes = []
    for bundle in parts.bundles:
        drawn = [strand.lag for strand in strands if strand.bundle == bundle]
        if len(drawn) < len(bundle.lags):
            shown = lag_text(drawn) if drawn else "none"
            notes.append(
                f"{bundle.source} → {bundle.target} reads {lag_text(bundle.lags)}; drawn: {shown or 't'}"
            )
    return notes
