"""Where closed gates are marked on the lines of an unfolded diagram: near the target, clear of others."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rnnbench.diagrams.lines import length, mark_at, place_at
from rnnbench.diagrams.shapes import Mark, Point

#: Distance of a mark from the end of its line at least, between two places that are tried, to other lines.
FROM_END, STEP, CLEAR = 15.0, 4.0, 8.0
#: Distance between two samples of a line.
GRAIN = 3.0


def cut_marks(lines: Sequence[Sequence[Point]], groups: Sequence[Sequence[int]]) -> dict[int, Mark]:
    """Return a mark for each line of the groups, at the same distance from the end in all lines of a group.

    Parameters
    ----------
    lines : sequence of sequence of (x, y)
        All lines of the picture.
    groups : sequence of sequence of int
        Places in `lines`: those of one arrow at the steps where its gate is closed.

    Returns
    -------
    dict of int to Mark
        By place in `lines`.
    """
    points = [_samples(line) for line in lines]
    everything = np.concatenate(points) if points else np.zeros((0, 2))
    owner = np.repeat(np.arange(len(points)), [len(one) for one in points])
    marks: dict[int, Mark] = {}
    for group in groups:
        whole = np.array([length(lines[n]) for n in group])
        back = np.arange(FROM_END, max(FROM_END, 0.75 * whole.min()) + STEP, STEP)
        # Not beyond the first quarter of a short line.
        along = np.maximum(whole[:, None] - back, 0.25 * whole[:, None])
        taken = np.array([(mark.x, mark.y) for mark in marks.values()]).reshape(-1, 2)
        room = np.min(
            [
                _room(lines[n], places, np.concatenate([everything[owner != n], taken]))
                for n, places in zip(group, along, strict=True)
            ],
            axis=0,
        )
        best = int(np.argmax(room > CLEAR)) if room.max() > CLEAR else int(np.argmax(room))
        marks |= {n: mark_at("cut", lines[n], float(at[best])) for n, at in zip(group, along, strict=True)}
    return marks


def _samples(line: Sequence[Point]) -> NDArray[np.float64]:
    found = [line[0]]
    for (x0, y0), (x1, y1) in itertools.pairwise(line):
        pieces = max(1, math.ceil(math.dist((x0, y0), (x1, y1)) / GRAIN))
        found += [(x0 + n / pieces * (x1 - x0), y0 + n / pieces * (y1 - y0)) for n in range(1, pieces + 1)]
    return np.array(found)


def _room(
    line: Sequence[Point], along: NDArray[np.float64], others: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the distance from each place on a line to the nearest of the other points, 3 CLEAR at most."""
    places = np.array([place_at(line, float(at))[:2] for at in along])
    reach = 3 * CLEAR
    near = others[
        np.all((others > places.min(axis=0) - reach) & (others < places.max(axis=0) + reach), axis=1)
    ]
    if not len(near):
        return np.full(len(places), reach)
    apart: NDArray[np.float64] = np.hypot(*np.moveaxis(places[:, None] - near[None], 2, 0)).min(axis=1)
    return np.minimum(apart, reach)
