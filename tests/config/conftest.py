"""Fixtures of the command line in a folder of its own."""

import pytest

from rnnbench.cli import main
from tests.commands.conftest import compiled, folder

__all__ = ["compiled", "empty", "folder", "rnnbench"]


@pytest.fixture
def empty(folder):
    """An empty working folder."""
    return folder


@pytest.fixture
def rnnbench(capsys):
    """Run a command line as it stands in this process; returns exit code, stdout and stderr."""

    def run(line):
        capsys.readouterr()
        code = main(line.split())
        return code, *capsys.readouterr()

    return run
