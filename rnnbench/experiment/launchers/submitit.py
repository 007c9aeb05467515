"""Jobs of SLURM, or processes of this machine that stand for them, by submitit."""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar

from rnnbench.experiment.launchers import remote
from rnnbench.experiment.launchers.contract import LauncherError, WorkerDied
from rnnbench.experiment.launchers.dispatching import Distant, Run
from rnnbench.experiment.launchers.settings import SubmititLocal, SubmititSlurm
from rnnbench.experiment.launchers.submitit_job import Job
from rnnbench.experiment.refusals import Refused
from rnnbench.training.seeds import Interrupted

#: Settings whose names are submitit's own for every cluster; the others are SLURM's.
_SHARED = ("timeout_min", "cpus_per_task", "mem_gb", "name", "stderr_to_stdout")
#: Settings that are no parameters of a job.
_OURS = ("concurrency", "max_num_timeout")


class Submitit(Distant):
    """Trains each seed as a job; what starts at the same moment is one array.

    Parameters
    ----------
    settings : SubmititLocal or SubmititSlurm
        Where, and with which limits.
    threads : int
        Runs at a time on this machine where the settings do not say.
    root : Path
        The folder of runs, which the jobs must see too; their files lie in `submitit` in it. A job that has
        given its result leaves none behind.

    Raises
    ------
    Refused
        submitit is not installed.
    """

    name: ClassVar[str] = "submitit_local"

    def __init__(self, settings: SubmititLocal | SubmititSlurm, threads: int, root: Path) -> None:
        try:
            import submitit
        except ImportError as error:
            raise Refused("hydra/launcher=submitit: needs submitit: pip install 'rnnbench[slurm]'") from error
        super().__init__(root)
        self._submitit = submitit
        self._settings = settings
        self._local = isinstance(settings, SubmititLocal)
        if isinstance(settings, SubmititSlurm):
            self.name = "submitit_slurm"  # type: ignore[misc]
            self._slots = settings.array_parallelism
        else:
            self._slots = settings.concurrency or threads
        self._pause = 0.25 if self._local else 2.0
        self._looked = monotonic()
        self._folder = self.root / "submitit"
        self._stop_file = self._folder / f"stop-{uuid.uuid4().hex}"

    @property
    def slots(self) -> int:
        """Runs at a time."""
        return self._slots

    def _open(self) -> None:
        cluster = "local" if self._local else "slurm"
        environment = [f"{name}={value}" for name, value in remote.environment().items()]
        # submitit loads NumPy before the job: its threads are capped in front of Python.
        python = shlex.join(["env", *environment, sys.executable])
        settings = asdict(self._settings)
        retries = settings.get("max_num_timeout", 0)
        parameters = {
            name if name in _SHARED else f"{cluster}_{name}": value
            for name, value in settings.items()
            if name not in _OURS and value not in (None, {}, [])
        }
        try:
            self._executor = self._submitit.AutoExecutor(
                self._folder / "%j",
                cluster,
                **{f"{cluster}_python": python, f"{cluster}_max_num_timeout": retries},
            )
            self._executor.update_parameters(**parameters)
        except (RuntimeError, NameError, ValueError, AssertionError) as error:
            said = " ".join(str(error).split())
            raise Refused(f"hydra/launcher={self.name}: {said}") from error
        except OSError as error:
            raise Refused(
                f"{error.filename or self._folder}: cannot be written ({error.strerror})"
            ) from error

    def _close(self) -> None:
        for run in self.running.values():
            self._kill(run.handle)
        with suppress(OSError):
            self._stop_file.unlink()
        # submitit makes one by its pattern too; what is not empty stays.
        for folder in (self._folder / "%j", self._folder):
            with suppress(OSError):
                folder.rmdir()

    def _places(self) -> list[str]:
        return ["job"] * max(0, self._slots - len(self.running))

    def _send(self, runs: Sequence[Run]) -> None:
        parent = [os.getpid(), socket.gethostname()] if self._local else None
        orders = [{**r.order(self.root), "stop": str(self._stop_file), "parent": parent} for r in runs]
        try:
            if len(runs) == 1:
                jobs = [self._executor.submit(Job(), orders[0])]
            else:
                with self._executor.batch():
                    jobs = [self._executor.submit(Job(), order) for order in orders]
        except Exception as error:
            said = " ".join(str(error).split())
            for run in runs:
                self.settle(run, LauncherError(f"seed {run.seed}: cannot be submitted: {said}"))
            return
        for run, job in zip(runs, jobs, strict=True):
            run.handle = job

    def _look(self) -> None:
        if monotonic() - self._looked < self._pause:
            return
        self._looked = monotonic()
        for run in list(self.running.values()):
            if run.handle is not None and run.handle.done():
                self.settle(run, self._content(run))

    def _content(self, run: Run) -> bytes | Exception:
        job = run.handle
        try:
            if self._local and not job.paths.result_pickle.exists():
                raise self._submitit.core.utils.UncompletedJobError
            content = bytes(job.result())
        except self._submitit.core.utils.UncompletedJobError:
            if self._stopping:
                return Interrupted(f"seed {run.seed} was stopped")
            return WorkerDied(f"seed {run.seed}: its job {job.job_id} is gone; see {job.paths.stderr}")
        except Exception as error:
            last = (str(error).strip().splitlines() or [""])[-1]
            return LauncherError(f"seed {run.seed}: job {job.job_id} failed: {last}; see {job.paths.stderr}")
        shutil.rmtree(job.paths.folder, ignore_errors=True)
        return content

    def _halt(self) -> None:
        if not self.running:
            return
        with suppress(OSError):
            self._stop_file.touch()
        if not self._local:
            self._cancel("--state=PENDING")

    def _abandon(self, runs: Sequence[Run]) -> None:
        if not self._local:
            self._cancel()
        for run in runs:
            self._kill(run.handle)

    def _cancel(self, *options: str) -> None:
        jobs = [run.handle.job_id for run in self.running.values() if run.handle is not None]
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(["scancel", *options, *jobs], capture_output=True, timeout=10, check=False)

    def _kill(self, job: Any) -> None:
        """Kill a process of this machine and the one it watches; SLURM's jobs are SLURM's."""
        if not self._local or job is None or job.done():
            return
        pid = int(job.job_id)
        with suppress(OSError):
            for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                os.kill(int(child), signal.SIGKILL)
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
