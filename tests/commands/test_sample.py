"""Character models from the command line: training on a file, samples kept and shown, `rnnbench sample`."""

import json

import numpy as np
import pytest

from rnnbench.store import Store
from rnnbench.store.lookup import find
from rnnbench.tasks import characters
from tests.commands.test_predict import network, newest

LINES = ["she had a cat and a hat\n", "he had a bat and a rat\n"]
TRAIN = "train.updates=150 train.lr=0.01"


#: settings: how the message begins
WRONG = {
    "prefix=xyz": "prefix='xyz': 'x' is not among the characters of the training data: '\\n abcdehnrst'",
    "temprature=1": "temprature=1: unknown setting (did you mean temperature?)\nallowed: prefix=",
    "temperature=-1": "temperature=-1.0: must be a finite number of at least 0",
    "temperature=nan": "temperature=nan: must be a finite number of at least 0",
    "temperature=inf": "temperature=inf: must be a finite number of at least 0",
    "length=0": "length=0: must be a whole number from 1 to 100000",
    "length=1e3": "length=1e3: must be a whole number from 1 to 100000",
    "seed=-1": "seed=-1: must be a whole number of at least 0",
    "she": "she: unknown setting",
}


@pytest.fixture
def run(folder, rnnbench):
    """Train a small network on the file `lines.txt`; returns the key of the run."""
    chosen = np.random.default_rng(1).integers(0, 2, 100)
    (folder / "lines.txt").write_text("".join(LINES[n] for n in chosen), encoding="utf-8")

    def train(line="model=rnn model.hidden=24 task=text task.path=lines.txt task.length=30"):
        code, _, err = rnnbench(f"run {line} {TRAIN}")
        assert code == 0, err
        return newest()

    return train


def test_a_text_run_stores_bits_alphabet_and_samples(run, rnnbench, folder):
    key = run()
    study, record = find(Store(), key)
    floors = {floor["name"]: floor["loss"] / np.log(2) for floor in record["floors"]}
    assert 0.0 < record["scores"]["bits_per_character"] < floors["bigrams"]
    assert record["columns"]["alphabet"] == "\n abcdehnrst" and record["columns"]["start"] == "\n"
    samples = json.loads(study.read_file(key, "samples.json"))
    assert list(samples) == [f"temperature {t}, seed {s}" for t in ("0.5", "1") for s in (0, 1)]
    code, _, err = rnnbench("report default")
    assert code == 0, err
    page = (folder / "reports" / "default" / "index.md").read_text(encoding="utf-8")
    for how, text in samples.items():
        assert f"rnn, {how}:\n\n```text\n{text}\n```\n" in page
    assert "bits per character" in page and "\n\n\n" not in page.split("```")[0]


def test_hello_is_in_the_report(run, rnnbench, folder):
    run("model=rnn model.hidden=8 task=hello")
    assert rnnbench("report default")[0] == 0
    page = (folder / "reports" / "default" / "index.md").read_text(encoding="utf-8")
    assert "rnn, most likely characters:\n\n```text\nhello\n```\n" in page


def test_a_task_without_an_alphabet_has_no_samples(run, rnnbench, folder):
    key = run("model=rnn model.hidden=4 task=echo task.length=10 task.delay=2")
    assert not (folder / "runs" / "default" / key / "samples.json").exists()
    assert rnnbench("report default")[0] == 0
    assert "What was written" not in (folder / "reports" / "default" / "index.md").read_text(encoding="utf-8")


def test_sampling_a_stored_run(run, rnnbench, folder, monkeypatch, capsys):
    key = run()
    first = rnnbench(f"sample {key[:6]} length=80 seed=3")
    assert first == rnnbench(f"sample {key} length=80 seed=3 temperature=0.8")
    assert first[0] == 0 and first[2] == "" and len(first[1]) == 81
    assert rnnbench(f"sample {key} length=80 seed=4")[1] != first[1]
    net, params = network(key)
    expected = characters.write(net, params, "\n abcdehnrst", "\n", 80, 0.8, 3)
    assert first[1] == expected + "\n"
    greedy = rnnbench(f"sample {key} temperature=0 prefix=she length=40")[1]
    assert greedy == rnnbench(f"sample {key} temperature=0 prefix=she length=40 seed=9")[1]
    assert greedy.startswith("she had a ") and len(greedy) == 44


def test_wrong_settings_are_refused(run, rnnbench):
    key = run()
    for settings, message in WRONG.items():
        code, out, err = rnnbench(f"sample {key} {settings}")
        assert (code, out) == (1, "") and err.startswith(f"rnnbench: {message}") and err.count("\n") <= 2


def test_runs_that_write_nothing_are_refused(run, rnnbench):
    key = run("model=rnn model.hidden=4 task=echo task.length=10 task.delay=2")
    code, out, err = rnnbench(f"sample {key}")
    assert (code, out) == (1, "")
    assert "is not a character model; needed: a run of task=text or task=hello" in err
    code, _, err = rnnbench("sample zzz")
    assert code == 1 and "zzz: no run has a key that starts with this" in err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        (b"", "the file is empty"),
        (b"one\n\xff\n", "line 2 is not UTF-8"),
        (b"too short", "too short, the training part has 7 of its 9 characters"),
        (b"a" * 200, "has one character alone, 'a'"),
    ],
)
def test_a_file_that_is_no_text_leaves_nothing_behind(folder, rnnbench, content, message):
    if content is not None:
        (folder / "some.txt").write_bytes(content)
    code, out, err = rnnbench("run model=rnn task=text task.path=some.txt")
    assert (code, out) == (1, "") and len(err.splitlines()) == 1
    assert err.startswith("rnnbench: task.path=some.txt: ") and message in err
    assert [path.name for path in folder.iterdir()] == ([] if content is None else ["some.txt"])
