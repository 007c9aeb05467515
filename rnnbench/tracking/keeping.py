"""Keeping what is finished while the store is in trouble, and storing it when the trouble is over."""

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from rnnbench.tracking import retirement, writing
from rnnbench.tracking.connection import Connection
from rnnbench.tracking.faults import StoreError, plainly, reason
from rnnbench.tracking.spool import Parcel, Spool

#: Seconds for which a server that did not answer is not asked again.
PAUSE = 60.0


class StillDown(StoreError):
    """The store was not even tried."""


class Keeping:
    """The runs that wait for a store, and whether it is worth trying.

    Parameters
    ----------
    connection : Connection
        The store.
    root : Path
        Its folder on this machine.

    Attributes
    ----------
    sent : int
        Runs that had waited and were stored.
    trouble : str
        Why the store could not be used last time; "" when it could.
    """

    def __init__(self, connection: Connection, root: Path) -> None:
        self._connection, self._spool = connection, Spool(root)
        self.sent, self.trouble = 0, ""
        self._asked = 0.0
        self._put: list[Path] = []

    @property
    def waiting(self) -> int:
        """How many runs that this object put aside wait still: nobody has stored them since."""
        return sum(folder.exists() for folder in self._put)

    def set_aside(self) -> None:
        """Make room for runs that will have to wait."""
        self._spool.reserve.set_aside()

    def refuse_hopeless(self) -> None:
        """Fail at once where the store was in trouble a moment ago, or the disk is full still.

        A database file is always worth a try, which costs nothing; a server is not asked more than once a
        minute. With the disk full, writing would only use up what the reserve gave.

        Raises
        ------
        StillDown
            With what was wrong last time.
        """
        if not self.trouble:
            return
        paused = self._connection.file is None and time.monotonic() - self._asked < PAUSE
        if paused or not self._spool.reserve.set_aside():
            raise StillDown(self.trouble)

    def put(self, record: Mapping[str, Any], files: Mapping[str, bytes], error: Exception) -> None:
        """Keep a run that could not be stored, and say so if the run before it could.

        Raises
        ------
        StoreError
            If it cannot be kept either.
        """
        why = str(error) if isinstance(error, StoreError) else f"{type(error).__name__}: {reason(error)}"
        try:
            self._put.append(self._spool.put(record, files))
        except StoreError as last:
            raise StoreError(f"run {record['key']} is lost: {why}; {last}") from error
        if not isinstance(error, StillDown):
            # Now, not when the attempt began: one may take a minute.
            self._asked = time.monotonic()
        if not self.trouble:
            where = self._spool.folder
            text = f"{why}; finished runs wait in {where} and are stored on the next start"
            print(f"rnnbench: {text}", file=sys.stderr)
        self.trouble = why

    def recover(self) -> None:
        """Store what waits, after the store could be used again."""
        if self.trouble:
            self.trouble = ""
            with suppress(StoreError):
                self.send()

    def send(self) -> None:
        """Store the runs that wait; one that is in the store already is not stored twice.

        A run that the store does not take stays where it is, and a line on stderr says so.
        """
        if not self._spool.folder.exists():
            return
        with plainly(self._connection.name), self._spool.alone():
            for parcel in self._spool.waiting():
                try:
                    with plainly(self._connection.name):
                        self.sent += self._store(parcel)
                except Exception as error:
                    print(f"rnnbench: {parcel.folder} stays there: {reason(error)}", file=sys.stderr)
                    self._connection.probe(0.0)
                else:
                    self._spool.take_out(parcel)

    def _store(self, parcel: Parcel) -> bool:
        """Store a run unless it is there, under the hash of what it was written from."""
        content = writing.content_of(parcel.record, parcel.files)
        study = parcel.record["study"]
        self._connection.open(study)
        known = retirement.held(self._connection, study, parcel.record["key"])
        if any(run.content == content and run.status in retirement.ENDED for run in known):
            return False
        writing.write_run(self._connection, parcel.record, parcel.files, parcel.ended)
        return True
