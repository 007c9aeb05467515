"""Batches: runs that one job trains, each batch a JSON file that tells the job what to do."""

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rnnbench.store import Store, StoreError, Study
from rnnbench.store.errors import reason
from rnnbench.sweep.command import Command
from rnnbench.sweep.estimates import newest_of_each_size, seconds_of_a_run
from rnnbench.sweep.launchers.contract import PlannedRun

#: Batches for each worker where nobody knows how long runs take: all workers end at about the same time.
EACH = 8
#: Batches of one launch at most: SLURM takes arrays of 1,000 jobs by default.
MOST = 1000


def write_batches(runs: Sequence[PlannedRun], command: Command, workers: int, most: int = MOST) -> list[Path]:
    """Write the batches of a launch to files in a folder of their own below `STUDY/.work/jobs`.

    Parameters
    ----------
    runs : sequence of PlannedRun
        What is launched; at least one.
    command : Command
        What the runs have in common.
    workers : int
        Batches that can be trained at a time.
    most : int
        Batches at most.

    Returns
    -------
    list of Path
        A file for each batch, in one folder that is readable and writable by its owner alone.

    Raises
    ------
    StoreError
        The folder cannot be written, or is not safe.
    """
    study = Store(command.root).study(runs[0].configuration.study)
    jobs = study.layout.work / "jobs"
    batches = in_batches(runs, seconds_of_runs(runs, study), workers, most)
    try:
        jobs.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_folder(jobs)
        folder = Path(tempfile.mkdtemp(prefix="", dir=jobs))
        files = [folder / f"{number}.json" for number in range(len(batches))]
        for path, batch in zip(files, batches, strict=True):
            # Each configuration once, with seeds and keys of its runs.
            own = {id(run.configuration): run.configuration for run in batch}.values()
            parts = [(c.as_plain(), [(r.seed, r.key) for r in batch if r.configuration is c]) for c in own]
            content = {"folder": str(Path.cwd()), "command": command.as_plain(), "runs": parts}
            path.write_text(json.dumps(content), encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{jobs} cannot be written: {reason(error)}") from error
    return files


def stop(files: Sequence[Path]) -> None:
    """Let the jobs of batches stop: each at its next block of updates, after a checkpoint."""
    for path in files:
        path.unlink(missing_ok=True)


def remove(files: Sequence[Path]) -> None:
    """Stop the jobs of batches and remove the folder, with all that launchers have written there."""
    shutil.rmtree(files[0].parent, ignore_errors=True)


def _check_folder(folder: Path) -> None:
    """Refuse a folder of jobs in which anybody else could put or change files: jobs do what these say."""
    found = folder.lstat()
    others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or others:
        raise StoreError(
            f"{folder}: must be a folder of your own, no link, that others may not write to; "
            f"remove it or chmod 700 {folder}"
        )


def seconds_of_runs(runs: Sequence[PlannedRun], study: Study) -> NDArray[np.float64]:
    """Estimate the seconds of each run from stored runs of the study; NaN where nothing is known."""
    seen = newest_of_each_size(study.summaries().values())
    configurations = {id(run.configuration): run.configuration for run in runs}
    seconds = {key: seconds_of_a_run(each, seen) for key, each in configurations.items()}
    return np.array([seconds[id(run.configuration)] or np.nan for run in runs])


def in_batches(
    runs: Sequence[PlannedRun], seconds: NDArray[np.float64], workers: int, most: int = MOST
) -> list[list[PlannedRun]]:
    """Divide runs, in their order, into batches of about `launch.batch` seconds of work.

    Parameters
    ----------
    runs : sequence of PlannedRun
        At least one.
    seconds : ndarray (runs,)
        What each takes. Where one is NaN, all are taken for equal.
    workers : int
        There are so many batches at least, if there are enough runs.
    most : int
        Batches at most.
    """
    if np.isnan(seconds).any():
        seconds = np.ones(len(runs))
        share = len(runs) / (EACH * workers)
    else:
        share = min(runs[0].configuration.launch.batch, seconds.sum() / workers)
    middles = np.cumsum(seconds) - seconds / 2
    numbers = iter(np.floor(middles / max(share, seconds.sum() / most)))
    return [list(batch) for _, batch in groupby(runs, key=lambda run: next(numbers))]
