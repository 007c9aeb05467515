"""A network as text."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnbench.network.structure import Structure


def _gate(cut_every: int) -> str:
    return {0: "open", 1: "blocked"}.get(cut_every, f"cut every {cut_every}")


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def summary(net: "Structure") -> str:
    """Return a table of boxes, a table of arrows, and the facts, as plain text."""
    boxes = [("box", "units", "activation", "bias")]
    boxes += [(b.name, str(b.size), b.activation, "yes" if b.bias else "no") for b in net.boxes]
    arrows = [("arrow", "lag", "gradient", "weights")]
    sizes = {"x": net.n_in, **{b.name: b.size for b in net.boxes}}
    for a in net.arrows:
        weights = f"{sizes[a.source]} x {sizes[a.target]}" if a.learned else f"fixed {a.weight:g}"
        arrows.append((a.name, str(a.lag), _gate(a.cut_every), weights))
    reach = "infinite" if math.isinf(net.receptive_field) else f"{net.receptive_field} steps"
    facts = [
        f"inputs {net.n_in}, outputs {net.n_out} (box {net.output}), initial values {net.initial}",
        f"parameters {net.n_parameters:,}, multiply-accumulates per step {net.macs_per_step:,}",
        f"receptive field {reach}, causal {'yes' if net.causal else 'no'}, "
        f"true recurrence {'yes' if net.true_recurrence else 'no'}",
    ]
    return "\n".join([*_table(boxes), "", *_table(arrows), "", *facts])
