"""The file of a sweep: its order, its signs of life, and what it leaves where the sweep is killed."""

import os
import socket

import pytest

from rnnbench.experiment.launchers import presence
from rnnbench.experiment.launchers.presence import Presence, Watched


@pytest.fixture
def sweep(empty):
    here = Presence(empty / "submitit" / "here")
    yield here
    here.close()


def killed(folder, host, *jobs):
    folder.mkdir()
    (folder / "sweep").write_text("".join(f"{line}\n" for line in (host, *(f"job {job}" for job in jobs))))
    return folder


def test_an_order_to_stop_is_seen(sweep):
    job = Watched(sweep.path)
    sweep.sent("12_0")
    assert not job.stops
    sweep.stop()
    assert job.stops


def test_a_sweep_is_silent_when_its_file_does_not_change(sweep, monkeypatch):
    job = Watched(sweep.path)
    assert not job.silent
    monkeypatch.setattr(presence, "SILENCE", -1.0)
    assert job.silent
    monkeypatch.setattr(presence, "BEAT", 0.0)
    monkeypatch.setattr(presence, "SILENCE", 300.0)
    os.utime(sweep.path, (1, 1))
    sweep.beat()
    assert sweep.path.stat().st_mtime > 1
    assert not job.silent


def test_a_file_that_is_gone_is_no_order(sweep):
    job = Watched(sweep.path.with_name("nothing"))
    assert not job.stops and not job.silent


def test_the_jobs_of_a_killed_sweep_are_found(sweep):
    folder = killed(sweep.path.parent.parent / "dead", socket.gethostname(), "7", "8_0")
    other = Presence(sweep.path.parent.parent / "alive")
    other.sent("9")
    assert sweep.dead() == {folder: ["7", "8_0"]}
    other.close()


def test_a_sweep_of_another_machine_must_be_silent_too(sweep):
    folder = killed(sweep.path.parent.parent / "dead", "another-machine", "7")
    assert sweep.dead() == {}
    moment = sweep.path.stat().st_mtime - presence.SILENCE - 1
    os.utime(folder / "sweep", (moment, moment))
    assert sweep.dead() == {folder: ["7"]}
