"""Jobs of SLURM: whether any is left is asked of `squeue`, which needs no accounting database."""

import subprocess
import time
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any

#: Seconds between two questions. A result may be there as long after its job has left the queue.
PAUSE = 5.0


def submitted(folder: Path) -> list[str]:
    """Return the numbers of the jobs for which submitit has made folders; one for an array."""
    names = {path.name.partition("_")[0] for path in folder.iterdir() if path.is_dir()}
    return sorted(filter(str.isdigit, names))


def is_any_left(jobs: list[str]) -> bool:
    """Whether any job waits or runs; True where SLURM does not answer."""
    command = ["squeue", "--noheader", "--format=%i", f"--jobs={','.join(jobs)}"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    forgotten = "Invalid job id" in said.stderr
    return not forgotten and (said.returncode != 0 or bool(said.stdout.strip()))


def wait_for_jobs(launched: Future[Any], folder: Path) -> None:
    """Wait until submitit has all results, or no job is left.

    submitit waits forever for a job that was killed, where SLURM keeps no accounts; and once it finds one job
    that failed, it waits for no other.

    Parameters
    ----------
    launched : Future
        The call of submitit.
    folder : Path
        Where it makes a folder for each job.
    """
    times_empty = 0
    while times_empty < 2:
        wait([launched], PAUSE)
        jobs = submitted(folder)
        if launched.done() and (launched.exception() is None or not jobs):
            return
        if launched.done():
            time.sleep(PAUSE)
        times_empty = 0 if not jobs or is_any_left(jobs) else times_empty + 1


def cancel(folder: Path) -> None:
    """Cancel all jobs; those in training write a checkpoint first."""
    if jobs := submitted(folder):
        subprocess.run(["scancel", *jobs], check=False)
