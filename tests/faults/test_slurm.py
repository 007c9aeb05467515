"""A real SLURM: the same bits, jobs and sweeps that are ended from outside, and nothing that is left over."""

import os
import shutil
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.slurm import missing, slurm
from tests.faults.sweeping import TRAIN, Folder, assert_undisturbed, ended, until

pytest.importorskip("submitit")

pytestmark = pytest.mark.faults
#: Two runs of a second, or of minutes while they are held; SLURM has one processor, so the second waits.
BASIC = (
    "run -m model=elman task=held task.length=20 model.hidden=8 seeds=2 "
    f"{TRAIN.replace('updates=4000', 'updates=10000')}"
)
HELD = f"{BASIC} hydra/launcher=submitit_slurm"


@pytest.fixture(scope="module")
def queue():
    """A `Slurm`, which every command of these tests uses."""
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


def with_plugin(path):
    plugins = path / "rnnbench_plugins"
    plugins.mkdir(exist_ok=True)
    shutil.copy(Path(__file__).with_name("held.py"), plugins)
    return path


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What the sweep gives in threads."""
    folder = Folder(with_plugin(tmp_path_factory.mktemp("held")))
    code, _, err = folder.run(BASIC)
    assert code == 0, err
    return folder.outcome()


@pytest.fixture
def held(folder, queue):
    """A sweep whose first job trains and cannot end before `hold` is removed; its process."""
    with_plugin(folder.path)
    (folder.path / "hold").touch()
    process = folder.start(HELD)
    assert until(lambda: folder.begun() or process.poll() is not None, 180)
    assert process.poll() is None, ended(process)
    yield process
    queue.empty()


def running(queue):
    return [job for job, state in queue.jobs().items() if state == "RUNNING"]


def release(folder):
    (folder.path / "hold").unlink()


def test_the_bits_are_those_of_threads(folder, queue, undisturbed):
    with_plugin(folder.path)
    code, _, err = folder.run(HELD)
    assert code == 0 and "WARNING" not in err and "sacct" not in err, err
    assert_undisturbed(folder, undisturbed)
    assert not (folder.runs / "submitit").exists()
    assert set(queue.jobs().values()) == {"COMPLETED"}


def test_a_job_is_cancelled_from_outside(folder, queue, undisturbed, held):
    (victim,) = running(queue)
    queue.ask("scancel", victim)
    assert until(lambda: queue.jobs()[victim] == "CANCELLED")
    release(folder)
    code, _, err = ended(held)
    assert code == 1 and err.splitlines()[-1] == "rnnbench: 1 of 2 runs failed", err
    assert f"its job {victim} is gone (CANCELLED); see " in err
    assert "RUNNING" not in folder.statuses()
    code, _, err = folder.run(HELD)
    assert code == 0 and "1 done, 1 failed" in err, err
    assert_undisturbed(folder, undisturbed)


def test_the_sweep_is_terminated(folder, queue, undisturbed, held):
    os.kill(held.pid, signal.SIGTERM)
    code, _, err = ended(held)
    assert code == 130 and err.splitlines()[-1] == "rnnbench: interrupted" and "Traceback" not in err, err
    assert until(lambda: not queue.busy())
    assert len(folder.checkpoints()) == 1
    release(folder)
    code, _, err = folder.run(HELD)
    assert code == 0 and "2 to run (1 from " in err, err
    assert_undisturbed(folder, undisturbed)


def test_the_sweep_is_killed_and_its_jobs_are_ended_by_the_next(folder, queue, undisturbed, held):
    jobs = queue.busy()
    folder.kill(held)
    assert len(jobs) == 2 and queue.busy() == jobs
    again = folder.start(HELD)
    assert until(lambda: not set(jobs) & set(queue.busy()), 180)
    release(folder)
    code, _, err = ended(again)
    assert code == 0 and "2 to run (1 from " in err, err
    assert_undisturbed(folder, undisturbed)
    assert not (folder.runs / "submitit").exists()
