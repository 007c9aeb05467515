"""The character model."""

import math

import numpy as np
import pytest

from rnnbench.models.jordan import Jordan
from rnnbench.models.rnn import RNN
from rnnbench.tasks.hello import Hello
from rnnbench.training import drain, fit
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


@pytest.mark.parametrize("model", [RNN(hidden=8), Jordan(hidden=16)], ids=["rnn", "jordan"])
def test_after_training_it_writes_its_word(model):
    task = Hello()
    net = model.build(task.n_in, task.n_out, task.output_activation)
    result = drain(fit(net, task, updates=500, lr=0.02, evaluate_every=50))
    assert result.outcome == "solved" and result.scores["word"] == 1.0
    samples = task.samples(net, result.parameters)
    assert samples == task.samples(net, result.parameters)
    assert samples["most likely characters"] == "hello"
    drawn = [samples[f"temperature 1, seed {seed}"] for seed in (0, 1)]
    assert all(len(word) == 5 and word[0] == "h" and set(word) <= set("helo") for word in drawn)


def test_a_long_word_is_solved_when_every_character_is_right():
    task = Hello(word="a" * 48 + "bc")
    batch = task.validation(None)
    assert task.solved(np.eye(3)[batch.target], batch), "49 equal weights do not sum to 1 to the last bit"


def test_another_word():
    task = Hello(word="anna")
    assert task.n_in == 2 and task.label == "hello (anna)"
    for word in ("", "aaa", 7):
        with pytest.raises(ValueError, match=r"^task\.word=.*at least two different characters$"):
            Hello(word=word)
