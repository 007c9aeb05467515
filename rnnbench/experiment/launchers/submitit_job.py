"""What a job of submitit runs; light at the top, as `remote`."""

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

from rnnbench.experiment.launchers import remote
from rnnbench.experiment.launchers.presence import Watched

#: Seconds between two looks at whether to go on.
PAUSE = 0.5


class _Ended(BaseException):
    """SLURM wants the job to end; no `Exception`, so that nobody takes it for the run's own result."""


class Job:
    """One run as a job; see `remote.carry_out`.

    It ends at its next block when the launcher has written so into its file, when the launcher is gone, or
    when SLURM says so: then without a result, so that a job that is put back into the queue goes on.
    """

    def __call__(self, order: dict[str, Any]) -> bytes:
        """Train."""
        from rnnbench.experiment.launchers.contract import LauncherError
        from rnnbench.training.seeds import Interrupted

        watcher, looked = os.getppid(), -PAUSE
        sweep, seed = Watched(order["sweep"]), order["seed"]
        asked: list[int] = []
        before = _listen(asked)

        def may_go_on() -> None:
            nonlocal looked
            if asked:
                raise _Ended
            if monotonic() - looked < PAUSE:
                return
            looked = monotonic()
            if sweep.stops or (order["parent"] and self._alone(order["parent"], watcher)):
                raise Interrupted(f"seed {seed} was stopped")
            if not order["parent"] and sweep.silent:
                raise LauncherError(f"seed {seed}: its sweep gave no sign of life")

        while True:
            try:
                return remote.carry_out(order, may_go_on)
            except _Ended:
                # The checkpoint is written: it is gone on from, where the job is.
                number = asked[0]
                asked.clear()
                if number != signal.SIGTERM:
                    return _end(before[number], order)
                if order["parent"] or not _still_runs():
                    raise SystemExit(128 + number) from None

    def checkpoint(self, order: dict[str, Any]) -> Any:
        """Return the job that goes on where SLURM ended this one for its time or its place."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, order)

    @staticmethod
    def _alone(parent: list[Any], watcher: int) -> bool:
        pid, host = parent
        if os.getppid() != watcher:
            return True
        if host != socket.gethostname():
            return False
        try:
            os.kill(pid, 0)
            # One that has ended, but that nobody has waited for yet, is gone too.
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except ProcessLookupError:
            return True
        except OSError:
            return False


def _listen(asked: list[int]) -> dict[int, Callable[..., Any]]:
    """Only note the signals that submitit answers; return its answers, which come after the checkpoint."""
    before = {}
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        handler = signal.getsignal(number)
        if callable(handler):
            before[int(number)] = handler
            signal.signal(number, lambda number, frame: asked.append(number))
    return before


def _still_runs() -> bool:
    """Whether SLURM means the job to go on for now, for all its SIGTERM.

    It does so before a preemption, to be followed by SIGKILL. A job that ended by itself in the time between
    would count as failed, and would not be queued again.
    """
    from submitit import JobEnvironment

    from rnnbench.experiment.launchers.squeue import states_of

    job = JobEnvironment().job_id
    states = states_of([job])
    return states is None or states.get(job) == "RUNNING"


def _end(answer: Callable[..., Any], order: dict[str, Any]) -> bytes:
    """Let submitit queue the job again, which ends this process; where it does not, return why."""
    from rnnbench.experiment.launchers import sending
    from rnnbench.experiment.launchers.contract import LauncherError

    try:
        answer(signal.SIGUSR2, None)
        why = "SLURM ended it"
    except Exception as error:
        timed_out = "timed-out" in str(error)
        why = "its job reached hydra.launcher.timeout_min" if timed_out else f"its job ended: {error}"
    said = f"seed {order['seed']}: {why}; the next start goes on from there"
    return sending.packed_error(LauncherError(said))
