"""The launcher `threads`: the runs of a command share the cores of this process."""

import sys
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from rnnbench.base.startup import without_garbage_collection
from rnnbench.network.warming import warm_up
from rnnbench.sweep.command import Command
from rnnbench.sweep.interruption import Interrupted, not_swallowed
from rnnbench.sweep.launchers.contract import Launcher, PlannedRun
from rnnbench.sweep.run import train_run
from rnnbench.training.threads import quick_switching

#: Seconds after which a first compilation is worth a line.
PATIENCE = 1.5
COMPILING = "compiling the kernels (once for this version and machine) ..."


class Threads(Launcher):
    """Trains runs in threads: the compiled kernels release the interpreter's lock.

    Parameters
    ----------
    threads : int
        Runs trained at a time.
    """

    in_processes = False

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def launch(self, runs: Sequence[PlannedRun], command: Command) -> str:
        """Train runs; see `Launcher.launch`."""
        compile_kernels(runs)
        left = Counter(id(run.configuration) for run in runs)
        stop, lock = threading.Event(), threading.Lock()

        def may_go_on() -> None:
            if stop.is_set():
                raise Interrupted

        def train(run: PlannedRun) -> None:
            may_go_on()
            train_run(run.configuration, run.seed, command, may_go_on)
            with lock:
                left[id(run.configuration)] -= 1
                if not left[id(run.configuration)]:
                    # A network holds buffers of every shape: in a sweep of many that is gigabytes.
                    run.configuration.release()

        with quick_switching(), ThreadPoolExecutor(self._threads) as pool:
            futures = [pool.submit(train, run) for run in runs]
            try:
                ended, _ = wait(futures, return_when=FIRST_EXCEPTION)
            finally:
                # Ctrl-C, or a run that could not be stored: the others stop at their next block of updates.
                stop.set()
                pool.shutdown(cancel_futures=True)
        for future in ended:
            future.result()
        return ""


def compile_kernels(runs: Sequence[PlannedRun]) -> None:
    """Compile or load the kernels before anything is timed; says so on stderr when it takes long."""
    notice = threading.Timer(PATIENCE, print, (COMPILING,), {"file": sys.stderr, "flush": True})
    notice.start()
    try:
        with not_swallowed(), without_garbage_collection():
            for dtype in {run.configuration.train.dtype for run in runs}:
                warm_up(dtype)
    finally:
        notice.cancel()
