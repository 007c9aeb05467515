"""Launchers that several tests share: starting one takes longer than its runs."""

import os

import pytest

from tests.experiment.launchers.runs import opened


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A working folder for all tests of a file."""
    before = os.getcwd()
    folder = tmp_path_factory.mktemp("place")
    os.chdir(folder)
    yield folder
    os.chdir(before)


@pytest.fixture(scope="module")
def local(place):
    with opened("basic") as found:
        yield found
