"""Values that are out of range and files that cannot be written, as errors of the user's making."""

from collections.abc import Iterator
from contextlib import contextmanager

from rnnbench.base.refusals import Refused


@contextmanager
def refusing_values() -> Iterator[None]:
    """Raise `Refused` with the message of a ValueError in the block."""
    try:
        yield
    except ValueError as error:
        raise Refused(str(error)) from error


@contextmanager
def refusing_to_write(where: str) -> Iterator[None]:
    """Raise `Refused` for an OSError in the block; `where` is what could not be written."""
    try:
        yield
    except OSError as error:
        raise Refused(f"{where}: cannot be written ({error.strerror or error})") from error
