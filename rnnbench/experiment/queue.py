"""The jobs of a plan, in order, with the seeds of later ones training while earlier ones are stored."""

import itertools
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, wait

from rnnbench.experiment.configuration import Configuration
from rnnbench.experiment.job import Job, Runner
from rnnbench.experiment.plan import Plan
from rnnbench.training import Pool

#: Seeds in training or waiting for it, per thread: enough that no thread waits while a run is stored.
AHEAD = 3
Numbered = tuple[int, str, Configuration]


def jobs(runner: Runner, plan: Plan) -> Generator[Job]:
    """Yield each job of a plan in order when all its seeds have ended; whoever takes it stores its runs.

    Parameters
    ----------
    runner : Runner
        Starts the jobs, a few seeds ahead of what is yielded.
    plan : Plan
        Neighbours with the same number of threads share a pool of them.

    Notes
    -----
    On Ctrl-C the seeds in training stop at their next record, and the seeds that have finished are stored.
    """
    numbered = zip(itertools.count(), plan.names, plan.configurations, strict=False)
    for threads, alike in itertools.groupby(numbered, lambda one: one[2].threads):
        started: deque[Job] = deque()
        try:
            with Pool(threads) as pool:
                yield from _in_order(runner, pool, alike, started)
        except (KeyboardInterrupt, GeneratorExit):
            runner.rescue(started)
            raise


def _in_order(runner: Runner, pool: Pool, waiting: Iterator[Numbered], started: deque[Job]) -> Iterator[Job]:
    """Yield jobs from the left end of `started`, where each stays until it is stored."""
    while True:
        running = [f for job in started for f in job.training.futures if not f.done()]
        while len(running) < AHEAD * pool.threads and (new := next(waiting, None)):
            number, name, configuration = new
            started.append(runner.start(pool, number, configuration, name))
            running += started[-1].training.futures
        if not started:
            return
        if started[0].training.done:
            yield started[0]
            started.popleft()
        else:
            # Any end makes room for another seed.
            wait(running, return_when=FIRST_COMPLETED)
        if pool.interruption is not None:
            raise pool.interruption
