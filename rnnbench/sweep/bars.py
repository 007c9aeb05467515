"""Progress on the terminal: a bar for each run in training, and one for the sweep; elsewhere nothing."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from rnnbench.base.wording import counted

T = TypeVar("T")
#: Nothing is said of checks that end within so many seconds, or that are few.
PATIENCE, FEW = 2.0, 20


class Running(NamedTuple):
    """A run in training: its label, its number of updates, and its newest evaluation, if there is one."""

    label: str
    updates: int
    newest: Mapping[str, Any] | None


class Bars:
    """Bars on stderr for one sweep; used as a context, without effect when stderr is no terminal.

    Parameters
    ----------
    runs : int
        How many the sweep has; with more than one, a bar of its own counts them.
    """

    def __init__(self, runs: int) -> None:
        self._total = runs
        self._bars: Any = None
        self._sweep: Any = None
        self._shown: dict[str, Any] = {}

    @property
    def visible(self) -> bool:
        """Whether there is anything to draw on."""
        return self._bars is not None

    def __enter__(self) -> Self:
        """Start drawing."""
        if sys.stderr is not None and sys.stderr.isatty():
            self._bars = _rich_bars()
            self._bars.start()
            if self._total > 1:
                self._sweep = self._bars.add_task("runs", total=self._total, text=f"0 of {self._total}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop drawing and clear the bars."""
        if self._bars is not None:
            self._bars.stop()

    def show(self, running: Mapping[str, Running], done: int) -> None:
        """Show the runs in training, by key, and how many have ended."""
        if self._bars is None:
            return
        for key in self._shown.keys() - running.keys():
            self._bars.remove_task(self._shown.pop(key))
        for key, run in running.items():
            if key not in self._shown:
                self._shown[key] = self._bars.add_task(run.label, total=run.updates, text="")
            if (newest := run.newest) is not None:
                loss, score = (_number(newest[name]) for name in ("train_loss", "validation_score"))
                self._bars.update(
                    self._shown[key], completed=newest["update"], text=f"loss {loss:<9.4g} score {score:6.3f}"
                )
        if self._sweep is not None:
            self._bars.update(self._sweep, completed=done, text=f"{done} of {self._total}")


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def checked_in_turn(lines: Sequence[T]) -> Iterator[T]:
    """Yield what is checked one after another; where it takes long, say so on stderr.

    A line that is said once, or a bar on a terminal, which is cleared in the end.
    """
    start, bars, task = time.monotonic(), None, None
    said = len(lines) <= FEW
    try:
        for done, line in enumerate(lines):
            if not said and time.monotonic() - start > PATIENCE:
                said = True
                if sys.stderr.isatty():
                    bars = _rich_bars()
                    task = bars.add_task("checking configurations", total=len(lines), text="")
                    bars.start()
                else:
                    print(f"checking {counted(len(lines), 'configuration')}", file=sys.stderr, flush=True)
            if bars is not None:
                bars.update(task, completed=done, text=f"{done} of {len(lines)}")
            yield line
    finally:
        if bars is not None:
            bars.stop()


def _rich_bars() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[text]}", markup=False),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        transient=True,
        # Lines printed to the same terminal go above the bars; for a file or pipe they must not.
        redirect_stdout=sys.stdout.isatty(),
        redirect_stderr=True,
    )
