"""Several seeds of one network in parallel threads."""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from rnnbench.network import Network
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


def fit_seeds(
    net: Network,
    task: Task,
    seeds: Sequence[int],
    *,
    threads: int | None = None,
    on_record: Callable[[int, Record], Any] | None = None,
    checkpoint: Callable[[int], Checkpoint] | None = None,
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
    checkpoint : callable, optional
        (seed) -> `Checkpoint`: where a seed goes on from, and keeps its state. An interruption writes it.
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
    BaseException
        What interrupted a seed or the waiting thread; the other seeds stop at their next block of updates.
    """
    count = processors() if threads is None else whole_number("train.threads", threads, 1)
    defaults = fit.__kwdefaults__ or {}
    if unknown := keywords.keys() - defaults:
        raise TypeError(f"fit_seeds: unknown arguments {', '.join(sorted(unknown))}")
    lock, stop = threading.Lock(), threading.Event()

    def may_go_on() -> None:
        if stop.is_set():
            raise Interrupted("another seed was interrupted")

    def run(seed: int, records: Records) -> Result:
        def report(record: Record) -> None:
            may_go_on()
            if on_record is not None:
                with lock:
                    on_record(seed, record)

        may_go_on()
        try:
            return drain(records, report)
        except Exception:
            raise
        except BaseException:
            # At once: the waiting thread may notice it only later.
            stop.set()
            raise

    # Called here, and not in the threads, all arguments are checked before the first seed starts.
    runs = [
        prepare(
            net, task, may_go_on=may_go_on, checkpoint=checkpoint(seed) if checkpoint else None,
            **defaults | keywords | {"seed": seed},
        )
        for seed in seeds
    ]  # fmt: skip
    with quick_switching(), ThreadPoolExecutor(count, thread_name_prefix="rnnbench-seed") as executor:
        try:
            futures = [executor.submit(run, seed, records) for seed, records in zip(seeds, runs, strict=True)]
            return [_outcome(future) for future in futures]
        except BaseException:
            stop.set()
            raise


@contextmanager
def quick_switching() -> Iterator[None]:
    """Let threads that come out of compiled code have the interpreter soon."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def _outcome(future: Future[Result]) -> Result | Exception:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, Exception):
        return error
    raise error


def processors() -> int:
    """Return the number of processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
