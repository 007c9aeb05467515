"""A real SLURM without accounting: kill -9, `scancel` and the time limit, and the bits of what goes on."""

import os
import shutil
import signal
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.slurm import missing, slurm
from tests.sweep.launchers import held
from tests.sweep.launchers.runs import claims, launch, planned, study_of, until, weights

pytest.importorskip("submitit")

pytestmark = pytest.mark.faults
LINE = "train.updates=3000 train.evaluate_every=100 seeds=3"


@pytest.fixture
def queue():
    if lacking := missing():
        pytest.skip(f"SLURM is not installed: {lacking}")
    with ExitStack() as stack:
        try:
            found = stack.enter_context(slurm())
        except RuntimeError as error:
            pytest.skip(f"SLURM does not start here: {error}")
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in found.environment.items():
            patch.setenv(name, value)
        yield found


def go_to(folder):
    """Make a working folder whose task `held` crawls while there is a file `hold`."""
    plugins = folder / "rnnbench_plugins"
    plugins.mkdir(parents=True)
    shutil.copy(Path(held.__file__), plugins)
    os.chdir(folder)
    return planned(LINE, task="held")


def only(mapping, value):
    return [key for key, found in mapping.items() if found == value]


def test_jobs_that_end_before_their_time(queue, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    undisturbed = go_to(tmp_path / "threads")
    launch("threads", undisturbed)
    expected = weights(undisturbed)

    runs = go_to(tmp_path / "slurm")
    study, hold = study_of(runs), Path("hold").absolute()
    hold.touch()
    sweep = threading.Thread(target=launch, args=("submitit_slurm", runs), kwargs={"signal_delay_s": 20})
    sweep.start()

    def training(run):
        # The progress is written a second after the start, with the process at work.
        return until(lambda: study.layout.progress(run.key).exists(), 120)

    # SLURM has one processor: one job after another.
    killed, cancelled, limited = runs
    assert training(killed)
    os.kill(claims(runs)[killed.key], signal.SIGKILL)
    assert training(cancelled)
    (job,) = only(queue.jobs(), "RUNNING")
    queue.ask("scancel", job)
    assert training(limited) and study.has_checkpoint(cancelled.key)
    assert until(lambda: only(queue.jobs(), "PENDING"), 120)
    assert study.has_checkpoint(limited.key)
    (job,) = only(queue.jobs(), "PENDING")
    hold.unlink()
    queue.ask("scontrol", "update", f"JobId={job}", "StartTime=now")
    sweep.join(120)
    assert not sweep.is_alive()
    assert weights(runs) == {limited.seed: expected[limited.seed]}
    assert claims(runs).keys() == {killed.key} and study.claim(killed.key).take()
    said = capfd.readouterr().err
    assert "rnnbench: a job died; its log is in " in said and "accounting" not in said

    # As `sweep.complete` does with a run that nobody holds.
    launch("submitit_slurm", [cancelled])
    assert weights(runs)[cancelled.seed] == expected[cancelled.seed]
    assert not only(queue.jobs(), "PENDING")
