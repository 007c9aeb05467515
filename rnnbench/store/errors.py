"""What goes wrong with stored runs, in one plain line each."""

from rnnbench.base.refusals import Refused


class StoreError(Refused):
    """Stored runs cannot be read or written; the message is one plain line."""


def reason(error: BaseException) -> str:
    """Return what an exception says on one line, with the file it concerns."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror} ({error.filename})" if error.filename else error.strerror
    return " ".join(str(error).split())[:200] or type(error).__name__
