"""submitit: processes of this machine, and what SLURM would be asked to do."""

import os
import signal
import socket
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

pytest.importorskip("submitit")

from rnnbench.experiment.launchers.contract import LauncherError, WorkerDied
from rnnbench.experiment.refusals import Refused
from rnnbench.training.seeds import Interrupted
from tests.experiment.composing import configured
from tests.experiment.launchers.runs import (
    ENDLESS,
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


def jobs_of(pid):
    """The processes of a sweep's jobs that do the work."""
    return [p for p in descendants(pid) if "core._submit" in Path(f"/proc/{p}/cmdline").read_text()]


def test_the_bits_are_those_of_threads_and_no_file_is_left(place, local, capfd):
    configuration = small("diagnostics=on", seeds=2)
    started = []
    with opened("submitit_local") as far:
        training = far.start(configuration, (0, 1), on_start=started.append)
        results = training.results()
        assert (far.name, far.slots, started) == ("submitit_local", 2, [0, 1]) and training.seconds > 0
    assert [bits(e) for e in results] == [bits(e) for e in local.start(configuration, (0, 1)).results()]
    assert not (place / "runs" / "submitit").exists()
    assert capfd.readouterr() == ("", "")


def test_a_job_that_dies_takes_its_own_run_only(place):
    with opened("submitit_local") as far:
        training = far.start(endless(), (0,))
        assert until(lambda: jobs_of(os.getpid()))
        (job,) = jobs_of(os.getpid())
        other = far.start(small(), (0,))
        os.kill(job, signal.SIGKILL)
        (died,) = training.results()
        assert isinstance(died, WorkerDied) and "its job" in str(died) and "is gone; see " in str(died)
        assert other.results()[0].result.outcome == "finished"


def test_stop_ends_the_jobs(empty):
    # Python's own helpers of earlier tests live as long as this process.
    before = descendants(os.getpid())
    with opened("submitit_local", concurrency=1) as far:
        training = far.start(endless(2), (0, 1))
        assert until(lambda: jobs_of(os.getpid()))
        mine = descendants(os.getpid()) - before
        time.sleep(2)
        far.stop()
        assert [type(e) for e in training.results()] == [Interrupted] * 2
    assert until(lambda: not alive(mine))


@pytest.mark.parametrize("how", ["Ctrl-C", "kill -9"])
def test_the_end_of_a_sweep_leaves_nothing_behind(how, empty):
    with sweep("submitit_local", empty) as process:
        assert process.stdout.readline() == "started 0\n"
        assert until(lambda: len(jobs_of(process.pid)) == 2)
        children = descendants(process.pid)
        if how == "Ctrl-C":
            interrupt(process)
        else:
            process.kill()
        out, err = process.communicate(timeout=40)
        if how == "Ctrl-C":
            assert process.returncode == 130 and err == ""
            assert all("was stopped" in part for part in out.splitlines()[-1].split(", seed"))
        assert until(lambda: not alive(children))


SBATCH = """#!{python}
import os, pathlib, re, subprocess, sys
text = pathlib.Path(sys.argv[1]).read_text()
pathlib.Path("{folder}/asked").open("a").write(text)
number = str(1000 + len(list(pathlib.Path("{folder}").glob("job-*"))))
pathlib.Path("{folder}/job-" + number).touch()
last = re.search(r"--array=0-([0-9]+)", text)
for n in range(int(last[1]) + 1) if last else [None]:
    array = {{}} if n is None else {{"SLURM_ARRAY_JOB_ID": number, "SLURM_ARRAY_TASK_ID": str(n)}}
    ids = {{"SLURM_JOB_ID": number, "SLURM_NTASKS": "1", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}}
    ids |= {{"SLURM_JOB_NUM_NODES": "1", "SLURM_NODEID": "0", "SLURM_JOB_NODELIST": "here"}}
    ids |= {{"FAKE_SCRIPT": sys.argv[1] + ".copy"}}
    subprocess.Popen(["bash", sys.argv[1] + ".copy"], env=os.environ | ids | array, start_new_session=True,
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) if os.environ.get("RUN_JOBS") and (
        pathlib.Path(sys.argv[1] + ".copy").write_text(text)) else None
print("Submitted batch job", number)
"""
SRUN = """#!{python}
import os, sys
os.execvp("env", sys.argv[sys.argv.index("env"):])
"""


SQUEUE = """#!{python}
import os, pathlib, sys
pathlib.Path("{folder}/asked-by").open("a").write(str(os.getppid()) + " ")
state = pathlib.Path("{folder}/state")
for number in sys.argv[-1].partition("=")[2].split(","):
    for job in (number, number + "_0", number + "_1"):
        print(job, state.read_text() if state.exists() else "RUNNING")
"""
SCONTROL = """#!{python}
import os, pathlib, subprocess, sys
pathlib.Path("{folder}/requeued").write_text(" ".join(sys.argv[1:]))
subprocess.Popen(["bash", os.environ["FAKE_SCRIPT"]], start_new_session=True,
                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
"""


@pytest.fixture
def slurm(empty, monkeypatch):
    """A SLURM that runs its jobs at once, as the folder in which `asked` holds what it was asked to do."""
    folder = empty / "slurm"
    folder.mkdir()
    commands = {"sbatch": SBATCH, "srun": SRUN, "squeue": SQUEUE, "scontrol": SCONTROL}
    commands["scancel"] = f"#!/bin/sh\necho $* >> {folder}/cancelled\n"
    for name, text in commands.items():
        path = folder / name
        path.write_text(text.format(python=sys.executable, folder=folder))
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("RUN_JOBS", "1")
    yield folder
    for pid in queued(empty):
        os.kill(pid, signal.SIGKILL)


def queued(folder):
    """The Python processes of jobs whose files lie in a folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (place / "cmdline").read_bytes().split(b"\0")
            ours = any(word.startswith(f"{folder}/".encode()) for word in words)
            if ours and b"submitit.core._submit" in words:
                found.append(int(place.name))
    return found


def checkpoints(folder):
    return list((folder / "runs" / "checkpoints").rglob("*.npz"))


@pytest.fixture
def training(slurm, empty):
    """A job of SLURM that trains for hours: yields the launcher, what it trains and the process."""

    @contextmanager
    def start(**given):
        with opened("submitit_slurm", **given) as far:
            training = far.start(
                configured(f"{ENDLESS} train.evaluate_every=200 train.checkpoint_every=0.1"), (0,)
            )
            # It hears signals when it trains.
            assert until(lambda: checkpoints(empty), 120)
            (pid,) = queued(empty)
            yield far, training, pid
            far.stop()

    return start


def test_what_slurm_is_asked_to_do(slurm, local):
    configuration = small(seeds=2)
    given = {
        "partition": "cpu", "timeout_min": 90, "mem_gb": 2.0, "setup": ["true"], "account": "mine",
        "additional_parameters": {"nice": 5}, "array_parallelism": 7,
    }  # fmt: skip
    with opened("submitit_slurm", **given) as far:
        assert (far.name, far.slots) == ("submitit_slurm", 7)
        results = far.start(configuration, (0, 1)).results()
    assert [bits(e) for e in results] == [bits(e) for e in local.start(configuration, (0, 1)).results()]
    asked = (slurm / "asked").read_text()
    for line in (
        "--partition=cpu", "--time=90", "--mem=2GB", "--account=mine", "--nice=5", "--array=0-1%2",
        "--cpus-per-task=1", "--job-name=rnnbench", "--signal=USR2@120",
    ):  # fmt: skip
        assert f"#SBATCH {line}\n" in asked, line
    command = asked.splitlines()[-1]
    assert command.startswith("srun ") and "-m submitit.core._submit" in command
    assert all(
        f"{name}=1" in command for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    )
    assert "\ntrue\n" in asked


def test_a_machine_without_slurm(empty, monkeypatch):
    monkeypatch.setenv("PATH", str(empty))
    with pytest.raises(Refused, match=r"hydra/launcher=submitit_slurm: .*srun"), opened("submitit_slurm"):
        pass


def test_what_slurm_refuses(slurm):
    (slurm / "sbatch").write_text("#!/bin/sh\necho 'sbatch: error: invalid partition' >&2\nexit 1\n")
    with opened("submitit_slurm", partition="nowhere") as far:
        (refused,) = far.start(small(), (0,)).results()
    assert isinstance(refused, LauncherError) and "cannot be submitted" in str(refused)
    assert "invalid partition" in str(refused)


def test_what_a_refused_job_leaves(slurm, empty):
    (slurm / "sbatch").write_text("#!/bin/sh\nexit 1\n")
    with opened("submitit_slurm") as far:
        far.start(small(seeds=2), (0, 1)).results()
    assert not (empty / "runs" / "submitit").exists()


def test_a_job_that_slurm_ends_has_a_checkpoint_and_no_result(slurm, empty, training):
    with training() as (_, trained, pid):
        (slurm / "state").write_text("COMPLETING")
        os.kill(pid, signal.SIGTERM)
        assert until(lambda: not alive({pid})) and len(checkpoints(empty)) == 1
        assert not trained.done and not list(empty.rglob("*_result.pkl"))
        (slurm / "state").write_text("CANCELLED")
        (died,) = trained.results()
    assert isinstance(died, WorkerDied) and str(died) == "seed 0: its job 1000 is gone (CANCELLED)"


def test_a_job_to_be_preempted_trains_until_it_is_killed(slurm, empty, training):
    """SLURM would not queue one again that ended by itself."""
    with training() as (_, trained, pid):
        os.kill(pid, signal.SIGTERM)
        assert until(
            lambda: (slurm / "asked-by").exists() and str(pid) in (slurm / "asked-by").read_text().split()
        )
        before = checkpoints(empty)[0].stat().st_mtime_ns
        assert until(lambda: checkpoints(empty)[0].stat().st_mtime_ns > before)
        assert queued(empty) == [pid] and not trained.done


def test_the_time_limit(slurm, empty, training):
    with training(timeout_min=1) as (_, trained, pid):
        assert "#SBATCH --signal=USR2@30\n" in (slurm / "asked").read_text()
        os.kill(pid, signal.SIGUSR2)
        (ended,) = trained.results()
    assert type(ended) is LauncherError
    assert str(ended) == (
        "seed 0: its job reached hydra.launcher.timeout_min; the next start goes on from there"
    )
    assert checkpoints(empty) and not (slurm / "requeued").exists()


def test_a_job_is_queued_again_at_its_time_limit(slurm, empty, training):
    with training(timeout_min=1, max_num_timeout=1) as (_, trained, pid):
        os.kill(pid, signal.SIGUSR2)
        assert until(lambda: queued(empty) and pid not in queued(empty), 60)
        assert (slurm / "requeued").read_text() == "requeue 1000"
        assert not trained.done
        (slurm / "state").write_text("PENDING")
    assert [type(e) for e in trained.results()] == [Interrupted]


def test_the_jobs_of_a_killed_sweep_are_ended(slurm, empty):
    folder = empty / "runs" / "submitit" / "dead"
    folder.mkdir(parents=True)
    (folder / "sweep").write_text(f"{socket.gethostname()}\njob 7\njob 8_1\n")
    (slurm / "state").write_text("CANCELLED")
    with opened("submitit_slurm"):
        assert (slurm / "cancelled").read_text() == "7 8_1\n" and not folder.exists()
