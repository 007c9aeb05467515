"""Runs that wait for a place elsewhere, are sent there, and come back: what all distant launchers share.

One thread does all of it, so that nothing needs a lock. What happens on other threads is put into its inbox;
putting is safe in a signal handler too.
"""

import signal
import threading
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from types import TracebackType
from typing import Any, Self

from rnnbench.experiment.configuration import Configuration
from rnnbench.experiment.execution import Executed
from rnnbench.experiment.launchers.contract import Launcher, OnRecord, OnStart, Training
from rnnbench.experiment.launchers.sending import Parcel, parcel, unpacked
from rnnbench.training.seeds import Interrupted

#: Seconds between two looks at what nobody reports.
TICK = 0.25
#: Seconds that stopped runs have to write their checkpoints and end.
GRACE = 10.0


@dataclass(eq=False)
class Run:
    """One seed at a distant launcher.

    Attributes
    ----------
    number : int
        Its number at this launcher.
    place : str
        Where it was sent; "" while it waits.
    handle : object
        By which the launcher knows it there.
    stage : str
        "begun" once its worker has it, "training" from its first update; "" before, or where nobody says.
    sent : int
        How many times it was sent.
    """

    number: int
    parcel: Parcel
    seed: int
    future: "Future[Executed]"
    training: Training
    on_start: OnStart
    on_record: OnRecord | None
    place: str = ""
    handle: Any = None
    stage: str = ""
    sent: int = 0

    def order(self, root: Path) -> dict[str, Any]:
        """Return what the worker needs."""
        return {**self.parcel.order(self.seed, root), "number": self.number}

    def settle(self, content: bytes | BaseException) -> None:
        """Give the future what a worker has sent, or the exception in its place."""
        self.training.ends()
        try:
            if isinstance(content, BaseException):
                raise content
            executed = unpacked(content, self.parcel.configuration)
        except BaseException as error:
            self.future.set_exception(error)
        else:
            self.future.set_result(executed)


class Distant(Launcher):
    """A launcher whose runs train in other processes.

    Parameters
    ----------
    root : Path
        The folder of runs.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root).absolute()
        self.running: dict[int, Run] = {}
        self._waiting: deque[Run] = deque()
        self._inbox: SimpleQueue[Callable[[], Any]] = SimpleQueue()
        self._stopping = self._closing = False
        self._halted: float | None = None
        self._dead: BaseException | None = None
        self._sent = 0
        self._thread = threading.Thread(target=self._serve, name="rnnbench-launcher", daemon=True)

    def __enter__(self) -> Self:
        """Make the place where runs train, and return the launcher."""
        self._open()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the runs; after an exception they end at their next block of updates."""
        if error is not None:
            self.stop()
        self._closing = True
        try:
            self._join()
        finally:
            self._close()

    def _join(self) -> None:
        try:
            self._thread.join()
        except BaseException:
            # The first Ctrl-C lets the runs end as they should, a second one does not wait for them.
            if not self._stopping:
                self.stop()
                self._thread.join()
            raise

    def stop(self) -> None:
        """Let runs write their checkpoint and end at their next block, and no other begin."""
        self._stopping = True
        self._inbox.put(lambda: None)

    def tell(self, what: Callable[[], Any]) -> None:
        """Have something done by the launcher's own thread."""
        self._inbox.put(what)

    @abstractmethod
    def _open(self) -> None:
        """Make the place where runs train, or find it; `Refused` where it does not answer."""

    @abstractmethod
    def _close(self) -> None:
        """Give it back; nothing of it may be left running."""

    @abstractmethod
    def _places(self) -> list[str]:
        """Return where runs can be sent now, one entry for each."""

    @abstractmethod
    def _send(self, runs: Sequence[Run]) -> None:
        """Send runs, each to its place, and note their handles."""

    @abstractmethod
    def _look(self) -> None:
        """Look after what is running, and `settle` what has ended or died."""

    @abstractmethod
    def _halt(self) -> None:
        """Ask every run to end at its next block."""

    @abstractmethod
    def _abandon(self, runs: Sequence[Run]) -> None:
        """End runs that did not end when they were asked to."""

    def _queue(
        self, configuration: Configuration, training: Training, on_start: OnStart, on_record: OnRecord | None
    ) -> None:
        sent = parcel(configuration)
        runs = []
        for seed, future in zip(training.seeds, training.futures, strict=True):
            runs.append(Run(self._sent, sent, seed, future, training, on_start, on_record))
            self._sent += 1
        self.tell(lambda: self._waiting.extend(runs))
        if self._dead is not None:
            self._drop(self._dead)

    def settle(self, run: Run, content: bytes | BaseException) -> None:
        """End a run; nothing happens to one that has ended already."""
        if self.running.pop(run.number, None) is not None:
            run.settle(content)

    def send_again(self, run: Run) -> None:
        """Put a run that no worker has begun in front of those that wait."""
        del self.running[run.number]
        run.place, run.handle, run.stage = "", None, ""
        self._waiting.appendleft(run)

    def show(self, number: int, record: dict[str, Any]) -> None:
        """Pass on a record of a run."""
        run = self.running.get(number)
        if run is not None and run.on_record is not None:
            run.on_record(run.seed, record)

    def _serve(self) -> None:
        if hasattr(signal, "pthread_sigmask"):
            # Processes started from this thread inherit it: Ctrl-C ends them through `stop` alone.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            while not (self._closing and self._inbox.empty() and not self._waiting and not self.running):
                self._read()
                if self._stopping:
                    self._end_all()
                else:
                    self._dispatch()
                self._look()
        except BaseException as error:
            self.interruption = error
        finally:
            self._stopping = True
            self._dead = self.interruption or Interrupted("the launcher has ended")
            self._drop(self._dead)

    def _read(self) -> None:
        """Do what was told, waiting a moment where nothing was."""
        try:
            told = self._inbox.get(timeout=TICK)
            while True:
                told()
                told = self._inbox.get_nowait()
        except Empty:
            return

    def _dispatch(self) -> None:
        if not self._waiting:
            return
        sent: list[Run] = []
        for place in self._places():
            while self._waiting and not _begins(self._waiting[0]):
                self._waiting.popleft()
            if not self._waiting:
                break
            run = self._waiting.popleft()
            run.place = place
            self.running[run.number] = run
            sent.append(run)
        if sent:
            self._send(sent)
        for run in sent:
            run.sent += 1
            if run.sent == 1:
                run.training.starts()
                run.on_start(run.seed)

    def _end_all(self) -> None:
        """Let nothing begin, ask what runs to end, and give up what has not ended in time."""
        while self._waiting:
            run = self._waiting.popleft()
            if _begins(run):
                run.future.set_exception(Interrupted(f"seed {run.seed} was stopped"))
        if self._halted is None:
            self._halted = monotonic()
            self._halt()
        elif monotonic() - self._halted > GRACE and self.running:
            left = list(self.running.values())
            self._abandon(left)
            for run in left:
                self.settle(run, Interrupted(f"seed {run.seed} was stopped, at its last checkpoint"))

    def _drop(self, why: BaseException) -> None:
        """Leave no future without an end."""
        try:
            while True:
                self._inbox.get_nowait()()
        except Empty:
            pass
        for run in [*self._waiting, *self.running.values()]:
            if not run.future.done():
                run.future.set_exception(why)
        self._waiting.clear()
        self.running.clear()


def _begins(run: Run) -> bool:
    """Mark a run as begun; False where its future was cancelled while it waited."""
    return run.sent > 0 or run.future.set_running_or_notify_cancel()
