"""Symbols said at unknown times."""

import numpy as np
import pytest

from rnnbench.tasks.spoken import Spoken


def test_what_is_said_can_be_read_off_without_noise():
    task = Spoken(noise=0.0)
    batch = task.training(np.random.default_rng(0), 500)
    blank = np.where(batch.x.any(axis=2, keepdims=True), 0.0, 1.0)
    y = np.concatenate([blank, batch.x], axis=2)
    assert task.score(y, batch) == 1.0 and task.solved(y, batch)
    assert task.floors(np.random.default_rng(0))[1].score == 1.0
    counts = (batch.target > 0).sum(axis=0)
    assert (counts.min(), counts.max()) == (2, 5)
    held = batch.x.sum(axis=(0, 2))
    assert (held >= 2 * counts).all() and (held <= 4 * counts).all()
    assert (batch.lengths - held >= counts + 1).all() and (batch.lengths - held <= 2 * (counts + 1)).all()
    assert not batch.x[0].any(), "silence stands before the first symbol"
    for b, n in enumerate(batch.lengths):
        assert not batch.x[n - 1 :, b].any()
    assert set(np.unique(batch.target)) == {-1, 1, 2, 3, 4}
    repeated = (batch.target[1:] == batch.target[:-1]) & (batch.target[1:] > 0)
    assert repeated.any()


def test_noise_is_normal_and_ends_with_the_sequence():
    task = Spoken(noise=0.5)
    quiet, noisy = (Spoken(noise=n).training(np.random.default_rng(1), 2000) for n in (0.0, 0.5))
    assert np.array_equal(quiet.target, noisy.target) and np.array_equal(quiet.lengths, noisy.lengths)
    inside = np.arange(len(quiet.x))[:, None] < quiet.lengths
    assert (noisy.x - quiet.x)[inside].std() == pytest.approx(0.5, rel=0.02)
    assert not noisy.x[~inside].any()
    assert task.refusal(causal=True, loop="open") != "" and task.refusal(causal=False, loop="closed") == ""


def test_columns_and_ranges():
    task = Spoken()
    assert task.columns()["targets"] == [{"name": "label", "symbols": 5}]
    assert task.label == "spoken 2-5 of 4" and task.output_activation == "softmax"
    with pytest.raises(ValueError, match=r"^task\.most=1: must be a whole number of at least 2$"):
        Spoken(most=1)
