"""Faults that take minutes: only with `make test-faults`, which is `pytest -m faults`."""

import sys

import pytest

from tests.faults.sweeping import LONG, SHORT, Folder


def pytest_collection_modifyitems(config, items):
    chosen = "faults" in config.option.markexpr
    for item in items:
        if item.get_closest_marker("faults") is None:
            continue
        if not chosen:
            item.add_marker(pytest.mark.skip(reason="takes minutes: make test-faults"))
        elif not sys.platform.startswith("linux"):
            item.add_marker(pytest.mark.skip(reason="finds processes in /proc"))


@pytest.fixture
def folder(tmp_path):
    """An empty working folder in which commands are run as processes of their own."""
    folder = Folder(tmp_path)
    yield folder
    folder.kill_all()


def undisturbed(line, path):
    folder = Folder(path)
    code, _, err = folder.run(line)
    assert code == 0, err
    return folder.outcome()


@pytest.fixture(scope="session")
def long(tmp_path_factory):
    """What the long sweep gives where nobody disturbs it."""
    return undisturbed(LONG, tmp_path_factory.mktemp("long"))


@pytest.fixture(scope="session")
def short(tmp_path_factory):
    """What the short sweep gives where nobody disturbs it."""
    return undisturbed(SHORT, tmp_path_factory.mktemp("short"))
