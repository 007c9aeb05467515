"""The SQLite database of a local store: made whole or not at all, and checked before it is used."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any


class StoreError(RuntimeError):
    """The store cannot be used; the message is one plain line."""


def create(path: Path, fill: Callable[[str], Any]) -> None:
    """Make a database beside its place and move it there whole; the caller holds the lock.

    Parameters
    ----------
    path : Path
        Where it shall lie; its folder exists.
    fill : callable
        Creates the tables of the database at an SQLAlchemy address.
    """
    draft, clean = path.with_name(f".{path.name}.draft"), path.with_name(f".{path.name}.clean")
    for leftover in (draft, clean):
        leftover.unlink(missing_ok=True)
    fill(f"sqlite:///{draft}")
    # A copy: MLflow keeps its connection to the draft open and would follow the file to its new name.
    with _connection(draft) as connection:
        connection.execute("VACUUM INTO ?", (str(clean),))
    with _connection(clean) as connection:
        # MLflow's own experiment 0 would keep its artifacts in ./mlruns of whoever came first.
        default = ((path.parent / "artifacts" / "Default").as_uri(),)
        connection.execute("UPDATE experiments SET artifact_location = ? WHERE experiment_id = 0", default)
        connection.commit()
        connection.execute("PRAGMA journal_mode=WAL")
    os.replace(clean, path)
    draft.unlink()


def check(path: Path) -> None:
    """Fail in one line where the file is damaged or no database at all.

    Raises
    ------
    StoreError
        Naming the file and what SQLite says.
    """
    try:
        with _connection(path) as connection:
            connection.execute("SELECT count(*) FROM experiments")
    except sqlite3.Error as error:
        raise StoreError(f"the store {path} cannot be opened: {error}") from error


def _connection(path: Path) -> closing[sqlite3.Connection]:
    """Return a connection that a `with` block closes (sqlite3's own context manager does not)."""
    return closing(sqlite3.connect(path))
