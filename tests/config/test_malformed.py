"""Whatever is written by mistake ends in a few plain lines and exit code 1; nothing is trained."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rnnbench.cli import main
from tests.config import malformed

INTERNALS = re.compile("Traceback|full_key|object_type|HYDRA_FULL_ERROR|<class|rnnbench[.]experiment|must_be")


@pytest.fixture
def refusal(capsys):
    """Return what is wrong with how a command ends, or "": a refusal must be short, a success is fine."""

    def judge(*arguments):
        capsys.readouterr()
        try:
            code = main(arguments)
        except SystemExit as end:  # --help
            code = end.code
        except Exception as error:
            return f"{type(error).__name__}: {str(error)[:200]}"
        out, err = capsys.readouterr()
        lines = err.splitlines()
        if code in (0, None):
            return ""
        if code != 1 or out or not 1 <= len(lines) <= 5 or not lines[-1].strip():
            return f"exit code {code}, stdout {out[:80]!r}, {len(lines)} lines on stderr: {err[:300]}"
        if not any(line.startswith("rnnbench: ") for line in lines) or max(map(len, lines)) > 1200:
            return f"no short line: {err[:300]}"
        return f"internals: {err[:300]}" if INTERNALS.search(err) else ""

    return judge


def checked(lines, refusal, folder, *own):
    """Check commands one after another; `own` are the names that may lie in the working folder."""
    wrong = []
    for arguments in lines:
        found = refusal(*arguments)
        left = {p.name for p in folder.iterdir()} - set(own)
        if found or left:
            wrong.append(f"{[a[:80] for a in arguments]}: {found} {left or ''}")
    assert not wrong, "\n".join(wrong)


def test_values(empty, refusal):
    checked((["run", "--cfg", "job", *line] for line in malformed.overrides()), refusal, empty)


def test_arguments(empty, refusal):
    checked((["run", "--cfg", "job", argument] for argument in malformed.ARGUMENTS), refusal, empty)
    checked((["run", argument, "task=nosuch"] for argument in malformed.ARGUMENTS), refusal, empty)


def test_mutated_command_lines(empty, refusal):
    # What is valid by chance is printed, not run.
    lines = (["run", "--cfg", "job", *(a for a in line if a != "--help")] for line in malformed.mutations())
    checked(lines, refusal, empty)


def test_studies(empty, refusal):
    (empty / "experiments").mkdir()

    def lines():
        for content in (*malformed.STUDIES, *malformed.damaged(malformed.GOOD_STUDY, 4, 24)):
            (empty / "experiments" / "mine.yaml").write_bytes(content)
            yield "run", "--cfg", "job", "experiment=mine"
        yield "list", "experiments"

    checked(lines(), refusal, empty, "experiments")


#: Studies that no reading makes sense of: none of them may pass for the defaults.
@pytest.mark.parametrize(
    "content",
    [
        b"model: null",
        b"model: ${train.updates}",
        b"init: ${model}",
        b"hydra: {runtime: {choices: {model: rnn}}}",
        b"seeds: 1\nseeds: 2",
        b"defaults: [override /model: null]",
        b"defaults: [mine]",
        b"a: &a {b: *a}",
        b"sweep: [{task.length: 'range(0,0)'}]",
        b"sweep: [{task.length: 'range(1,1e9)'}]",
        b'study: {question: "\\ud800"}',
        b"study: {name: " + b"n" * 5000 + b"}",
    ],
)
def test_studies_that_are_refused(content, empty, rnnbench):
    (empty / "experiments").mkdir()
    (empty / "experiments" / "mine.yaml").write_bytes(content)
    code, out, err = rnnbench("run experiment=mine")
    assert (code, out) == (1, "")
    assert 1 <= len(err.splitlines()) <= 2, err
    assert [p.name for p in empty.iterdir()] == ["experiments"]


def test_networks_from_files(empty, refusal):
    def lines():
        for number, content in enumerate(malformed.networks()):
            (empty / "n.json").write_bytes(content)
            yield "run", "--cfg", "job", "model=custom", "model.file=n.json"
            # What can be drawn by chance takes a second: these cannot.
            if number < 11:
                yield "draw", "network=n.json", "output=n.json/d"

    checked(lines(), refusal, empty, "n.json")


def test_plugins(empty, refusal):
    folder = empty / "rnnbench_plugins"
    folder.mkdir()

    def lines():
        for content in malformed.PLUGINS:
            (folder / "mine.py").write_bytes(content)
            yield "run", "--cfg", "job", "model=mine"
        yield "run", "--cfg", "job", "model=elman"
        yield "list", "models"

    checked(lines(), refusal, empty, "rnnbench_plugins")
    assert [p.name for p in folder.iterdir()] == ["mine.py"]


@pytest.mark.parametrize("command", malformed.OTHERS)
def test_other_commands(command, empty, refusal, rnnbench):
    lines = [[*command.split(), *rest.split(" ")] for rest in malformed.OTHERS[command]]
    checked(lines, refusal, empty)
    assert rnnbench(" ".join(lines[0]))[0] == 1


def test_addresses(empty, rnnbench):
    for uri in ("mysq", "'http://['", "http://127.0.0.1:abc", "http://127.0.0.1:99999"):
        code, out, err = rnnbench(f"run train=smoke tracking.uri={uri}")
        assert (code, out) == (1, ""), uri
        assert len(err.splitlines()) <= 2 and uri.strip("'") in err, err
        assert list(empty.iterdir()) == []


def test_a_pasted_text_is_cut(empty, rnnbench):
    _, _, err = rnnbench("run model=" + "x" * 5000)
    assert err.startswith("rnnbench: model=xxx") and "xxx ... xxx" in err and len(err) < 1000
    assert "allowed: brnn, custom, elman" in err


#: As a user types them, in a process of its own: bytes that are no UTF-8 among them.
TYPED = (
    [b"run", b"model.hidden=["],
    [b"run", b"study.question=\xff\xfe"],
    [b"run", b"seeds=${foo}", b"model=elman"],
    [b"draw", b"network=\xff.json"],
    [b"report", b"\xff"],
)


@pytest.mark.parametrize("arguments", TYPED, ids=str)
def test_in_a_process_of_its_own(arguments, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "rnnbench", *arguments]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=300)
    said = done.stderr.decode("utf-8", "replace")
    assert done.returncode == 1 and done.stdout == b"", said
    assert said.startswith("rnnbench: ") and 1 <= len(said.splitlines()) <= 4 and not INTERNALS.search(said)
    assert list(tmp_path.iterdir()) == []
