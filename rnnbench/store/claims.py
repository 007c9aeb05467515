"""Claims: who trains a run at this moment.

A claim is a lease of `filelock`, a small file that its holder refreshes. The claim of a process that died is
free at once on its own machine; on another machine of a shared file system it is free once it was not
refreshed for `LEASE` seconds.
"""

from contextlib import suppress
from pathlib import Path

from filelock import LeaseSettingsMismatch, SoftFileLease, Timeout

from rnnbench.store.errors import StoreError, reason

#: Seconds without a refresh after which a claim is free for others.
LEASE = 45.0


class Claim:
    """The right to train one run, or to write to one mirror.

    Parameters
    ----------
    path : Path
        The file of the lease; its folder must exist.

    Notes
    -----
    To find that another machine's claim has expired, `take` must be called again on the same object: it
    measures for how long the file has not changed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lease = SoftFileLease(path, lease_duration=LEASE, thread_local=False, blocking=False)

    def take(self) -> bool:
        """Take the claim if nobody holds it; returns whether it is held by this object now.

        Raises
        ------
        StoreError
            The file cannot be written.
        """
        try:
            self._lease.acquire()
        except (Timeout, LeaseSettingsMismatch):
            return False
        except OSError as error:
            raise StoreError(f"{self.path}: cannot be claimed: {reason(error)}") from error
        return True

    @property
    def held(self) -> bool:
        """Whether the claim is still ours: a process that was suspended past its lease may have lost it."""
        token = self._lease.token
        if token is None or self._lease.compromise is not None:
            return False
        with suppress(OSError):
            return f"token={token}" in self.path.read_text()
        return False

    def release(self) -> None:
        """Give the claim back; nothing happens where it is not held."""
        self._lease.release()
