"""The latching problem in its two data forms."""

import numpy as np
import pytest

from rnnbench.tasks.latch import Latch


def test_bengio_gives_the_class_then_gaussian_noise_of_variance_a_fifth():
    batch = Latch(length=40).training(np.random.default_rng(0), 5000)
    c = np.sign(batch.target[-1, :, 0])
    assert np.array_equal(batch.x[:3, :, 0], np.broadcast_to(c, (3, 5000)))
    noise = batch.x[3:, :, 0]
    assert noise.mean() == pytest.approx(0.0, abs=0.005) and noise.var() == pytest.approx(0.2, rel=0.02)
    assert np.abs(batch.target[-1]) == pytest.approx(0.8) and c.mean() == pytest.approx(0.0, abs=0.05)
    assert (batch.weight[-1] == 1.0).all() and not batch.weight[:-1].any()


def test_lin_gives_the_class_on_its_own_lines_then_uniform_noise():
    batch = Latch(length=40, variant="lin1996").training(np.random.default_rng(0), 5000)
    c = np.sign(batch.target[-1, :, 0])
    assert np.array_equal(batch.x[0, :, 0], c > 0) and np.array_equal(batch.x[0, :, 1], c < 0)
    assert not batch.x[1:, :, :2].any() and not batch.x[:3, :, 2].any()
    noise = batch.x[3:, :, 2]
    assert noise.min() == pytest.approx(-0.155, abs=1e-3) and noise.max() == pytest.approx(0.155, abs=1e-3)
    assert noise.var() == pytest.approx(0.155**2 / 3, rel=0.02)


@pytest.mark.parametrize("length", [10, 20, 100])
def test_adding_up_the_inputs_gets_as_far_as_the_floor_says(length):
    task = Latch(length=length)
    batch = task.training(np.random.default_rng(1), 20_000)
    y = np.cumsum(batch.x, axis=0)
    floors = {f.name: f.score for f in task.floors(None)}
    assert task.score(y, batch) == pytest.approx(floors["sum of all inputs"], abs=0.01)


def test_score_is_the_sign_and_solved_is_all_of_them():
    task = Latch()
    batch = task.validation(np.random.default_rng(0))
    assert task.solved(0.01 * batch.target, batch)
    one_wrong = batch.target.copy()
    one_wrong[-1, 0] *= -1
    assert task.score(one_wrong, batch) == 511 / 512 and not task.solved(one_wrong, batch)
    assert task.score(np.zeros_like(batch.target), batch) == 0.0, "no sign is no answer"
    assert task.constant_loss(batch) == pytest.approx(0.64, rel=0.01)


def test_noise_may_be_changed_and_left_out():
    assert Latch(noise=0.0).floors(None)[1].score == 1.0
    assert not Latch(noise=0.0).training(np.random.default_rng(0), 2).x[3:].any()
    with pytest.raises(ValueError, match=r"^task\.noise=-1\.0: must be a finite number of at least 0$"):
        Latch(noise=-1.0)
    with pytest.raises(ValueError, match=r"^task\.length=3: must be a whole number of at least 4$"):
        Latch(length=3)
