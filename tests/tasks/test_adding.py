"""The adding problem: five definitions and the numbers of the papers."""

import numpy as np
import pytest

from rnnbench.tasks.adding import VARIANTS, Adding
from rnnbench.tasks.contract import mean_loss
from rnnbench.tasks.linear import least_squares


def draw(variant, length=100, size=12_000, seed=3):
    task = Adding(length=length, variant=variant)
    return task, task.training(np.random.default_rng(seed), size)


def marks(task, batch):
    """Value (T, B), marker (T, B) and the last step (B,) of a batch."""
    channel = VARIANTS[task.variant].value_channel
    steps, size = batch.weight.shape
    last = np.full(size, steps - 1) if batch.lengths is None else batch.lengths - 1
    return batch.x[:, :, channel], batch.x[:, :, 1 - channel], last


def predicting(batch, value):
    return np.full((*batch.weight.shape, 1), value)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_target_is_asked_for_at_the_last_step_only(variant):
    task, batch = draw(variant, size=500)
    value, marker, last = marks(task, batch)
    assert np.array_equal(np.argmax(batch.weight, axis=0), last) and (batch.weight.sum(axis=0) == 1.0).all()
    paper = VARIANTS[variant]
    total = np.where(marker == 1.0, value, 0.0).sum(axis=0)
    asked = batch.target[last, np.arange(500), 0]
    assert asked == pytest.approx(paper.shift + paper.scale * total, abs=1e-6)
    assert value.min() >= paper.low and value.max() < 1.0


def test_arjovsky_marks_one_step_in_each_half():
    task, batch = draw("arjovsky2016", length=21, size=5000)
    _, marker, _ = marks(task, batch)
    assert (marker[:10].sum(axis=0) == 1.0).all() and (marker[10:].sum(axis=0) == 1.0).all()
    assert marker.mean(axis=1) == pytest.approx([1 / 10] * 10 + [1 / 11] * 11, abs=0.02)
    assert batch.lengths is None and batch.x.shape == (21, 5000, 2)


def test_bai_marks_any_two_different_steps():
    task, batch = draw("bai2018", length=10, size=20_000)
    _, marker, _ = marks(task, batch)
    assert (marker.sum(axis=0) == 2.0).all()
    assert marker.mean(axis=1) == pytest.approx([0.2] * 10, abs=0.015)
    first, second = np.sort(np.argsort(-marker, axis=0, kind="stable")[:2], axis=0)
    pairs = np.bincount(first * 10 + second, minlength=100)
    assert (pairs > 0).sum() == 45 and pairs[pairs > 0].min() > 20_000 / 45 * 0.8


def test_hochreiter_marks_ends_and_draws_lengths():
    task, batch = draw("hochreiter1997")
    value, marker, last = marks(task, batch)
    columns = np.arange(len(last))
    assert set(np.unique(batch.lengths)) == set(range(100, 111)) and batch.x.shape[0] == 110
    assert (marker[0] == -1.0).all() and (marker[last, columns] == -1.0).all()
    marked = (marker == 1.0).sum(axis=0)
    assert set(np.unique(marked)) == {1, 2}
    assert (value[0, marked == 1] == 0.0).all(), "the first step was chosen: X1 = 0"
    assert (marked == 1).mean() == pytest.approx(0.1 + 0.9 / 49, abs=0.005)
    assert not (marker[50:] == 1.0).any() and (marker[49] == 1.0).any(), "first T/2 - 1 steps still unmarked"
    assert value.min() < -0.99


@pytest.mark.parametrize("variant", ["sutskever2013", "pascanu2013"])
def test_the_first_mark_lies_in_the_first_tenth_the_second_before_the_half(variant):
    task, batch = draw(variant, size=3000)
    assert not np.isin(batch.x[:, :, 0 if variant == "sutskever2013" else 1], [0.0, 1.0]).all(), "values"
    _, marker, last = marks(task, batch)
    assert np.isin(marker, [0.0, 1.0]).all()
    length = last + 1
    first, second = np.sort(np.argsort(-marker, axis=0, kind="stable")[:2], axis=0)
    assert (first < length // 10).all() and (second >= length // 10).all() and (second < length // 2).all()
    lengths = set(np.unique(length))
    if variant == "sutskever2013":
        assert lengths == set(range(100, 111))
    else:
        assert len(lengths) == 1
        drawn = {int(draw(variant, size=1, seed=seed)[1].lengths[0]) for seed in range(200)}
        assert drawn == set(range(100, 110))


@pytest.mark.parametrize(
    ("variant", "mse", "correct"),
    [
        ("arjovsky2016", 1 / 6, 0.078),
        ("bai2018", 1 / 6, 0.078),
        ("sutskever2013", 1 / 24, 0.154),
        ("pascanu2013", 1 / 24, 0.639),
    ],
)
def test_the_constant_gets_what_the_papers_table_says(variant, mse, correct):
    task, batch = draw(variant)
    y = predicting(batch, 1.0 if VARIANTS[variant].scale == 1.0 else 0.5)
    assert mean_loss(y, batch, "mse") == pytest.approx(mse, rel=0.02)
    assert task.share_correct(y, batch) == pytest.approx(correct, abs=0.006)
    assert task.floors(None)[0].loss == pytest.approx(mse, rel=1e-12)
    assert not task.solved(y, batch)


def test_hochreiters_constant_with_and_without_the_rule_of_the_first_step():
    task, batch = draw("hochreiter1997")
    y = predicting(batch, 0.5)
    assert task.share_correct(y, batch) == pytest.approx(0.154, abs=0.006)
    ordinary = batch._replace(weight=batch.weight * ((marks(task, batch)[1] == 1.0).sum(axis=0) == 2))
    assert mean_loss(y, ordinary, "mse") == pytest.approx(1 / 24, rel=0.02)
    first_is_marked = 0.1 + 0.9 / 49
    assert task.floors(None)[0].loss == pytest.approx((2 - first_is_marked) / 48)
    assert mean_loss(y, batch, "mse") == pytest.approx((2 - first_is_marked) / 48, rel=0.02)


@pytest.mark.parametrize("variant", VARIANTS)
def test_floors_are_what_least_squares_and_half_a_memory_reach(variant):
    paper = VARIANTS[variant]
    mean = (1.0 + paper.low) / 2
    linear, half = {}, {}
    draws = [draw(variant, length=20, size=2000, seed=seed) for seed in range(12)]
    for length in Adding(length=20, variant=variant)._possible_lengths():
        xs, wanted, guesses = [], [], []
        for task, batch in draws:
            value, marker, last = marks(task, batch)
            here = np.flatnonzero(last + 1 == length)
            value, marker = value[:length, here].astype(np.float64), marker[:length, here]
            xs.append(np.concatenate([np.ones((1, len(here))), value, marker]).T)
            wanted.append(batch.target[length - 1, here, 0])
            seen = np.where(marker == 1.0, value - mean, 0.0)[length - length // 2 :].sum(axis=0)
            guesses.append(paper.shift + paper.scale * (2 * mean + seen))
        design, target = np.concatenate(xs), np.concatenate(wanted).astype(np.float64)
        linear[length] = ((design @ least_squares(design, target) - target) ** 2).mean()
        half[length] = ((np.concatenate(guesses) - target) ** 2).mean()
    floors = {f.name: f.loss for f in task.floors(None)}
    assert np.mean(list(linear.values())) == pytest.approx(floors["linear model of all steps"], rel=0.03)
    assert np.mean(list(half.values())) == pytest.approx(floors["any model of the last half"], rel=0.03)


def test_solved_follows_each_paper():
    for variant, errors, expected in [
        ("hochreiter1997", [0.039], True),
        ("hochreiter1997", [0.039] * 999 + [0.041], False),
        ("sutskever2013", [0.039] * 995 + [0.041] * 5, True),
        ("sutskever2013", [0.039] * 990 + [0.041] * 10, False),
        ("pascanu2013", [0.19] * 995 + [0.21] * 5, True),
        ("pascanu2013", [0.19] * 990 + [0.21] * 10, False),
        ("arjovsky2016", [0.08] * 1000, True),
        ("bai2018", [0.1] * 1000, False),
    ]:
        task, batch = draw(variant, size=len(errors))
        assert task.solved(batch.target + np.asarray(errors)[:, None], batch) is expected, (
            variant,
            errors[-1],
        )


def test_the_shortest_length_depends_on_the_variant():
    assert Adding(length=2).training(np.random.default_rng(0), 3).x.shape == (2, 3, 2)
    with pytest.raises(ValueError, match=r"^task\.length=19: must be a whole number of at least 20$"):
        Adding(length=19, variant="hochreiter1997")
    with pytest.raises(ValueError, match=r"^task\.length=1: must be a whole number of at least 2$"):
        Adding(length=1)
    with pytest.raises(ValueError, match=r"^task\.variant=arjovski: .*did you mean arjovsky2016\?\)$"):
        Adding(variant="arjovski")
    for variant, paper in VARIANTS.items():
        Adding(length=paper.shortest, variant=variant).training(np.random.default_rng(0), 50)
