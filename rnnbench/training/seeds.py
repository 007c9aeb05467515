"""Several seeds of one configuration, in parallel threads."""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rnnbench.network import Network
from rnnbench.tasks.contract import Task
from rnnbench.training.arguments import whole_number
from rnnbench.training.fitting import Record, Records, drain, fit
from rnnbench.training.result import Result


class Interrupted(Exception):
    """A seed was stopped before its end because the whole call was interrupted."""


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
    workers = _processors() if threads is None else whole_number("train.threads", threads, 1)
    # Called here, and not in the threads, all arguments of all seeds are checked before the first one starts.
    runs = [fit(net, task, seed=seed, **keywords) for seed in seeds]
    lock, stop = threading.Lock(), threading.Event()

    def run(seed: int, records: Records) -> Result:
        def report(record: Record) -> None:
            if stop.is_set():
                raise Interrupted(f"seed {seed} was stopped")
            if on_record is not None:
                with lock:
                    on_record(seed, record)

        try:
            return drain(records, report)
        except Exception:
            raise
        except BaseException:
            # An interruption stops the others at once: the waiting thread may notice it only later.
            stop.set()
            raise

    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="rnnbench-seed") as pool:
        futures = [pool.submit(run, seed, records) for seed, records in zip(seeds, runs, strict=True)]
        try:
            return [_outcome(future.exception(), future) for future in futures]
        except BaseException:
            # Leaving the pool waits for its threads: they end at their next record.
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


def _outcome(error: BaseException | None, future: Any) -> Result | Exception:
    if error is None:
        result: Result = future.result()
        return result
    if isinstance(error, Exception):
        return error
    raise error


def _processors() -> int:
    """Return the number of processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
