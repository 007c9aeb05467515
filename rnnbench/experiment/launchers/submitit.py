"""Jobs of SLURM, or processes of this machine that stand for them, by submitit."""

import os
import shlex
import shutil
import signal
import socket
import sys
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from time import monotonic, sleep
from typing import Any, ClassVar

from rnnbench.experiment.launchers import remote, squeue
from rnnbench.experiment.launchers.contract import LauncherError, WorkerDied
from rnnbench.experiment.launchers.dispatching import GRACE, Distant, Run
from rnnbench.experiment.launchers.presence import Presence
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
        The folder of runs, which the jobs must see too; their files lie in `submitit` in it, in a folder of
        each sweep. A job that has given its result leaves none behind.

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
        self._folder = self.root / "submitit" / uuid.uuid4().hex[:12]
        self._squeue = squeue.Squeue()

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
        if "signal_delay_s" in settings:
            # A warning that comes as the job begins would leave a short one no time at all.
            settings["signal_delay_s"] = min(settings["signal_delay_s"], 30 * settings["timeout_min"])
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
            self._presence = Presence(self._folder)
        except (RuntimeError, NameError, ValueError, AssertionError) as error:
            said = " ".join(str(error).split())
            raise Refused(f"hydra/launcher={self.name}: {said}") from error
        except OSError as error:
            raise Refused(
                f"{error.filename or self._folder}: cannot be written ({error.strerror})"
            ) from error
        self._bury()

    def _bury(self) -> None:
        """End the jobs of sweeps that were killed, whose runs are trained here, and remove their files."""
        dead = self._presence.dead()
        jobs = [job for sent in dead.values() for job in sent]
        squeue.cancel(jobs)
        until = monotonic() + GRACE
        while jobs and monotonic() < until:
            # Their last checkpoints are worth the wait.
            states = squeue.states_of(jobs)
            if states is None or all(states.get(job, "COMPLETED") in squeue.ENDED for job in jobs):
                break
            sleep(0.25)
        for folder in dead:
            shutil.rmtree(folder, ignore_errors=True)

    def _close(self) -> None:
        for run in self.running.values():
            self._kill(run.handle)
        self._presence.close()
        with suppress(OSError):
            # What submitit leaves of a submission that was refused.
            for path in [*self._folder.glob("*.pkl"), *self._folder.glob(".submission_file_*")]:
                path.unlink()
        # submitit makes one by its pattern too; what is not empty stays.
        for folder in (self._folder / "%j", self._folder, self._folder.parent):
            with suppress(OSError):
                folder.rmdir()

    def _places(self) -> list[str]:
        return ["job"] * max(0, self._slots - len(self.running))

    def _send(self, runs: Sequence[Run]) -> None:
        parent = [os.getpid(), socket.gethostname()] if self._local else None
        orders = [{**r.order(self.root), "sweep": str(self._presence.path), "parent": parent} for r in runs]
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
            if not self._local:
                self._presence.sent(job.job_id)
        if len(runs) > 1 and not self._local:
            # The script of an array, which SLURM has copied.
            shutil.rmtree(self._folder / jobs[0].job_id.partition("_")[0], ignore_errors=True)
        self._squeue.submitted()

    def _look(self) -> None:
        self._presence.beat()
        if monotonic() - self._looked < self._pause:
            return
        self._looked = monotonic()
        for run in self._sent_runs():
            if _has_result(run.handle):
                self.settle(run, self._content(run))
        for run, state in self._ended():
            # Once more: it may have come since.
            self.settle(run, self._content(run) if _has_result(run.handle) else self._lost(run, state))

    def _sent_runs(self) -> list[Run]:
        return [run for run in self.running.values() if run.handle is not None]

    def _ended(self) -> list[tuple[Run, str]]:
        """Return the runs whose jobs have ended, with SLURM's word for it."""
        runs = self._sent_runs()
        if self._local:
            return [(run, "") for run in runs if run.handle.done()]
        states = self._squeue.ended([run.handle.job_id for run in runs], now=self._stopping)
        return [(run, states[run.handle.job_id]) for run in runs if run.handle.job_id in states]

    def _lost(self, run: Run, state: str) -> Exception:
        """Return what is said of a job that gave no result."""
        job = run.handle
        if self._stopping:
            shutil.rmtree(job.paths.folder, ignore_errors=True)
            return Interrupted(f"seed {run.seed} was stopped")
        why, log = f" ({state})" if state else "", job.paths.stderr
        see = f"; see {log}" if log.exists() else ""
        return WorkerDied(f"seed {run.seed}: its job {job.job_id} is gone{why}{see}")

    def _content(self, run: Run) -> bytes | Exception:
        """Return the result of a job, which is there."""
        job = run.handle
        try:
            content = bytes(job.result())
        except Exception as error:
            last = (str(error).strip().splitlines() or [""])[-1]
            return LauncherError(f"seed {run.seed}: job {job.job_id} failed: {last}; see {job.paths.stderr}")
        shutil.rmtree(job.paths.folder, ignore_errors=True)
        return content

    def _halt(self) -> None:
        self._presence.stop()
        if not self._local:
            squeue.cancel([run.handle.job_id for run in self._sent_runs()], "--state=PENDING")

    def _abandon(self, runs: Sequence[Run]) -> None:
        if not self._local:
            squeue.cancel([run.handle.job_id for run in self._sent_runs()])
        for run in runs:
            self._kill(run.handle)

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


def _has_result(job: Any) -> bool:
    """Whether a job's result is there; on a shared disk the change of its folder makes new files be seen."""
    with suppress(OSError):
        job.paths.folder.chmod(job.paths.folder.stat().st_mode)
    return bool(job.paths.result_pickle.exists())
