"""Commands in this process, each test in a working folder of its own with the task `scripted`."""

import shutil
from pathlib import Path

import pytest

from rnnbench.cli import main
from rnnbench.network import warm_up


@pytest.fixture(scope="session", autouse=True)
def compiled():
    """Compile the kernels first: the message that says so must not depend on the order of the tests."""
    warm_up("float32")
    warm_up("float64")


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
