"""A network's equations and its parameter count as a formula, read off boxes and arrows.

Texts are plain Unicode; what is to be set lower stands in ``_{...}``.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rnnbench.network.description import Arrow, Box
from rnnbench.network.graph import INPUT_NAME
from rnnbench.network.parameters import slots

if TYPE_CHECKING:
    from rnnbench.network.structure import Structure

#: So many neighbouring lags are written as a sum.
LONGEST_WRITTEN = 3


def equations(net: "Structure") -> list[str]:
    """Return one equation for each box, then the values outside the sequence.

    Parameters
    ----------
    net : Network
        Any network.

    Returns
    -------
    list of str
        Such as ``"h_{t} = tanh(x_{t} W_{xh} + h_{t−1} W_{hh} + b_{h})"``. ``const(...)`` is a constant to
        the gradient, ``const_{K}(...)`` one wherever the arrow crosses a border between chunks of K steps;
        T is the number of steps.
    """
    lines = [_of_box(net, box) for box in net.boxes]
    outside = [row for box in net.boxes for row in _outside(net, box.name)]
    value = "learned" if net.initial == "learned" else "0"
    return lines + ([f"{', '.join(outside)} = {value}"] if outside else [])


def _of_box(net: "Structure", box: Box) -> str:
    terms = []
    incoming = [arrow for arrow in net.arrows if arrow.target == box.name]
    for source in dict.fromkeys(arrow.source for arrow in incoming):
        terms += _from_source([arrow for arrow in incoming if arrow.source == source])
    if box.bias:
        terms.append(f"b_{{{box.name}}}")
    text = " + ".join(terms).replace("+ −", "− ") or "0"
    value = text if box.activation == "linear" else f"{box.activation}({text})"
    return f"{box.name}_{{t}} = {value}"


def _from_source(arrows: Sequence[Arrow]) -> list[str]:
    """Return the terms of all arrows between two boxes; runs of neighbouring lags become sums."""
    ascending = sorted(arrows, key=lambda arrow: arrow.lag)
    runs: list[list[Arrow]] = []
    for arrow in ascending:
        last = runs[-1][-1] if runs else None
        alike = last is not None and (last.lag + 1, last.cut_every, last.weight) == (
            arrow.lag, arrow.cut_every, arrow.weight,
        )  # fmt: skip
        if alike:
            runs[-1].append(arrow)
        else:
            runs.append([arrow])
    terms = []
    for run in runs:
        if len(run) > LONGEST_WRITTEN:
            name = _gated(f"{run[0].source}_{{t−k}}", run[0].cut_every)
            several = f"Σ_{{k={run[0].lag}…{run[-1].lag}}} {name}"
            terms.append(_weighted(several, run[0], "k"))
        else:
            terms += [_term(arrow, len(arrows) > 1) for arrow in run]
    return terms


def _term(arrow: Arrow, several: bool) -> str:
    value = _gated(f"{arrow.source}_{{{_time(arrow.lag)}}}", arrow.cut_every)
    return _weighted(value, arrow, str(arrow.lag) if several else "")


def _time(lag: int) -> str:
    return "t" if lag == 0 else f"t−{lag}" if lag > 0 else f"t+{-lag}"


def _gated(text: str, cut_every: int) -> str:
    return (
        text if cut_every == 0 else f"const({text})" if cut_every == 1 else f"const_{{{cut_every}}}({text})"
    )


def _weighted(text: str, arrow: Arrow, index: str) -> str:
    if not arrow.learned:
        weight = float(arrow.weight)
        sign = "−" if weight < 0 else ""
        return f"{sign}{text}" if abs(weight) == 1 else f"{sign}{abs(weight):g} {text}"
    ends = (arrow.source, arrow.target)
    name = "".join(ends) if max(map(len, ends)) == 1 else "→".join(ends)
    return f"{text} W_{{{name}{', ' + index if index else ''}}}"


def _outside(net: "Structure", name: str) -> list[str]:
    before, after = slots(name, net.arrows)
    rows = [f"{name}_{{−{k + 1}}}" for k in range(before)]
    rows += [f"{name}_{{T{'' if k == 0 else f'+{k}'}}}" for k in range(after)]
    if len(rows) > LONGEST_WRITTEN:
        rows = [rows[0], "…", rows[-1]]
    return rows


def parameter_formula(net: "Structure", symbols: Mapping[str, str]) -> str:
    """Return the number of parameters as a sum of products of sizes, such as ``"I·H + H² + H + H·O + O"``.

    Parameters
    ----------
    net : Network
        Any network.
    symbols : mapping
        How the size of a box, or of "x", is called; sizes without a name are written as numbers.
    """
    sizes = {INPUT_NAME: net.n_in} | {box.name: box.size for box in net.boxes}

    def size(name: str) -> str:
        return symbols.get(name, str(sizes[name]))

    counts: dict[str, int] = {}
    for box in net.boxes:
        own = [
            _product(size(a.source), size(box.name)) for a in net.arrows if a.target == box.name and a.learned
        ]
        own += [size(box.name)] if box.bias else []
        if net.initial == "learned":
            own += [size(box.name)] * sum(slots(box.name, net.arrows))
        for term in own:
            counts[term] = counts.get(term, 0) + 1
    return " + ".join(term if n == 1 else f"{n} {term}" for term, n in counts.items()) or "0"


def _product(left: str, right: str) -> str:
    if left == right and left.isalpha():
        return f"{left}²"
    ordered = sorted((left, right), key=lambda name: "I H O".find(name) if name.isalpha() else -1)
    return "·".join(ordered)
