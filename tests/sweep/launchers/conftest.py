"""A working folder of its own for each test."""

import pytest

from rnnbench.network import warm_up


@pytest.fixture(scope="session", autouse=True)
def compiled():
    warm_up("float32")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path
