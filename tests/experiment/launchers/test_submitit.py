"""submitit: processes of this machine, and what SLURM would be asked to do."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("submitit")

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
    with opened("submitit_local", concurrency=1) as far:
        training = far.start(endless(2), (0, 1))
        assert until(lambda: jobs_of(os.getpid()))
        mine = descendants(os.getpid())
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
    subprocess.Popen(["bash", sys.argv[1] + ".copy"], env=os.environ | ids | array, start_new_session=True,
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) if os.environ.get("RUN_JOBS") and (
        pathlib.Path(sys.argv[1] + ".copy").write_text(text)) else None
print("Submitted batch job", number)
"""
SRUN = """#!{python}
import os, sys
os.execvp("env", sys.argv[sys.argv.index("env"):])
"""


@pytest.fixture
def slurm(empty, monkeypatch):
    """A SLURM that runs its jobs at once, as the folder in which `asked` holds what it was asked to do."""
    folder = empty / "slurm"
    folder.mkdir()
    commands = {"sbatch": SBATCH, "srun": SRUN, "sacct": "#!/bin/sh\n", "scancel": "#!/bin/sh\n"}
    for name, text in commands.items():
        path = folder / name
        path.write_text(text.format(python=sys.executable, folder=folder))
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("RUN_JOBS", "1")
    return folder


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
