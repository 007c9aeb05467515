"""What goes wrong with stored runs, in one plain line each."""

import errno

from rnnbench.base.refusals import Refused

_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class StoreError(Refused):
    """Stored runs cannot be read or written; the message is one plain line."""


def reason(error: BaseException) -> str:
    """Return what an exception says on one line, with the file it concerns."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror} ({error.filename})" if error.filename else error.strerror
    return " ".join(str(error).split())[:200] or type(error).__name__


def is_disk_full(error: BaseException | None) -> bool:
    """Whether there was no room left, on the disk or in the user's quota."""
    return isinstance(error, OSError) and error.errno in _DISK_FULL
