"""What a job of submitit runs; light at the top, as `remote`."""

import os
import socket
from pathlib import Path
from time import monotonic
from typing import Any

from rnnbench.experiment.launchers import remote

#: Seconds between two looks at whether to go on.
PAUSE = 0.5


class Job:
    """One run as a job; see `remote.carry_out`.

    It ends at its next block when the launcher has written its file `stop`, and, on the launcher's own
    machine, when the launcher or the process that watches the job is gone.
    """

    def __call__(self, order: dict[str, Any]) -> bytes:
        """Train."""
        from rnnbench.training.seeds import Interrupted

        watcher, looked = os.getppid(), -PAUSE

        def may_go_on() -> None:
            nonlocal looked
            if monotonic() - looked < PAUSE:
                return
            looked = monotonic()
            if Path(order["stop"]).exists() or (order["parent"] and self._alone(order["parent"], watcher)):
                raise Interrupted(f"seed {order['seed']} was stopped")

        return remote.carry_out(order, may_go_on)

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
