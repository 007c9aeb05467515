"""A working folder for each test, and the command line in this process."""

import pytest

from rnnbench.cli import main
from rnnbench.network import warm_up


@pytest.fixture(scope="session", autouse=True)
def compiled():
    """Compile the kernels first: the message that says so must not depend on the order of the tests."""
    warm_up("float32")
    warm_up("float64")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def rnnbench(capsys):
    """Run a command line in this process; returns exit code, stdout and stderr."""

    def run(line):
        capsys.readouterr()
        # MLflow takes seconds to make its database.
        code = main(line.split() + (["tracking.mirror=later"] if line.startswith("run ") else []))
        out, err = capsys.readouterr()
        return code, out, err

    return run
