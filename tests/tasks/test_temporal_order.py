"""Temporal order: Hochreiter & Schmidhuber's experiment 6a."""

import math

import numpy as np
import pytest

from rnnbench.tasks.linear import least_squares
from rnnbench.tasks.temporal_order import SYMBOLS, TemporalOrder


def draw(length=100, size=20_000, seed=0):
    task = TemporalOrder(length=length)
    return task, task.training(np.random.default_rng(seed), size)


@pytest.mark.parametrize(
    ("length", "lengths", "early", "late"),
    [
        (100, range(100, 111), range(10, 21), range(50, 61)),
        (30, range(30, 34), range(3, 7), range(15, 19)),
        (10, range(10, 12), range(1, 3), range(5, 7)),
    ],
)
def test_where_symbols_stand(length, lengths, early, late):
    _, batch = draw(length)
    columns = np.arange(batch.x.shape[1])
    last = batch.lengths - 1
    assert set(np.unique(batch.lengths)) == set(lengths)
    assert (batch.x[0] == SYMBOLS.index("E")).all() and (batch.x[last, columns] == SYMBOLS.index("B")).all()
    special = batch.x >= SYMBOLS.index("X")
    assert (special.sum(axis=0) == 2).all()
    first = special.argmax(axis=0)
    second = len(special) - 1 - special[::-1].argmax(axis=0)
    assert set(np.unique(first)) == set(early) and set(np.unique(second)) == set(late)
    order = 2 * (batch.x[first, columns] == 7) + (batch.x[second, columns] == 7)
    assert np.array_equal(order, batch.target[last, columns]), "XX, XY, YX, YY"
    inside = np.arange(len(special))[:, None] < last
    inside[0] = False
    others = batch.x[inside & ~special]
    assert set(np.unique(others)) == {2, 3, 4, 5}
    assert np.bincount(others)[2:] / len(others) == pytest.approx([0.25] * 4, abs=0.01)


def test_classes_are_equally_likely_and_scored_at_the_end():
    _, batch = draw()
    last = batch.lengths - 1
    assert np.array_equal(np.argmax(batch.weight, axis=0), last) and (batch.weight.sum(axis=0) == 1).all()
    labels = batch.target[last, np.arange(len(last))]
    assert np.bincount(labels) / len(labels) == pytest.approx([0.25] * 4, abs=0.012)


def test_correct_means_that_all_four_outputs_are_near():
    task, batch = draw(size=1)
    y = np.zeros((*batch.weight.shape, 4))
    label, end = batch.target[batch.lengths[0] - 1, 0], batch.lengths[0] - 1
    for top, correct in ((0.71, 1.0), (0.69, 0.0)):
        y[end, 0] = (1 - top) / 3
        y[end, 0, label] = top
        assert task.score(y, batch) == 1.0
        assert task.share_correct(y, batch) == correct and task.solved(y, batch) is bool(correct)
    y[end, 0] = 0.0
    y[end, 0, label], y[end, 0, (label + 1) % 4] = 0.69, 0.31
    assert task.share_correct(y, batch) == 0.0


def test_a_linear_model_of_all_steps_separates_the_classes():
    task, batch = draw(length=10, size=4000)
    one_hot = np.eye(8)[batch.x].transpose(1, 0, 2).reshape(4000, -1)
    labels = batch.target[batch.lengths - 1, np.arange(4000)]
    design = np.concatenate([np.ones((4000, 1)), one_hot], axis=1)
    fit = design[2000:] @ least_squares(design[:2000], np.eye(4)[labels[:2000]])
    assert (fit.argmax(axis=1) == labels[2000:]).all()
    counts = np.stack([(batch.x == 6).sum(axis=0), (batch.x == 7).sum(axis=0)])
    bag = np.where(counts[0] == 2, 0, np.where(counts[1] == 2, 3, 1))
    floors = {f.name: f for f in task.floors(np.random.default_rng(0))}
    assert (bag == labels).mean() == pytest.approx(floors["both symbols, order lost"].score, abs=0.02)
    assert floors["linear model of all steps"].score == 1.0
    assert floors["chance"].loss == math.log(4)


def test_too_short_is_refused():
    with pytest.raises(ValueError, match=r"^task\.length=9: must be a whole number of at least 10$"):
        TemporalOrder(length=9)
