"""A store's database takes MLflow two seconds to make: made once, copied for each test."""

import shutil

import pytest

from rnnbench.tracking import Store


def pytest_configure(config):
    # MLflow's own database models use what a newer SQLAlchemy deprecates.
    config.addinivalue_line("filterwarnings", "ignore:The ``noload`` loader strategy:DeprecationWarning")


@pytest.fixture(scope="session")
def database(tmp_path_factory):
    root = tmp_path_factory.mktemp("made") / "runs"
    Store(root=root).open("first")
    return root / "mlflow.db"


@pytest.fixture
def root(tmp_path, database):
    folder = tmp_path / "runs"
    folder.mkdir()
    shutil.copy(database, folder / "mlflow.db")
    return folder


@pytest.fixture
def store(root):
    return Store(root=root)
