"""What SLURM's controller says of jobs: `squeue`, which needs no accounting database as `sacct` does."""

import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from time import monotonic

#: Least and most seconds between two questions; in between, this share of the time since the last submission.
LEAST, MOST, SHARE = 2.0, 60.0, 0.25
#: Seconds from the end of a job until its result must be visible in the shared folder.
LAG = 5.0
#: States in which a job is over for good. One that is put back into the queue is PENDING.
ENDED = frozenset(
    "BOOT_FAIL CANCELLED COMPLETED DEADLINE FAILED NODE_FAIL OUT_OF_MEMORY PREEMPTED REVOKED TIMEOUT".split()
)
#: Of a job that the controller no longer remembers.
FORGOTTEN = "SLURM no longer knows it"


class Squeue:
    """Asks after jobs, seldom: less often the longer nothing was submitted."""

    def __init__(self) -> None:
        self._submitted = self._asked = monotonic()
        self._ended: dict[str, tuple[str, float]] = {}

    def submitted(self) -> None:
        """Note that jobs were submitted now."""
        self._submitted = monotonic()

    def ended(self, jobs: Sequence[str], *, now: bool = False) -> dict[str, str]:
        """Return the last state of those jobs that ended so long ago that their result would be there.

        Parameters
        ----------
        jobs : sequence of str
            Such as "12" or "12_3".
        now : bool
            Ask whenever called, and wait for no result.
        """
        clock = monotonic()
        pause = LEAST if now else min(MOST, max(LEAST, SHARE * (clock - self._submitted)))
        if jobs and clock - self._asked >= pause:
            self._ask(jobs)
            self._asked = monotonic()
        before = monotonic() - (0.0 if now else LAG)
        found = {job: self._ended[job] for job in jobs if job in self._ended}
        return {job: state for job, (state, since) in found.items() if since <= before}

    def _ask(self, jobs: Sequence[str]) -> None:
        states = states_of(jobs)
        if states is None:
            return
        for job in jobs:
            state = states.get(job, FORGOTTEN)
            if state not in ENDED and state != FORGOTTEN:
                self._ended.pop(job, None)
            elif self._ended.get(job, ("", 0.0))[0] != state:
                self._ended[job] = (state, monotonic())


def states_of(jobs: Iterable[str]) -> dict[str, str] | None:
    """Return the states of jobs that SLURM knows; None where it does not answer."""
    numbers = sorted({job.partition("_")[0] for job in jobs})
    command = ["squeue", "--noheader", "--array", "--states=all", "--format=%i %T"]
    try:
        said = subprocess.run(
            [*command, f"--jobs={','.join(numbers)}"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if said.returncode:
        return {} if "Invalid job id" in said.stderr else None
    pairs = (line.split() for line in said.stdout.splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def cancel(jobs: Sequence[str], *options: str) -> None:
    """Have jobs ended; those that have ended already are no error."""
    with suppress(OSError, subprocess.TimeoutExpired):
        if jobs:
            subprocess.run(["scancel", *options, *jobs], capture_output=True, timeout=10, check=False)
