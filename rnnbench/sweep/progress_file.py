"""What others can see of a run while it trains: its facts and its evaluations so far."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from rnnbench.base.files import write_whole
from rnnbench.base.plain import as_json
from rnnbench.store import Study
from rnnbench.store.history import history_csv

#: Seconds between two additions to the file; a run that is over before the first one writes none.
EVERY = 1.0


class ProgressFile:
    """The progress of one run, below the study's `.work`.

    Parameters
    ----------
    study : Study
        Where the run will be committed.
    key : str
        The run's key.
    facts : mapping
        What is known of the run before it ends: a record without results.
    """

    def __init__(self, study: Study, key: str, facts: Mapping[str, Any]) -> None:
        self._rows, self._facts = study.layout.progress(key), study.layout.running(key)
        self._known = facts
        self._waiting: list[Mapping[str, Any]] = []
        self._next = time.monotonic() + EVERY
        self._begun = False

    def add(self, evaluation: Mapping[str, Any]) -> None:
        """Add an evaluation; it is written once a second at most. A full disk is no reason to stop."""
        self._waiting.append(evaluation)
        if time.monotonic() < self._next:
            return
        with suppress(OSError):
            if not self._begun:
                write_whole(self._facts, as_json(self._known))
            with open(self._rows, "a" if self._begun else "w", encoding="utf-8") as file:
                file.write(history_csv(self._waiting, header=not self._begun))
            self._begun = True
            self._waiting.clear()
        self._next = time.monotonic() + EVERY

    def remove(self) -> None:
        """Remove the files: the run has ended, or was interrupted."""
        for path in (self._rows, self._facts):
            path.unlink(missing_ok=True)
