"""Commands in this process, each test in a working folder of its own with the task `scripted`."""

import shutil
from pathlib import Path

import pytest

from rnnbench.cli import main
from tests.commands.conftest import compiled

__all__ = ["compiled", "empty", "folder", "rnnbench"]


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def folder(empty):
    """A working folder with the plugin `scripted`."""
    (empty / "rnnbench_plugins").mkdir()
    shutil.copy(Path(__file__).with_name("scripted.py"), empty / "rnnbench_plugins")
    return empty


@pytest.fixture
def rnnbench(capsys):
    """Run a command line in this process; returns exit code, stdout and stderr.

    MLflow is left out: opening its database takes longer than most of these tests.
    """

    def run(line):
        capsys.readouterr()
        words = line.split()
        code = main([*words, *(["tracking.mirror=later"] if words[0] == "run" else [])])
        out, err = capsys.readouterr()
        said = [text for text in err.splitlines(keepends=True) if "not in MLflow yet" not in text]
        return code, out, "".join(said)

    return run
