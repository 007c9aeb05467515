"""Threads of this process: the kernels release the interpreter's lock."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from rnnbench.experiment.configuration import Configuration
from rnnbench.experiment.execution import Executed, Record, execute
from rnnbench.experiment.launchers.contract import Launcher, OnRecord, OnStart, Training
from rnnbench.training.arguments import whole_number
from rnnbench.training.seeds import Interrupted, quick_switching


class Local(Launcher):
    """Trains seeds in threads.

    Parameters
    ----------
    threads : int
        Runs at a time.
    root : Path
        The folder of runs.
    """

    name = "basic"

    def __init__(self, threads: int, root: Path) -> None:
        self._threads = whole_number("train.threads", threads, 1)
        self._root = Path(root).absolute()
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._switching = quick_switching()
        self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="rnnbench-seed")

    @property
    def slots(self) -> int:
        """Runs at a time."""
        return self._threads

    def __enter__(self) -> Self:
        """Return the launcher."""
        self._switching.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the threads; after an exception they end at their next block of updates."""
        if error is not None:
            self._stop.set()
        try:
            self._executor.shutdown()
        finally:
            self._switching.__exit__(None, None, None)

    def stop(self) -> None:
        """Let the seeds that train end at their next block of updates, and no other begin."""
        self._stop.set()

    def _queue(
        self, configuration: Configuration, training: Training, on_start: OnStart, on_record: OnRecord | None
    ) -> None:
        def run(seed: int) -> Executed:
            def may_go_on() -> None:
                if self._stop.is_set():
                    raise Interrupted(f"seed {seed} was stopped")

            def report(record: Record) -> None:
                may_go_on()
                if on_record is not None:
                    with self._lock:
                        on_record(seed, record)

            may_go_on()
            with self._lock:
                on_start(seed)
            training.starts()
            try:
                return execute(configuration, seed, root=self._root, on_record=report, may_go_on=may_go_on)
            finally:
                training.ends()

        for seed, future in zip(training.seeds, training.futures, strict=True):
            self._executor.submit(self._settle, future, run, seed)

    def _settle(self, future: Future[Executed], run: Callable[[int], Executed], seed: int) -> None:
        """Give a future its result or its exception."""
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(run(seed))
        except Exception as error:
            future.set_exception(error)
        except BaseException as interruption:
            # An interruption stops the others at once: the waiting thread may notice it only later.
            self.interruption = interruption
            self._stop.set()
            future.set_exception(interruption)
