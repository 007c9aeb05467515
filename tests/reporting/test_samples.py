"""Texts that networks wrote, shown literally whatever is in them."""

import json

import pytest

from rnnbench.reporting.frame import runs_frame
from rnnbench.reporting.page import write_report
from rnnbench.reporting.samples import block, written
from tests.reporting.synthetic import predictions, record

COLUMNS = {"alphabet": "ab", "start": "a"}


def test_only_runs_with_an_alphabet_are_asked_and_of_each_model_the_first_seed():
    runs = [record(m, seed=s, columns=COLUMNS) for m in ("rnn", "elman") for s in (1, 0)]
    runs += [record("tdnn"), record("narx", columns=None)]
    asked = []

    def read_file(run, name):
        asked.append((run["model"], run["seed"], name))
        return json.dumps({"greedy": f"{run['model']} wrote", "drawn": "b"}).encode()

    found = written(runs, runs_frame(runs), read_file)
    assert sorted(asked) == [("elman", 0, "samples.json"), ("rnn", 0, "samples.json")]
    shown = [(sample["how"], sample["block"]) for sample in found]
    assert ("rnn, greedy", "```text\nrnn wrote\n```") in shown and len(shown) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n# no heading\n", "```text\na\n# no heading\n\n```"),
        ("<script>&amp;", "```text\n<script>&amp;\n```"),
        ("```\n[x](y)", "````text\n```\n[x](y)\n````"),
        ("`````", "``````text\n`````\n``````"),
        ("\x1b[31m\x00\t\u202e\x85", "```text\n\\x1b[31m\\x00\t\\x202e\\x85\n```"),
        ("é 漢 🎈", "```text\né 漢 🎈\n```"),
    ],
)
def test_a_block_shows_every_character_as_it_is(text, expected):
    assert block(text) == expected


def test_the_page_shows_them_below_their_task(tmp_path):
    def read_file(run, name):
        return json.dumps({"greedy": "``` <b>"}).encode() if name == "samples.json" else predictions(run)

    runs = [record("rnn", task="hello", columns=COLUMNS), record("rnn", task="adding")]
    runs = [run | {"history": []} for run in runs]
    page = write_report("made", runs, read_file, tmp_path).read_text()
    assert page.count("What was written") == 1
    shown = page.index("rnn, greedy:\n\n````text\n``` <b>\n````\n")
    assert page.index("### hello") < shown < page.index("## How to read")
    assert "\n\n\n" not in page
