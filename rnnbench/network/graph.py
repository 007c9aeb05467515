"""What can be read off boxes and arrows before any number is touched: refusals, components, facts."""

import math
from collections.abc import Iterable, Iterator, Sequence
from numbers import Real

from rnnbench.network.description import ACTIVATIONS, Arrow, Box

INPUT_NAME = "x"


def _whole(value: object) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, bool)


def check(boxes: Sequence[Box], arrows: Sequence[Arrow], n_in: int, output: str, initial: str) -> None:
    """Refuse a description that is not a network.

    Raises
    ------
    ValueError
        Naming the box or arrow and the reason.
    """
    if not _whole(n_in) or n_in < 1:
        raise ValueError(f"n_in={n_in!r}: must be a whole number of at least 1")
    if initial not in ("zero", "learned"):
        raise ValueError(f"initial={initial!r}: must be 'zero' or 'learned'")
    given: list[tuple[type, object]] = [*((Box, box) for box in boxes), *((Arrow, arrow) for arrow in arrows)]
    for kind, one in given:
        if not isinstance(one, kind):
            raise ValueError(f"{one!r}: must be a rnnbench.{kind.__name__}")
    sizes: dict[str, int] = {}
    for box in boxes:
        _check_box(box, sizes)
        sizes[box.name] = box.size
    if output not in sizes:
        raise ValueError(
            f"output={output!r}: there is no such box; the boxes are {', '.join(sizes) or 'none'}"
        )
    seen: set[tuple[str, str, int]] = set()
    for arrow in arrows:
        _check_arrow(arrow, {INPUT_NAME: n_in, **sizes}, seen)
        seen.add((arrow.source, arrow.target, arrow.lag))
    _check_cycles(list(sizes), arrows)


def _check_box(box: Box, sizes: dict[str, int]) -> None:
    if not isinstance(box.name, str) or not box.name.isidentifier():
        raise ValueError(f"box name {box.name!r}: must be an identifier (letters, digits, _)")
    if box.name == INPUT_NAME:
        raise ValueError(f"box name {box.name!r}: reserved for the input, which is not declared")
    if box.name in sizes:
        raise ValueError(f"box name {box.name!r}: declared twice")
    if not _whole(box.size) or box.size < 1:
        raise ValueError(f"box {box.name}: size={box.size!r} must be a whole number of at least 1")
    if not isinstance(box.bias, bool):
        raise ValueError(f"box {box.name}: bias={box.bias!r} must be True or False")
    if box.activation not in ACTIVATIONS:
        raise ValueError(
            f"box {box.name}: activation={box.activation!r} must be one of {', '.join(ACTIVATIONS)}"
        )


def _check_arrow(arrow: Arrow, sizes: dict[str, int], seen: set[tuple[str, str, int]]) -> None:
    name = f"arrow {arrow.source}->{arrow.target}"
    if arrow.source not in sizes:
        raise ValueError(f"{name}: unknown source {arrow.source!r}; known are {', '.join(sizes)}")
    if arrow.target == INPUT_NAME or arrow.target not in sizes:
        known = ", ".join(s for s in sizes if s != INPUT_NAME)
        raise ValueError(f"{name}: unknown target {arrow.target!r}; known are {known}")
    if not _whole(arrow.lag):
        raise ValueError(f"{name}: lag={arrow.lag!r} must be a whole number")
    name = f"arrow {arrow.name}"
    if not _whole(arrow.cut_every) or arrow.cut_every < 0:
        raise ValueError(f"{name}: cut_every={arrow.cut_every!r} must be a whole number of at least 0")
    if arrow.cut_every > 1 and arrow.lag == 0:
        raise ValueError(
            f"{name}: cut_every={arrow.cut_every} needs a lag: at lag 0 no border between chunks is crossed"
        )
    if (arrow.source, arrow.target, arrow.lag) in seen:
        raise ValueError(f"{name}: declared twice; two arrows with the same source, target and lag are one")
    if arrow.learned:
        if arrow.weight != "learned":
            raise ValueError(f"{name}: weight={arrow.weight!r} must be LEARNED or a number")
    elif (
        isinstance(arrow.weight, bool)
        or not isinstance(arrow.weight, Real)
        or not math.isfinite(arrow.weight)
    ):
        raise ValueError(f"{name}: weight={arrow.weight!r} must be LEARNED or a finite number")
    elif sizes[arrow.source] != sizes[arrow.target]:
        raise ValueError(
            f"{name}: a fixed weight is a multiple of the identity and needs equal sizes, "
            f"not {sizes[arrow.source]} and {sizes[arrow.target]}"
        )


def _check_cycles(names: list[str], arrows: Sequence[Arrow]) -> None:
    for component in components(names, arrows):
        inner = inner_arrows(component, arrows)
        if not inner:
            continue
        walk = _cycle_of_zero_lag(component, inner)
        if walk:
            raise ValueError(f"cycle {' -> '.join(walk)}: its lags sum to 0, so there is no causal order")
        lags = [arrow.lag for arrow in inner]
        if min(lags) < 0 < max(lags):
            raise ValueError(
                f"boxes {', '.join(component)}: their inner arrows have lags of both signs; not supported"
            )


def _cycle_of_zero_lag(component: Sequence[str], inner: Sequence[Arrow]) -> list[str]:
    """Return the boxes of a cycle whose lags sum to 0, or []. Simple cycles are walked depth first."""
    lags = [arrow.lag for arrow in inner]
    # With one sign of lags only arrows of lag 0 can sum to 0: a search that needs no sums.
    candidates = list(inner) if min(lags) < 0 < max(lags) else [a for a in inner if a.lag == 0]
    leaving = {name: [a for a in candidates if a.source == name] for name in component}

    def walk(start: str, path: list[str], total: int) -> list[str]:
        for arrow in leaving[path[-1]]:
            if arrow.target == start and total + arrow.lag == 0:
                return [*path, start]
            if arrow.target not in path and component.index(arrow.target) > component.index(start):
                found = walk(start, [*path, arrow.target], total + arrow.lag)
                if found:
                    return found
        return []

    return next((found for name in component if (found := walk(name, [name], 0))), [])


def components(names: Sequence[str], arrows: Iterable[Arrow]) -> list[list[str]]:
    """Return the strongly connected components in topological order (Tarjan 1972), boxes as declared."""
    successors: dict[str, list[str]] = {name: [] for name in names}
    for arrow in arrows:
        if arrow.source in successors:
            successors[arrow.source].append(arrow.target)
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> Iterator[str]:
        index[name] = low[name] = len(index)
        stack.append(name)
        for successor in successors[name]:
            if successor not in index:
                yield successor
                low[name] = min(low[name], low[successor])
            elif successor in stack:
                low[name] = min(low[name], index[successor])
        if low[name] == index[name]:
            cut = stack.index(name)
            found.append(sorted(stack[cut:], key=list(names).index))
            del stack[cut:]

    # Depth first without recursion, so that a chain of a thousand boxes is no problem.
    for root in reversed(names):
        pending = [visit(root)] if root not in index else []
        while pending:
            deeper = next(pending[-1], None)
            if deeper is None:
                pending.pop()
            else:
                pending.append(visit(deeper))
    return found[::-1]


def inner_arrows(component: Sequence[str], arrows: Iterable[Arrow]) -> list[Arrow]:
    """Return the arrows with both ends in the component."""
    return [a for a in arrows if a.source in component and a.target in component]


def inside_cycles(names: Sequence[str], arrows: Sequence[Arrow]) -> set[Arrow]:
    """Return the arrows that lie inside a cycle."""
    return {a for component in components(names, arrows) for a in inner_arrows(component, arrows)}


def receptive_field(names: Sequence[str], arrows: Sequence[Arrow], output: str) -> float:
    """Return the largest distance in time over which x reaches the output (0: it does not), or infinity."""
    alive = [a for a in arrows if a.weight != 0]
    reached = {INPUT_NAME}
    for _ in names:
        reached |= {a.target for a in alive if a.source in reached}
    useful = {output}
    for _ in names:
        useful |= {a.source for a in alive if a.target in useful}
    between = reached & useful
    alive = [a for a in alive if a.source in between and a.target in between]
    span: dict[str, tuple[int, int]] = {INPUT_NAME: (0, 0)}
    for component in components([n for n in names if n in between], alive):
        if inner_arrows(component, alive):
            return math.inf
        incoming = [a for a in alive if a.target == component[0]]
        span[component[0]] = (
            min(span[a.source][0] + a.lag for a in incoming),
            max(span[a.source][1] + a.lag for a in incoming),
        )
    return max(map(abs, span.get(output, (0, 0))))


def future_reader(arrows: Iterable[Arrow]) -> str:
    """Return which box reads the future through which arrow, in words, or "" where none does."""
    ahead = next((arrow for arrow in arrows if arrow.lag < 0), None)
    return "" if ahead is None else f"box {ahead.target} reads the future (arrow {ahead.name})"


def true_recurrence(names: Sequence[str], arrows: Sequence[Arrow]) -> bool:
    """Whether there is a learned cycle that the gradient can go round."""
    # A gate on chunks of K steps is always closed to a lag of K or more.
    passing = [a for a in arrows if a.weight != 0 and (a.cut_every == 0 or abs(a.lag) < a.cut_every > 1)]
    return any(arrow.learned for arrow in inside_cycles(names, passing))
