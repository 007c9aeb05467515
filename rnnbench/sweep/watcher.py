"""What a command shows while its runs are trained: results as they are there, bars, failures."""

import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from rnnbench.config.run_settings import budget_note
from rnnbench.store import Study, Summary
from rnnbench.sweep.bars import Bars, Running
from rnnbench.sweep.command import Command
from rnnbench.sweep.interruption import interrupt_main_thread
from rnnbench.sweep.launchers.contract import PlannedRun
from rnnbench.sweep.outlook import Outlook
from rnnbench.sweep.plan import Plan
from rnnbench.sweep.result_line import result_line

#: Seconds between two looks at the study's folder, and the share of time that looking may take.
PAUSE, SHARE = 0.25, 0.05


class Watcher:
    """Looks at the folder of a study from time to time; used as a context around the training.

    A line is printed for each configuration, in the order of the plan, once all its runs have ended, whoever
    trained them. Of configurations without a run left nothing is said, unless there is nothing to run at all.

    Parameters
    ----------
    plan : Plan
        What is run.
    outlook : Outlook
        What of it was done before.
    study : Study
        Where its runs appear.
    command : Command
        Decides which runs have ended.
    say : callable
        Takes the lines.

    Attributes
    ----------
    ended : dict of str to Summary
        Runs that ended since this object was made, by key.
    """

    def __init__(
        self, plan: Plan, outlook: Outlook, study: Study, command: Command, say: Callable[[str], None]
    ) -> None:
        self.ended: dict[str, Summary] = {}
        self._outlook, self._study, self._command, self._say = outlook, study, command, say
        self._runs = {run.key: run for run in outlook.left}
        self._pending = set(self._runs)
        self._stamps: dict[str, tuple[int, int]] = {}
        names = dict(zip(map(id, plan.configurations), plan.names, strict=True))
        self._names, self._width = names, max(map(len, names.values()))
        told = [c for c in plan.configurations if outlook.keys(c)]
        self._untold = [c for c in told if not outlook.left or set(outlook.keys(c).values()) & self._pending]
        self._bars = Bars(len(self._runs))
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep_looking, daemon=True)
        self._error: Exception | None = None
        self._traceback_shown = False

    def __enter__(self) -> Self:
        """Start looking."""
        self._bars.__enter__()
        self.look()
        if self._pending:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Look a last time and stop."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._bars.__exit__(kind, error, trace)
        if self._error is not None:
            raise self._error
        self.look()

    def look(self) -> None:
        """Take note of runs that ended, and print the lines that are due."""
        with self._lock:
            for key in self._pending & self._study.keys():
                self._note(key)
            while self._untold and not set(self._outlook.keys(self._untold[0]).values()) & self._pending:
                self._tell()
            if self._bars.visible:
                self._bars.show(self._running(), len(self.ended))

    def not_ended(self, runs: Sequence[PlannedRun]) -> list[PlannedRun]:
        """Look, and return those runs that have not ended."""
        with self._lock:
            for key in self._pending & {run.key for run in runs}:
                self._note_failure_beside_result(key)
        self.look()
        return [run for run in runs if run.key in self._pending]

    def _keep_looking(self) -> None:
        pause = PAUSE
        while not self._stop.wait(pause):
            start = time.perf_counter()
            try:
                self.look()
            except Exception as error:
                # Nobody reads what is printed any more (`| head`): the command ends as after Ctrl-C.
                self._error = error
                interrupt_main_thread()
                return
            pause = max(PAUSE, (time.perf_counter() - start) / SHARE)

    def _note(self, key: str) -> None:
        """Take note of a run if it has ended: an older run of its key may lie there still."""
        stamp = self._study.stamp(key)
        if stamp is None or stamp == self._stamps.get(key):
            return
        self._stamps[key] = stamp
        summary = self._study.summary(key)
        if summary is not None and self._command.has_ended(summary):
            self._end(summary, self._study.folder(key))

    def _note_failure_beside_result(self, key: str) -> None:
        """Take note of a run that failed where a finished one of its key stands: it is among the removed."""
        removed = self._study.layout.removed_of(key)
        summary = self._study.summary(key, removed[-1]) if removed else None
        if summary is not None and not summary.finished and self._command.has_ended(summary):
            self._end(summary, removed[-1])

    def _end(self, summary: Summary, folder: Path) -> None:
        self.ended[summary.key] = summary
        self._pending.discard(summary.key)
        if not summary.finished:
            self._tell_failure(summary, folder)

    def _tell(self) -> None:
        configuration = self._untold.pop(0)
        keys = self._outlook.keys(configuration).values()
        runs = [self.ended.get(key) or self._outlook.done[key] for key in keys]
        note = budget_note(configuration.width, configuration.budget_of)
        self._say(result_line(self._names[id(configuration)], runs, note, self._width))

    def _tell_failure(self, summary: Summary, folder: Path) -> None:
        """Say what ended a run; the first traceback is shown whole, all are in the runs' folders."""
        name = self._names[id(self._runs[summary.key].configuration)]
        place = ""
        with suppress(OSError):
            text = (folder / "traceback.txt").read_text(encoding="utf-8", errors="replace")
            place = f" ({folder.relative_to(self._study.layout.root)}/traceback.txt)"
            if not self._traceback_shown:
                self._traceback_shown, place = True, ""
                print(text, end="", file=sys.stderr)
        print(f"rnnbench: {name} · seed {summary.seed} failed: {summary.error}{place}", file=sys.stderr)

    def _running(self) -> dict[str, Running]:
        found = {}
        for key in self._study.training().keys() & self._pending:
            configuration, seed, _ = self._runs[key]
            evaluations = self._study.progress(key)
            label = f"{self._names[id(configuration)]} · seed {seed}"
            found[key] = Running(label, configuration.updates, evaluations[-1] if evaluations else None)
        return found
