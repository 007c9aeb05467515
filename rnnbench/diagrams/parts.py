"""A network as the layouts see it: its boxes with their words, its bundles, its levels."""

from dataclasses import dataclass
from typing import Any

from rnnbench.diagrams.bundles import TARGET_NAME, Bundle, bundles_of, free_name, lag_text
from rnnbench.diagrams.levels import levels_of
from rnnbench.diagrams.text import shortened, text_width
from rnnbench.network.graph import INPUT_NAME

#: Sizes of letters in points: names in boxes, what stands below them, labels of arrows and the legend.
NAME_SIZE, DETAIL_SIZE, LABEL_SIZE, TITLE_SIZE = 11.0, 8.0, 8.0, 11.0
#: Longest name that is written out.
LONGEST = 16

LOOPS = ("closed", "open")


@dataclass(frozen=True)
class Parts:
    """What both layouts start from.

    Parameters
    ----------
    names : tuple of str
        All boxes: the input first, in an open loop the fed targets before the output.
    words : dict of str to tuple of str
        What is written in each box: its name and its size.
    kinds : dict of str to str
        The `Node.kind` of each.
    bundles : list of Bundle
        Their arrows.
    levels : list of list of str
        The boxes that stand side by side, from the input upward.
    learned : bool
        Whether values before and after the sequence are learned.
    """

    names: tuple[str, ...]
    words: dict[str, tuple[str, str]]
    kinds: dict[str, str]
    bundles: list[Bundle]
    levels: list[list[str]]
    learned: bool

    @property
    def box_width(self) -> float:
        """Width that fits the words of every box, in points."""
        widths = [
            max(1.1 * text_width(name, NAME_SIZE), text_width(detail, DETAIL_SIZE)) + 14
            for name, detail in self.words.values()
        ]
        return max(64.0, *widths)


def parts_of(net: Any, loop: str) -> Parts:
    """Read a network.

    Parameters
    ----------
    net : Structure
        Boxes, arrows, n_in, output, initial.
    loop : str
        "closed", or "open": arrows out of the output come from the targets.

    Raises
    ------
    ValueError
        Another loop.
    """
    if loop not in LOOPS:
        raise ValueError(f"loop={loop!r}: must be one of {', '.join(LOOPS)}")
    boxes = [box.name for box in net.boxes]
    bundles = bundles_of(boxes, net.arrows, net.output, loop)
    names = [INPUT_NAME, *boxes]
    words = {INPUT_NAME: (INPUT_NAME, f"{net.n_in} input{'s' if net.n_in > 1 else ''}")}
    words |= {box.name: (shortened(box.name, LONGEST), f"{box.size} {box.activation}") for box in net.boxes}
    kinds = {INPUT_NAME: "input"} | {box.name: _kind(box, net.output, bundles) for box in net.boxes}
    beside = {}
    target = free_name(TARGET_NAME, boxes)
    if any(b.source == target for b in bundles):
        names.insert(names.index(net.output), target)
        words[target] = (target, f"{net.n_out} target{'s'[: net.n_out > 1]}")
        kinds[target] = "target"
        beside[target] = net.output
    levels = levels_of(names, bundles, beside)
    return Parts(tuple(names), words, kinds, bundles, levels, net.initial == "learned")


def _kind(box: Any, output: str, bundles: list[Bundle]) -> str:
    if box.name == output:
        return "output"
    weights = [b.weight for b in bundles if b.target == box.name]
    return "memory" if weights and None not in weights and not box.bias else "layer"


def describe(net: Any, parts: Parts) -> str:
    """Return boxes and arrows in sentences, for readers who cannot see the picture."""
    boxes = ", ".join(f"{name} ({detail})" for name, detail in parts.words.values())
    lines = [f"Boxes, from the input upward: {boxes}."]
    for bundle in parts.bundles:
        line = f"Arrow from {bundle.source} to {bundle.target}"
        line += f" at {lag_text(bundle.lags)}" if bundle.delayed else ""
        line += "" if bundle.weight is None else f", fixed weight {bundle.weight:g}"
        gate = {0: "", 1: ", gradient cut"}.get(bundle.cut_every, f", gradient cut every {bundle.cut_every}")
        lines.append(line + gate + ".")
    lines.append(f"Values before the sequence are {'learned' if parts.learned else 'zero'}.")
    return " ".join(lines)
