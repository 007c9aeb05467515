"""What lies on what in a diagram, found by sampling: knows nothing of how it was laid out."""

import itertools

import numpy as np

#: Distance between samples, in points.
STEP = 0.7


def samples(points):
    """Points along a line, dense."""
    found = []
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        n = max(2, int(np.hypot(x1 - x0, y1 - y0) / STEP))
        s = np.linspace(0.0, 1.0, n)[:, None]
        found.append((1 - s) * [[x0, y0]] + s * [[x1, y1]])
    return np.concatenate(found)


def inside(points, rect, by):
    """Whether any of the points lies deeper than `by` in the rectangle."""
    x, y = points.T
    return bool(
        np.any((x > rect.left + by) & (x < rect.right - by) & (y > rect.bottom + by) & (y < rect.top - by))
    )


def overlap(one, other):
    """Whether two rectangles share an area."""
    wide = min(one.right, other.right) - max(one.left, other.left)
    tall = min(one.top, other.top) - max(one.bottom, other.bottom)
    return wide > 1e-6 and tall > 1e-6


def faults(diagram):
    """Every violation as a sentence."""
    found = []
    named = [(f"box {node.name} {node.time}", node.rect) for node in diagram.nodes]
    named += [(f"label {label.text!r}", label.rect) for label in diagram.labels]
    for (name, rect), (other, second) in itertools.combinations(named, 2):
        if overlap(rect, second):
            found.append(f"{name} overlaps {other}")
    for name, rect in named:
        if rect.left < 0 or rect.bottom < 0 or rect.right > diagram.width or rect.top > diagram.height:
            found.append(f"{name} lies outside of the sheet")
    for route in diagram.routes:
        line = samples(route.points)
        name = f"arrow {diagram.nodes[route.source].name} -> {diagram.nodes[route.target].name} {route.lags}"
        if not (
            np.isfinite(line).all() and line.min() >= 0 and (line <= [diagram.width, diagram.height]).all()
        ):
            found.append(f"{name} lies outside of the sheet")
        for n, node in enumerate(diagram.nodes):
            if inside(line, node.rect, 0.3 if n in (route.source, route.target) else 0.0):
                found.append(f"{name} passes through box {node.name} {node.time}")
        for end, n in ((route.points[0], route.source), (route.points[-1], route.target)):
            if not on_border(end, diagram.nodes[n].rect):
                found.append(f"{name} does not meet box {diagram.nodes[n].name}")
    return found


def on_border(point, rect):
    """Whether a point lies on the outline of a rectangle."""
    x, y = point
    within = rect.left - 1e-6 <= x <= rect.right + 1e-6 and rect.bottom - 1e-6 <= y <= rect.top + 1e-6
    at_edge = min(abs(x - rect.left), abs(x - rect.right), abs(y - rect.bottom), abs(y - rect.top)) < 1e-6
    return within and at_edge


def crossed_labels(diagram):
    """Labels that an arrow passes through."""
    return [
        label.text
        for label in diagram.labels
        for route in diagram.routes
        if inside(samples(route.points), label.rect, 0.5)
    ]


def merged(diagram):
    """Pairs of arrows that run on one another for more than 6 points."""
    lines = [samples(route.points) for route in diagram.routes]
    found = []
    for (n, one), (m, other) in itertools.combinations(enumerate(lines), 2):
        near = np.abs(one[:, None] - other[None]).max(axis=2).min(axis=1) < 0.6
        if near.sum() * STEP > 8.0:
            found.append((diagram.routes[n], diagram.routes[m]))
    return found
