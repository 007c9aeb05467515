"""A text file of the user's: reading, cutting, counting, and what a small network makes of it."""

import math

import numpy as np
import pytest

from rnnbench.models.jordan import Jordan
from rnnbench.models.mlp import MLP
from rnnbench.models.narx import NARX
from rnnbench.models.rnn import RNN
from rnnbench.tasks import characters
from rnnbench.tasks.contract import mean_loss
from rnnbench.tasks.ngrams import predictions
from rnnbench.tasks.text import SAMPLE_LENGTH, Text
from rnnbench.training import drain, fit


def rng(seed=0):
    return np.random.default_rng(seed)


def write(folder, text, name="some.txt"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


COUNTED = "".join(map(chr, range(65, 165)))  # 100 characters, each once


def test_parts_follow_each_other_and_every_character_is_asked_for(tmp_path):
    task = Text(path=write(tmp_path, COUNTED), length=4, split=[0.6, 0.2, 0.2])
    assert task.n_in == task.n_out == 100
    for batch, start, stop in ((task.validation(rng()), 60, 80), (task.test(rng()), 80, 100)):
        np.testing.assert_array_equal(batch.target, batch.x + 1)
        assert sorted(batch.target.ravel()) == list(range(start, stop))
        assert (batch.weight == 1.0).all()
    batch = task.training(rng(), 2000)
    assert batch.x.shape == (4, 2000) and batch.x.flags.c_contiguous
    np.testing.assert_array_equal(batch.target, batch.x + 1)
    assert set(batch.x[0]) == set(range(56)), "labels stay in the training part"


def test_pieces_cover_a_part_that_they_do_not_divide(tmp_path):
    task = Text(path=write(tmp_path, COUNTED), length=7, split=[0.6, 0.2, 0.2])
    assert set(task.test(rng()).target.ravel()) == set(range(80, 100))
    whole = Text(path=write(tmp_path, COUNTED), length=1000, split=[0.6, 0.2, 0.2])
    assert whole.training(rng(), 5).target.ravel().tolist() == list(range(1, 60))
    assert whole.test(rng()).target.ravel().tolist() == list(range(80, 100))


def test_a_long_part_is_looked_at_in_512_pieces(tmp_path):
    batch = Text(path=write(tmp_path, "abc" * 10_000), length=2).test(rng())
    assert batch.x.shape == (2, 512)


def test_a_large_alphabet_is_looked_at_in_fewer_pieces(tmp_path):
    text = "".join(chr(0x4E00 + n) for n in range(4000)) * 10
    task = Text(path=write(tmp_path, text), length=50)
    batch = task.test(rng())
    assert task.n_out == 4000 and batch.x.shape == (50, 50), "10 million outputs"
    assert batch.target[0, 0] == 36_000 % 4000 and batch.target[-1, -1] == 3999, "from end to end"


def test_the_alphabet_is_that_of_the_file(tmp_path):
    text = "\ufeffÄb\r\nb\rß\n" + "ab" * 50
    task = Text(path=write(tmp_path, text))
    columns = task.columns()
    assert columns["alphabet"] == "\nabÄß" and columns["start"] == "\n"
    assert Text(path=write(tmp_path, "ba" * 50)).columns()["start"] == "b"
    assert characters.as_text(characters.as_symbols("aßb", "abÄß"), "abÄß") == "aßb"
    with pytest.raises(ValueError, match="'z' is not among the characters of the training data: 'ab'"):
        characters.as_symbols("abz", "ab")


def test_a_file_that_changes_is_another(tmp_path):
    first = Text(path=write(tmp_path, "ab" * 100))
    write(tmp_path, "ba" * 100)
    with pytest.raises(ValueError, match=rf"^task\.digest={first.digest}: .* has changed, its digest is"):
        Text(path=first.path, digest=first.digest)
    assert Text(path=first.path).digest != first.digest


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"^task\.path=.*some\.txt: No such file"),
        (b"", "the file is empty$"),
        (b"\xef\xbb\xbf", "the file is empty$"),
        (b"one\ntwo \xff\n", "line 2 is not UTF-8; save the file as UTF-8$"),
        ("ab" * 30, "too short, the validation part has 6 of its 60 characters; at least 10 are needed$"),
        ("a" * 300, "has one character alone, 'a'$"),
    ],
)
def test_what_is_no_text_is_refused_in_one_line(tmp_path, content, message):
    path = str(tmp_path / "some.txt") if content is None else write(tmp_path, content)
    with pytest.raises(ValueError, match=message) as error:
        Text(path=path)
    assert "\n" not in str(error.value) and str(error.value).startswith("task.path=")


def test_other_settings_are_refused(tmp_path):
    path = write(tmp_path, "ab" * 100)
    for fields, message in (
        ({"path": ""}, r"^task\.path='': must name a text file$"),
        ({"path": str(tmp_path)}, "Is a directory"),
        ({"path": "a\0b"}, "null"),
        ({"length": 0}, r"^task\.length=0: must be a whole number of at least 1$"),
        ({"goal": -1.0}, r"^task\.goal=-1.0: must be a finite number of at least 0$"),
        ({"split": [0.5, 0.5]}, r"^task\.split=.*three positive numbers"),
        ({"split": [0.5, 0.6, -0.1]}, r"^task\.split=.*three positive numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            Text(**{"path": path, **fields})


def naive(training, context, character, alphabet):
    """Witten and Bell's estimate, counted in plain loops; no context is None."""
    if context is None:
        return 1.0 / len(alphabet)
    n = len(context)
    following = [training[i + n] for i in range(len(training) - n) if training[i : i + n] == context]
    shorter = naive(training, context[1:] if n else None, character, alphabet)
    kinds = len(set(following))
    return (following.count(character) + kinds * shorter) / (len(following) + kinds) if following else shorter


def test_ngrams_are_those_counted_in_plain_loops(tmp_path):
    text = "".join(rng(3).choice(list("aab c"), 300)) + "cdacb" * 3  # d is not in the training part
    task = Text(path=write(tmp_path, text))
    found = {floor.name: floor for floor in task.floors(rng())}
    training, start, stop = text[: round(0.8 * 315)], round(0.9 * 315), 315
    for n, name in enumerate(["unigrams", "bigrams", "trigrams"]):
        p = [naive(training, text[i - n : i], text[i], sorted(set(text))) for i in range(start, stop)]
        assert found[name].loss == pytest.approx(-np.log(p).mean(), rel=1e-12)
        bits = -np.log2(p).mean()
        assert f"{bits:.3f} bits per character" in found[name].how
    counts = {c: training.count(c) for c in sorted(set(training))}
    likeliest = max(counts, key=counts.get)
    assert found["unigrams"].score == pytest.approx(text[start:].count(likeliest) / (stop - start))


def test_the_probabilities_of_an_ngram_model_sum_to_one():
    training = rng(0).integers(0, 4, 50)
    for context in ([0, 1], [3, 3]):
        total = np.zeros(3)
        for symbol in range(6):  # two of six never come in training
            whole = np.array([*context, symbol])
            models = predictions(training, whole, first=2, symbols=6, most=3)
            total += [model.probability[0] for model in models]
        np.testing.assert_allclose(total, 1.0)


@pytest.mark.parametrize(
    "model", [RNN(hidden=7), Jordan(hidden=5), NARX(hidden=5, input_taps=2, output_taps=3), MLP(hidden=4)]
)
def test_bits_over_a_stream_do_not_depend_on_where_it_is_cut(text_file, model):
    task = Text(path=str(text_file), length=10)
    net = model.build(task.n_in, task.n_out, "softmax")
    params = net.init(seed=1, dtype=np.float64)
    params.vector[:] *= 2.0
    whole = rng(1).integers(0, task.n_in, 23)
    y = net.forward(params, whole[:, None])[:, 0]
    for chunk in (1, 4, 23, 100):
        pieces = list(characters.stream_of(net, params, whole, chunk))
        np.testing.assert_allclose(np.concatenate([piece for _, piece in pieces]), y, rtol=1e-12)
        assert [at.start for at, _ in pieces] == list(range(0, 23, chunk))
    test, label = task.test(rng()), task.bits(net, params)
    length = task.test(rng()).x.shape[1]
    assert length > 2
    symbols, part = task._symbols, task._parts[2]
    y = net.forward(params, symbols[part.start - 1 : part.stop - 1, None])[:, 0]
    expected = -np.log2(y[np.arange(len(y)), symbols[part.start :]]).mean()
    assert label == pytest.approx(expected, rel=1e-9)
    assert task.extra_scores(net, params, test) == {
        "bits_per_character": label,
        "validation_bits_per_character": task.bits(net, params, "validation"),
    }


@pytest.fixture(scope="module")
def repetitive(tmp_path_factory):
    """A text in which the letter before an a does not tell what comes behind it."""
    lines = ["she had a cat and a hat", "he had a bat and a rat"]
    text = "\n".join(lines[n] for n in rng(1).integers(0, 2, 150))
    return Text(path=write(tmp_path_factory.mktemp("text"), text), length=40)


@pytest.fixture(scope="module")
def trained(repetitive):
    net = RNN(hidden=32).build(repetitive.n_in, repetitive.n_out, "softmax")
    return drain(fit(net, repetitive, updates=400, lr=0.01, clip_norm=1.0))


def test_a_small_rnn_beats_bigrams_and_trigrams(repetitive, trained):
    floors = {floor.name: floor.loss / math.log(2) for floor in repetitive.floors(rng())}
    bits = trained.scores["bits_per_character"]
    assert floors["unigrams"] > floors["bigrams"] > floors["trigrams"]
    assert bits < 0.8 * floors["trigrams"] < 0.8 * floors["bigrams"]
    # One bit for each line of some 23 characters is left: which of the two it is, and cannot be known.
    assert bits > 1.0 / 24.0
    assert trained.scores["test_loss"] / math.log(2) > bits, "pieces begin without a past"


def test_what_it_writes_is_like_the_text(repetitive, trained):
    samples = repetitive.samples(trained.network, trained.parameters)
    assert samples == repetitive.samples(trained.network, trained.parameters)
    assert list(samples) == [f"temperature {t}, seed {s}" for t in ("0.5", "1") for s in (0, 1)]
    assert len(set(samples.values())) > 1
    assert all(len(text) == SAMPLE_LENGTH for text in samples.values())
    words = samples["temperature 0.5, seed 0"].split()[:-1]
    known = {"she", "he", "had", "a", "cat", "and", "hat", "bat", "rat"}
    assert np.mean([word in known for word in words]) > 0.9


def test_the_goal_is_in_bits(repetitive, text_file):
    task = Text(path=str(text_file), goal=1.5)
    batch = task.validation(rng())
    right = np.eye(task.n_out)[batch.target]
    for p, solved in ((0.36, True), (0.35, False)):  # 1.47 and 1.51 bits
        y = p * right + (1.0 - p) / (task.n_out - 1) * (1.0 - right)
        assert mean_loss(y, batch, task.loss) == pytest.approx(-math.log(p), rel=1e-6)
        assert task.solved(y, batch) == solved
