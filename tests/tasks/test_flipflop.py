"""Flip-flops, in streams."""

from itertools import islice

import numpy as np
import pytest

from rnnbench.tasks.flipflop import Flipflop


def held(x, before):
    """The last pulse, one step at a time."""
    target, now = np.empty_like(x), before.copy()
    for t, row in enumerate(x):
        now = np.where(row != 0, row, now)
        target[t] = now
    return target


def test_the_target_is_the_last_pulse():
    task = Flipflop(channels=3, pulse=0.2)
    batch = task.test(np.random.default_rng(0))
    assert np.array_equal(batch.target, held(batch.x, np.zeros((256, 3), np.float32)))
    assert np.mean(batch.x == 1) == pytest.approx(0.1, rel=0.05)
    assert np.mean(batch.x == -1) == pytest.approx(0.1, rel=0.05)


def test_chunks_of_a_stream_go_on_but_for_those_that_start_anew():
    task = Flipflop(channels=2, chunk=4, restart=0.25)
    now, restarts = np.zeros((50, 2), np.float32), []
    for batch, reset in islice(task.training_stream(np.random.default_rng(1), 50), 40):
        now[reset] = 0.0
        assert batch.x.shape == (4, 50, 2) and batch.target.dtype == np.float32
        assert np.array_equal(batch.target, held(batch.x, now))
        now = batch.target[-1]
        restarts.append(reset.mean())
    assert restarts[0] == 1.0 and np.mean(restarts[1:]) == pytest.approx(0.25, abs=0.04)
    first, _ = next(task.training_stream(np.random.default_rng(2), 5))
    assert np.array_equal(first.x, task.training(np.random.default_rng(2), 5).x)


def test_floors_are_what_such_methods_get():
    task = Flipflop()
    floors = {floor.name: floor for floor in task.floors(np.random.default_rng(0))}
    batch = task.test(np.random.default_rng(0))
    assert task.score(batch.x, batch) == pytest.approx(floors["no memory"].score, rel=1e-5)
    short = batch.x.copy()
    for lag in (1, 2):
        older = np.concatenate([np.zeros_like(batch.x[:lag]), batch.x[:-lag]])
        short = np.where(short != 0, short, older)
    assert task.score(short, batch) == pytest.approx(floors["a chunk's memory"].score, rel=1e-5)
    with pytest.raises(ValueError, match=r"^task\.chunk=0: must be a whole number of at least 1$"):
        Flipflop(chunk=0)
