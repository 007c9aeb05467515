"""Which boxes stand side by side: levels from the input upward, and the order within a level."""

from collections.abc import Sequence

from rnnbench.diagrams.bundles import Bundle


def levels_of(names: Sequence[str], bundles: Sequence[Bundle], beside: dict[str, str]) -> list[list[str]]:
    """Return the boxes of each level, the lowest first, each level from left to right.

    A box stands above every box that feeds it forward. One that nothing feeds forward (the memory of a Jordan
    network) stands one level below the lowest box that it feeds, beside the input of that box.

    Parameters
    ----------
    names : sequence of str
        All boxes, the input first.
    bundles : sequence of Bundle
        Those that lead forward have no cycle.
    beside : dict of str to str
        Boxes that stand on the level of another.
    """
    feeding = {name: [b.source for b in bundles if b.forward and b.target == name] for name in names}
    level: dict[str, int] = {}
    placed = [name for name in names if name not in beside]
    while len(level) < len(placed):
        for name in placed:
            if name not in level and all(source in level for source in feeding[name]):
                level[name] = 1 + max((level[source] for source in feeding[name]), default=-1)
    for name in placed[1:]:
        fed = [level[b.target] for b in bundles if b.forward and b.source == name]
        if not feeding[name] and fed:
            level[name] = max(0, min(fed) - 1)
    level |= {name: level[other] for name, other in beside.items()}
    found: list[list[str]] = [[] for _ in range(1 + max(level.values()))]
    for name in names:
        found[level[name]].append(name)
    return _ordered([row for row in found if row], bundles, beside)


def _ordered(rows: list[list[str]], bundles: Sequence[Bundle], beside: dict[str, str]) -> list[list[str]]:
    """Order each level by the mean place of what feeds it (Sugiyama's barycentre, one sweep)."""
    place: dict[str, float] = {}
    for row in rows:

        def mean(name: str) -> float:
            fed = beside.get(name, name)
            known = [place[b.source] for b in bundles if b.target == fed and b.forward and b.source in place]
            return sum(known) / len(known) if known else 0.0

        row.sort(key=mean)
        for n, name in enumerate(row):
            place[name] = n - (len(row) - 1) / 2
    return rows
