"""A working folder of its own for each test, with a store database that is made once for all of them."""

import shutil

import pytest

from rnnbench.cli import main
from rnnbench.network import warm_up
from rnnbench.tracking import Store


def pytest_configure(config):
    # MLflow's own database models use what a newer SQLAlchemy deprecates.
    config.addinivalue_line("filterwarnings", "ignore:The ``noload`` loader strategy:DeprecationWarning")


@pytest.fixture(scope="session", autouse=True)
def compiled():
    """Compile the kernels first: the message that says so must not depend on the order of the tests."""
    warm_up("float32")
    warm_up("float64")


@pytest.fixture(scope="session")
def database(tmp_path_factory):
    root = tmp_path_factory.mktemp("made") / "runs"
    Store(root=root).open("first")
    return root / "mlflow.db"


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def folder(empty, database):
    """A working folder whose store needs not be made."""
    (empty / "runs").mkdir()
    shutil.copy(database, empty / "runs" / "mlflow.db")
    return empty


@pytest.fixture
def rnnbench(capsys):
    """Run a command line in this process; returns exit code, stdout and stderr."""

    def run(line):
        capsys.readouterr()
        code = main(line.split())
        out, err = capsys.readouterr()
        return code, out, err

    return run
