"""A Dask scheduler with two workers, which are no children of the command."""

import subprocess
import sys
from contextlib import ExitStack

import pytest

from tests.store.servers import free_port
from tests.sweep.launchers.runs import launch, planned, weights

pytest.importorskip("distributed")

pytestmark = pytest.mark.faults


@pytest.fixture
def address(tmp_path):
    """A scheduler on loopback and its workers."""
    found = f"tcp://127.0.0.1:{free_port()}"
    port = found.rpartition(":")[2]
    programs = [["scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"]]
    programs += [["worker", found, "--no-dashboard", "--nthreads", "1"]] * 2
    with ExitStack() as stack, open(tmp_path / "dask.log", "wb") as log:
        for arguments in programs:
            process = stack.enter_context(
                subprocess.Popen([sys.executable, "-m", "dask", *arguments], cwd="/", stdout=log, stderr=log)
            )
            stack.callback(process.terminate)
        yield found


def test_the_bits_are_those_of_threads(address, tmp_path, monkeypatch):
    found = {}
    for name, settings in (("threads", {}), ("dask", {"address": address, "workers": None})):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        runs = planned("train.updates=3000 train.evaluate_every=100 seeds=3")
        launch(name, runs, **settings)
        found[name] = weights(runs)
    assert found["dask"] == found["threads"] and sorted(found["dask"]) == [0, 1, 2]
