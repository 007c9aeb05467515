"""The folded diagram: every box once, recurrence as loops with delays.

Levels lie above one another. An arrow to the next level is straight. A loop runs beside its box. Every other
arrow leaves its box at the side, or through a track between two levels where a neighbour is in the way,
follows a lane outside of everything it passes, and enters the same way: no line can meet a foreign box.
"""

from typing import Any

from rnnbench.diagrams.frame import framed, title_of
from rnnbench.diagrams.parts import describe, parts_of
from rnnbench.diagrams.places import Layout, place_across, place_upward, ports_on_top, sort_bundles
from rnnbench.diagrams.shapes import Diagram
from rnnbench.diagrams.wires import draw_arches, draw_lanes, draw_straight


def folded(net: Any, name: str = "network", *, loop: str = "closed") -> Diagram:
    """Return the folded diagram of a network.

    Parameters
    ----------
    net : Network
        What is drawn.
    name : str
        Its name in the title.
    loop : str
        "open" draws the targets as the source of what is fed back from the output.

    Returns
    -------
    Diagram
        Nodes without times; a route per bundle of lags.

    Raises
    ------
    ValueError
        Another loop.
    """
    parts = parts_of(net, loop)
    layout = Layout(parts, parts.box_width)
    for row, names in enumerate(parts.levels):
        layout.row |= dict.fromkeys(names, row)
        layout.rank |= {name: rank for rank, name in enumerate(names)}
    place_across(layout)
    sort_bundles(layout)
    ports_on_top(layout)
    place_upward(layout)
    draw_straight(layout)
    draw_arches(layout)
    draw_lanes(layout)
    nodes = [layout.nodes[n] for n in parts.names]
    what = "folded, open loop" if "target" in parts.kinds.values() else "folded"
    marks = [kind for kind in ("delay", "cut") if any(m.kind == kind for r in layout.routes for m in r.marks)]
    marks += ["fixed"] if any(b.weight is not None for b in parts.bundles) else []
    marks += ["target"] if "target" in parts.kinds.values() else []
    return framed(title_of(name, net, what), describe(net, parts), nodes, layout.routes, layout.labels, marks)
