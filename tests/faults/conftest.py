"""Faults that take minutes: only with `make test-faults`, which is `pytest -m faults`."""

import pytest

from tests.faults.sweeping import Folder


def pytest_configure(config):
    # MLflow's own database models use what a newer SQLAlchemy deprecates.
    config.addinivalue_line("filterwarnings", "ignore:The ``noload`` loader strategy:DeprecationWarning")


def pytest_collection_modifyitems(config, items):
    if "faults" in config.option.markexpr:
        return
    skipped = pytest.mark.skip(reason="takes minutes: make test-faults")
    for item in items:
        if item.get_closest_marker("faults"):
            item.add_marker(skipped)


@pytest.fixture
def folder(tmp_path):
    """An empty working folder in which commands are run as processes of their own."""
    folder = Folder(tmp_path)
    yield folder
    folder.kill_all()
