"""Several seeds in parallel threads, of one configuration or of many."""

import math
import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from time import perf_counter
from types import TracebackType
from typing import Any, Self

from rnnbench.network import Network, Parameters
from rnnbench.tasks.contract import Task
from rnnbench.training.arguments import whole_number
from rnnbench.training.checkpoint import Checkpoint
from rnnbench.training.fitting import Records, drain, fit, prepare
from rnnbench.training.result import Result
from rnnbench.training.run import Record

#: A seed that comes out of a compiled block waits at most so long for the interpreter while another one draws
#: data; by default it would be five milliseconds, as long as the block itself took.
SWITCH_SECONDS = 0.0005


class Interrupted(Exception):
    """A seed was stopped before its end because the whole call was interrupted."""


class Training:
    """The seeds of one configuration in a `Pool`: waiting, in training or done.

    Attributes
    ----------
    seeds : list of int
        In the order given.
    futures : list of Future
        One for each seed.
    seconds : float
        On the clock, from the start of the first seed to the end of the last one so far.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self.seeds = list(seeds)
        self.futures: list[Future[Result]] = []
        self._began, self._ended = math.inf, -math.inf

    @property
    def seconds(self) -> float:
        """See the class."""
        return max(0.0, self._ended - self._began)

    @property
    def done(self) -> bool:
        """Whether every seed has ended."""
        return all(future.done() for future in self.futures)

    def results(self) -> list[Result | Exception]:
        """Wait for all seeds; return the result of each, or the exception that ended it, in their order."""
        return [_outcome(future.exception(), future) for future in self.futures]

    def finished(self) -> dict[int, Result]:
        """Return the results that there are so far, by seed."""
        pairs = zip(self.seeds, self.futures, strict=True)
        ended = {seed: future for seed, future in pairs if future.done() and not future.cancelled()}
        return {seed: future.result() for seed, future in ended.items() if future.exception() is None}

    def run(self, seed: int, records: Records, report: Callable[[int, Record], Any]) -> Result:
        """Train one seed, on the thread that calls."""
        self._began = min(self._began, perf_counter())
        try:
            return drain(records, lambda record: report(seed, record))
        finally:
            self._ended = max(self._ended, perf_counter())


class Pool:
    """Threads that train seeds of one configuration after another; used as a context.

    The next configuration's seeds start while the last ones of the configuration before still train, so that
    no processor waits. Leaving the context waits for all seeds; leaving it with an exception stops them at
    their next block of updates.

    Parameters
    ----------
    threads : int, optional
        Runs at a time; as many as there are processors by default.

    Attributes
    ----------
    interruption : BaseException or None
        What stopped a seed, and with it all others, if it was no ordinary exception.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.interruption: BaseException | None = None
        self.threads = _processors() if threads is None else whole_number("train.threads", threads, 1)
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._interval = sys.getswitchinterval()
        self._executor = ThreadPoolExecutor(self.threads, thread_name_prefix="rnnbench-seed")

    def __enter__(self) -> Self:
        """Return the pool."""
        sys.setswitchinterval(SWITCH_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the threads; after an exception they end at their next block of updates."""
        if error is not None:
            self._stop.set()
        self._executor.shutdown(cancel_futures=error is not None)
        sys.setswitchinterval(self._interval)

    def stop(self) -> None:
        """Let the seeds that train end at their next block of updates, and no other begin."""
        self._stop.set()

    def start(
        self,
        net: Network,
        task: Task,
        seeds: Sequence[int],
        *,
        on_start: Callable[[int], Any] | None = None,
        on_record: Callable[[int, Record], Any] | None = None,
        on_parameters: Callable[[int, int, Parameters], Any] | None = None,
        checkpoint: Callable[[int], Checkpoint | None] | None = None,
        test: bool = True,
        **keywords: Any,
    ) -> Training:
        """Queue the seeds of a configuration behind those that are waiting; arguments as of `fit_seeds`.

        Parameters
        ----------
        on_start : callable, optional
            Called with the seed when its turn has come; as `on_record`, never by two threads at a time.
        on_parameters : callable, optional
            Called with seed, number of updates and parameters, before the first update and at each
            evaluation, by the thread of the seed.
        checkpoint : callable, optional
            Called with the seed, returns the checkpoint of its training.
        test : bool
            Whether the test data are drawn in the end.

        Raises
        ------
        ValueError
            Wrong arguments, before anything starts.
        """
        defaults = fit.__kwdefaults__ or {}
        if unknown := keywords.keys() - defaults:
            raise TypeError(f"fit_seeds: unknown arguments {', '.join(sorted(unknown))}")
        given = defaults | keywords

        def may_go_on() -> None:
            if self._stop.is_set():
                raise Interrupted("another seed was interrupted")

        # Called here, and not in the threads, all arguments are checked before the first seed starts.
        runs = [
            prepare(
                net, task, may_go_on=may_go_on, watch=on_parameters and partial(on_parameters, seed),
                checkpoint=checkpoint and checkpoint(seed), test=test, **given | {"seed": seed},
            )
            for seed in seeds
        ]  # fmt: skip
        training = Training(seeds)

        def report(seed: int, record: Record) -> None:
            if self._stop.is_set():
                raise Interrupted(f"seed {seed} was stopped")
            if on_record is not None:
                with self._lock:
                    on_record(seed, record)

        def run(seed: int, records: Records) -> Result:
            if self._stop.is_set():
                raise Interrupted(f"seed {seed} was stopped")
            try:
                if on_start is not None:
                    with self._lock:
                        on_start(seed)
                return training.run(seed, records, report)
            except Exception:
                raise
            except BaseException as interruption:
                # An interruption stops the others at once: the waiting thread may notice it only later.
                self.interruption = interruption
                self._stop.set()
                raise

        for seed, records in zip(seeds, runs, strict=True):
            training.futures.append(self._executor.submit(run, seed, records))
        return training


def fit_seeds(
    net: Network,
    task: Task,
    seeds: Sequence[int],
    *,
    threads: int | None = None,
    on_record: Callable[[int, Record], Any] | None = None,
    **keywords: Any,
) -> list[Result | Exception]:
    """Train a network from several seeds in parallel; the bits are those of one seed after another.

    Parameters
    ----------
    net : Network
        Shared by all seeds: its calls are re-entrant.
    task : Task
        Shared by all seeds; draws only from the generators it is given.
    seeds : sequence of int
        Each is the root of one run's streams.
    threads : int, optional
        Runs at a time; as many as there are processors by default. The kernels release the interpreter's
        lock.
    on_record : callable, optional
        Called with seed and record, from the run's own thread but never by two at a time.
    **keywords
        Arguments of `fit`, except the seed.

    Returns
    -------
    list of Result or Exception
        In the order of `seeds`. Where one seed failed, its exception stands in its place; the others are
        whole.

    Raises
    ------
    ValueError
        Wrong arguments, before anything starts.
    """
    with Pool(threads) as pool:
        return pool.start(net, task, seeds, on_record=on_record, **keywords).results()


def _outcome(error: BaseException | None, future: Future[Result]) -> Result | Exception:
    if error is None:
        return future.result()
    if isinstance(error, Exception):
        return error
    raise error


def _processors() -> int:
    """Return the number of processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
