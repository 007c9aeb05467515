"""What all runs of one command share."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnnbench.store import Summary

#: Draws the diagnostics of a run: its record and what was measured to files by name.
Figures = Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, bytes]]


@dataclass(frozen=True)
class Command:
    """Facts that every run of a command is trained and recorded with.

    Attributes
    ----------
    root : Path
        The folder of all studies, absolute.
    resume : bool
        Whether runs that are finished already are left out.
    launcher : str
        Name of the launcher.
    threads : int
        Runs trained at a time in this process.
    figures : callable or None
        Draws diagnostics; a function at module level, so that other processes can import it.
    plan : dict
        "plan" and "planned_runs", see `Plan.as_plain`.
    id : str
        Tells this command from all others.
    began : float
        When training could begin, in seconds since 1970.
    """

    root: Path
    resume: bool = True
    launcher: str = "threads"
    threads: int = 1
    figures: Figures | None = None
    plan: Mapping[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    began: float = field(default_factory=time.time)

    def has_ended(self, summary: Summary | None) -> bool:
        """Whether a run need not be trained: it has finished before, or has ended in this command."""
        if summary is None:
            return False
        return summary.sweep == self.id or (summary.finished and self.resume)

    def as_plain(self) -> dict[str, Any]:
        """Return the command as JSON can hold it, without `figures`."""
        names = ("resume", "launcher", "threads", "plan", "id", "began")
        return {"root": str(self.root), **{name: getattr(self, name) for name in names}}
