"""Dask: on this machine, and with a scheduler and workers of somebody else."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("distributed")

from dask.config import set as distributed_settings

from rnnbench.experiment.launchers import dask as launched
from rnnbench.experiment.launchers import settings
from rnnbench.experiment.launchers.contract import LauncherError, WorkerDied
from rnnbench.experiment.refusals import Refused
from rnnbench.training.seeds import Interrupted
from tests.experiment.launchers.runs import (
    alive,
    bits,
    descendants,
    endless,
    interrupt,
    opened,
    small,
    sweep,
    until,
)

#: Dask's worker processes; the others are its scheduler and Python's tracker of resources.
WORKER = "spawn_main"


@pytest.fixture(scope="module")
def dask(place):
    with opened("dask") as found:
        yield found
        # Where a test has failed, a run that it left would be waited for.
        found.stop()


def workers(parent=None):
    """Process ids of the workers that a process has on this machine, by way of its cluster."""
    found = descendants(os.getpid() if parent is None else parent)
    return sorted(pid for pid in found if WORKER in Path(f"/proc/{pid}/cmdline").read_text())


def test_the_bits_are_those_of_threads(dask, local):
    configurations = [
        small(seeds=3), small("diagnostics=on train.dtype=float64"), small("budget.parameters=200")
    ]  # fmt: skip
    started, records = [], []
    near = [local.start(c, c.seeds) for c in configurations]
    far = [
        dask.start(c, c.seeds, on_start=started.append, on_record=lambda *pair: records.append(pair))
        for c in configurations
    ]
    for one, other in zip(near, far, strict=True):
        assert [bits(e) for e in other.results()] == [bits(e) for e in one.results()]
        assert other.done and list(other.finished()) == other.seeds and other.seconds > 0
    assert started == [0, 1, 2, 0, 0] and dask.slots == 2
    assert {"update", "train_loss", "validation_score"} <= records[0][1].keys()


def test_plugins_of_the_working_folder(dask, local, rnnbench, place):
    from tests.experiment.composing import configured

    assert rnnbench("new model leaky")[0] == rnnbench("new task parrot")[0] == 0
    configuration = configured("model=leaky task=parrot train=smoke train.updates=3")
    (far,) = dask.start(configuration, (0,)).results()
    (near,) = local.start(configuration, (0,)).results()
    assert bits(far) == bits(near)


def test_a_worker_that_dies_takes_its_own_run_only(dask):
    before = workers()
    assert len(before) == 2
    begun = threading.Event()
    training = dask.start(endless(), (0,), on_record=lambda *pair: begun.set())
    assert begun.wait(30)
    (run,) = dask.running.values()
    others = dask.start(small(seeds=4), (0, 1, 2, 3))
    os.kill(dask._client.run(os.getpid)[run.place], signal.SIGKILL)
    (died,) = training.results()
    assert isinstance(died, WorkerDied) and re.match(r"seed 0: its worker tls://\S+ is gone", str(died))
    assert [e.result.seed for e in others.results()] == [0, 1, 2, 3]
    # The cluster heals.
    assert until(lambda: len(workers()) == 2 and set(workers()) != set(before))
    assert until(lambda: len(dask._workers) == 2)
    again = dask.start(small(seeds=2), (0, 1)).results()
    assert [e.result.outcome for e in again] == ["finished"] * 2


def used_since(used):
    before = used()
    time.sleep(0.3)
    return used() - before


def test_stop_and_nothing_is_left(empty, capfd):
    begun = threading.Event()
    with opened("dask", workers=1) as one:
        mine = descendants(os.getpid())
        training = one.start(endless(3), (0, 1, 2), on_start=lambda seed: begun.set())
        assert begun.wait(20)
        clock = time.monotonic()
        one.stop()
        one.stop()
        assert [type(error) for error in training.results()] == [Interrupted] * 3
        assert [str(e) for e in training.results()] == [f"seed {n} was stopped" for n in range(3)]
        assert time.monotonic() - clock < 8 and one.interruption is None
        assert isinstance(one.start(endless(), (0,)).results()[0], Interrupted)
    assert until(lambda: not alive(mine - descendants(os.getpid())))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("how", ["Ctrl-C", "kill -9"])
def test_the_end_of_a_sweep_leaves_nothing_behind(how, empty):
    with sweep("dask", empty) as process:
        assert process.stdout.readline() == "started 0\n"
        assert until(lambda: process.stdout.readline() == "record\n")
        children = descendants(process.pid)
        assert len(children) >= 3
        clock = time.monotonic()
        if how == "Ctrl-C":
            interrupt(process)
        else:
            process.kill()
        out, err = process.communicate(timeout=30)
        assert time.monotonic() - clock < 9
        if how == "Ctrl-C":
            assert process.returncode == 130
            assert out.splitlines()[-1] == "seed 0 was stopped, seed 1 was stopped, seed 2 was stopped"
            assert err == ""
        assert until(lambda: not alive(children))


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:1", "127.0.0.1:1", "nowhere.invalid:8786", "no:such:thing"]
)
def test_a_scheduler_that_does_not_answer(address, empty, capfd, monkeypatch):
    if not address.startswith("tcp"):
        monkeypatch.setattr(launched, "ANSWER", 1.0)
    clock = time.monotonic()
    with pytest.raises(Refused) as refused, opened("dask", address=address):
        pass
    said = f"hydra.launcher.address={address}: no Dask scheduler answers there"
    assert str(refused.value) == said and time.monotonic() - clock < 12
    assert capfd.readouterr() == ("", "")


def test_settings_that_dask_refuses(empty):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with distributed_settings({"distributed.comm.timeouts.tcp": "3s"}), pytest.raises(Refused) as refused:
            with opened("dask", address=address):
                pass
    said = f"hydra.launcher.address={address}: Dask refuses its settings: Timeout too low"
    assert str(refused.value) == said


@pytest.fixture
def elsewhere(tmp_path_factory):
    """A scheduler and a worker with two threads, in a folder of their own: address and processes."""
    folder = tmp_path_factory.mktemp("elsewhere")
    file = folder / "scheduler.json"
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "DASK_LOGGING__DISTRIBUTED": "warning",
    }

    def begin(*arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
            cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip

    def begin_worker():
        return begin("dask_worker", "--scheduler-file", str(file), "--nthreads", "2", "--no-dashboard",
                     "--host", "127.0.0.1", "--local-directory", str(folder))  # fmt: skip

    scheduler = begin("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                      "--scheduler-file", str(file))  # fmt: skip
    processes = [scheduler, begin_worker()]
    try:
        assert until(lambda: file.exists() and file.read_text())
        yield json.loads(file.read_text())["address"], processes
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_a_scheduler_of_somebody_else(elsewhere, local, empty, rnnbench, monkeypatch):
    monkeypatch.setattr(launched, "LOST", 3.0)
    from tests.experiment.composing import configured

    address, processes = elsewhere
    assert rnnbench("new model leaky")[0] == 0
    configuration = configured("model=leaky task=adding task.length=8 train=smoke train.updates=4 seeds=3")
    with opened("dask", address=address) as far:
        results = far.start(configuration, (0, 1, 2)).results()
        assert far.slots == 2
        assert [bits(e) for e in results] == [
            bits(e) for e in local.start(configuration, (0, 1, 2)).results()
        ]
        # With the worker's process its runs die; with the scheduler everything does.
        running = far.start(endless(2), (0, 1))
        assert until(lambda: len(far.running) == 2)
        time.sleep(1)
        os.killpg(processes[1].pid, signal.SIGKILL)
        assert [type(e) for e in running.results()] == [WorkerDied, WorkerDied]
        waiting = far.start(small(), (0,))
        time.sleep(1)
        assert not waiting.done
        os.killpg(processes[0].pid, signal.SIGKILL)
        (lost,) = waiting.results()
        assert isinstance(lost, LauncherError) and str(lost).startswith("seed 0: the Dask scheduler tcp://")


def test_a_sweep_that_is_killed_leaves_no_run_at_the_workers_of_somebody_else(elsewhere, empty):
    address, processes = elsewhere
    with sweep("dask", empty, address=address) as process:
        assert process.stdout.readline() == "started 0\n"
        assert until(lambda: process.stdout.readline() == "record\n")
        process.kill()
        process.communicate()
    (pid,) = workers(processes[1].pid)

    def is_idle():
        def used():
            return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))

        return used_since(used) < 8

    assert until(is_idle)


def test_an_own_folder_for_the_log(dask, place):
    assert isinstance(dask._settings, settings.Dask) and (place / "runs" / "dask.log").is_file()
