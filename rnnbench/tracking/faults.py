"""What can go wrong with a store, in one plain line each."""

import errno
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST = 200
#: Packages whose exceptions tell of the store and not of a mistake in the caller.
_THEIRS = frozenset({"mlflow", "sqlalchemy", "requests", "urllib3", "psycopg2", "alembic"})
#: What SQLAlchemy adds to what a database says.
_BEHIND = re.compile(r"\[SQL:|\(Background on this error")
#: An error of the operating system within the text of another.
_NUMBERED = re.compile(r"\[Errno -?\d+\] ([\w ]+)")
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class StoreError(RuntimeError):
    """The store cannot be used; the message is one plain line."""


@contextmanager
def plainly(name: str) -> Iterator[None]:
    """Turn what a store's libraries raise inside a `with` block into a `StoreError`.

    Parameters
    ----------
    name : str
        File or address of the store; the message begins with it.

    Raises
    ------
    StoreError
        For exceptions of the operating system, of SQLite, MLflow and the libraries under it. Any other
        exception is a mistake in the program and passes.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, StoreError) or not _is_fault(error):
            raise
        raise StoreError(f"the store {name} cannot be used: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """Return what an exception says, without its SQL, on one line of at most 200 characters."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror} ({error.filename})" if error.filename else error.strerror
    if isinstance(error, ModuleNotFoundError) and error.name == "psycopg2":
        return "PostgreSQL needs the package psycopg2: pip install 'rnnbench[postgres]'"
    text = " ".join(_BEHIND.split(str(error))[0].split())
    if text.startswith("API request to ") and " failed with exception " in text:
        said = _NUMBERED.search(text)
        return f"the MLflow server gives no answer{f' ({said[1]})' if said else ''}"
    first, _, rest = text.partition(") ")
    if first.startswith("(") and rest:
        text = rest
    return text[:LONGEST] or type(error).__name__


def is_disk_full(error: OSError) -> bool:
    """Whether there was no room left, on the disk or in the user's share of it."""
    return error.errno in _DISK_FULL


def _is_fault(error: Exception) -> bool:
    package = type(error).__module__.partition(".")[0]
    no_driver = isinstance(error, ModuleNotFoundError) and error.name == "psycopg2"
    return isinstance(error, OSError | sqlite3.Error) or package in _THEIRS or no_driver
