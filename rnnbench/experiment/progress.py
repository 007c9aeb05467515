"""Progress on the terminal: a bar for each seed with loss, score and time left; elsewhere hardly a word."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from rnnbench.experiment.wording import counted

T = TypeVar("T")
#: Nothing is said of what ends within so many seconds, or has so few parts that it ends soon.
PATIENCE, FEW = 2.0, 20


class Progress:
    """Bars on stderr for one sweep; used as a context, and a no-op when stderr is no terminal.

    Parameters
    ----------
    configurations : int
        How many the sweep has; with more than one, a bar of its own counts them.
    """

    def __init__(self, configurations: int) -> None:
        self._total = configurations
        self._bars: Any = None
        self._sweep: Any = None
        self._seeds: dict[tuple[int, int], Any] = {}

    def __enter__(self) -> Self:
        """Start drawing."""
        if sys.stderr is not None and sys.stderr.isatty():
            self._bars = _bars()
            self._bars.start()
            if self._total > 1:
                self._sweep = self._bars.add_task(
                    "configurations", total=self._total, text=f"0 of {self._total}"
                )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop drawing and clear the bars."""
        if self._bars is not None:
            self._bars.stop()

    def begin(self, job: int, name: str, seed: int, updates: int) -> None:
        """Show a bar for a seed that starts; `job` is the number of its configuration, `name` its name."""
        if self._bars is not None:
            self._seeds[job, seed] = self._bars.add_task(f"{name} · seed {seed}", total=updates, text="")

    def show(self, job: int, seed: int, record: Mapping[str, Any]) -> None:
        """Advance the bar of a seed to a record of `fit`."""
        if self._bars is not None:
            task = self._seeds[job, seed]
            text = f"loss {record['train_loss']:<9.4g} score {record['validation_score']:6.3f}"
            self._bars.update(task, completed=record["update"], text=text)

    def end(self, job: int, done: int) -> None:
        """Remove the bars of a configuration that ended, the `done`-th of the sweep."""
        if self._bars is not None:
            for key in [key for key in self._seeds if key[0] == job]:
                self._bars.remove_task(self._seeds.pop(key))
            if self._sweep is not None:
                self._bars.update(self._sweep, completed=done, text=f"{done} of {self._total}")


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
                    bars = _bars()
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


def _bars() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    return RichProgress(
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
