"""The character model."""

import math

import numpy as np
import pytest

from rnnbench.tasks.hello import Hello
from tests.tasks.predicting import Knowing


def test_the_word_as_the_notes_have_it():
    task = Hello()
    batch = task.training(None, 32)
    assert task.vocabulary == ["h", "e", "l", "o"]
    assert batch.x.ravel().tolist() == [0, 1, 2, 2] and batch.target.ravel().tolist() == [1, 2, 2, 3]
    assert batch.x.shape == batch.target.shape == batch.weight.shape == (4, 1)


def test_floors_counted_by_hand():
    floors = {f.name: f for f in Hello().floors(None)}
    assert floors["chance"].loss == math.log(4)
    assert floors["best constant"].score == 0.5, "l follows twice in four"
    assert floors["best constant"].loss == pytest.approx(1.5 * math.log(2))
    assert floors["no memory"].score == 0.75, "after l comes l or o"
    assert floors["no memory"].loss == pytest.approx(0.5 * math.log(2))


def test_spelling_starts_from_the_first_character():
    task = Hello()
    net = Knowing(None, np.array([[1], [2], [2], [3]]))
    assert task.spell(net, net) == "hello"
    assert net.asked["feed"] == "argmax" and net.asked["steps"] == 4
    assert net.asked["prefix"].tolist() == [[0]] and net.asked["prefix"].dtype == np.int64
    rng = np.random.default_rng(0)
    task.spell(net, net, rng)
    assert net.asked["feed"] == "sample" and net.asked["rng"] is rng
    assert task.extra_scores(net, net, task.test(None)) == {"word": 1.0}
    wrong = Knowing(None, np.array([[1], [2], [3], [3]]))
    assert task.spell(wrong, wrong) == "heloo" and task.extra_scores(wrong, wrong, None) == {"word": 0.0}


def test_another_word():
    task = Hello(word="anna")
    assert task.n_in == 2 and task.label == "hello (anna)"
    for word in ("", "aaa", 7):
        with pytest.raises(ValueError, match=r"^task\.word=.*at least two different characters$"):
            Hello(word=word)
