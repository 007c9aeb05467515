"""The jobs of a plan, in order, with the seeds of later ones training while earlier ones are stored."""

import itertools
import sys
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from typing import Any, NamedTuple

from rnnbench.experiment.configuration import Configuration
from rnnbench.experiment.job import Job, Runner
from rnnbench.experiment.launchers import launcher as make_launcher
from rnnbench.experiment.launchers.contract import Launcher
from rnnbench.experiment.plan import Plan
from rnnbench.experiment.resume import Outlook
from rnnbench.experiment.wording import counted

#: Seeds in training or waiting for it, per slot: enough that none waits while a run is stored.
AHEAD = 3
#: Seconds between two looks at what another sweep is running.
LOOK = 0.5


class Work(NamedTuple):
    """A configuration with its number, its name and the seeds that are to be run."""

    number: int
    name: str
    configuration: Configuration
    seeds: list[int]


def _where(work: Work) -> tuple[Any, int]:
    """Return what decides on the launcher."""
    return work.configuration.launcher, work.configuration.threads


class Queue:
    """What is left of a plan, as jobs.

    Parameters
    ----------
    runner : Runner
        Starts the jobs, a few seeds ahead of what is yielded.
    plan : Plan
        Neighbours with the same number of threads share a launcher.
    outlook : Outlook
        What of the plan is stored.
    """

    def __init__(self, runner: Runner, plan: Plan, outlook: Outlook) -> None:
        self._runner, self._plan, self._outlook = runner, plan, outlook
        self._elsewhere: list[Work] = []

    def jobs(self) -> Generator[Job]:
        """Yield each job in order when all its seeds have ended; whoever takes it stores its runs.

        Runs that another sweep of the study holds come last: when it has stored them, there is nothing to do;
        when it ends without, they are run here.

        Notes
        -----
        On Ctrl-C the seeds in training stop at their next block of updates, and those that have finished are
        stored.
        """
        yield from self._launched(self._claimed(self._all()))
        if self._elsewhere:
            count = sum(len(work.seeds) for work in self._elsewhere)
            print(f"another sweep of this study trains {counted(count, 'run')}; waiting", file=sys.stderr)
        while self._elsewhere:
            waiting, self._elsewhere = self._elsewhere, []
            free = list(self._claimed(waiting))
            yield from self._launched(iter(free))
            if not free:
                time.sleep(LOOK)

    def _all(self) -> Iterator[Work]:
        for number, (name, configuration) in enumerate(
            zip(self._plan.names, self._plan.configurations, strict=True)
        ):
            if seeds := self._outlook.left(configuration):
                yield Work(number, name, configuration, seeds)

    def _claimed(self, works: Iterable[Work]) -> Iterator[Work]:
        """Yield the works with the seeds that could be claimed; the others are kept for later."""
        for work in works:
            mine, others = [], []
            for seed in work.seeds:
                key = self._outlook.key(work.configuration, seed)
                if not self._runner.claims.take(key):
                    others.append(seed)
                elif self._done_meanwhile(work.configuration, key):
                    self._runner.claims.release(key)
                else:
                    mine.append(seed)
            if others:
                self._elsewhere.append(work._replace(seeds=others))
            if mine:
                yield work._replace(seeds=mine)

    def _done_meanwhile(self, configuration: Configuration, key: str) -> bool:
        """Whether another sweep has stored a run since the outlook was made."""
        store, study = self._runner.store, configuration.study
        # One run is looked for; all of them are read once where it is there, for others will be too.
        if configuration.resume and key not in self._outlook.done and store.has(study, key):
            self._outlook.update(store.states(study))
        return key in self._outlook.done

    def _launched(self, works: Iterator[Work]) -> Generator[Job]:
        for (settings, threads), alike in itertools.groupby(works, _where):
            started: deque[Job] = deque()
            try:
                with make_launcher(settings, threads, self._runner.store.root) as launcher:
                    yield from self._in_order(launcher, alike, started)
            except BaseException:
                # Ctrl-C, a job that could not be started, a launcher that is gone: what is finished is kept.
                self._runner.store_finished(started)
                raise

    def _in_order(self, launcher: Launcher, waiting: Iterator[Work], started: deque[Job]) -> Iterator[Job]:
        """Yield jobs from the left end of `started`, where each stays until it is stored."""
        while True:
            running = [f for job in started for f in job.training.futures if not f.done()]
            while len(running) < AHEAD * launcher.slots and (work := next(waiting, None)):
                earlier = self._outlook.stored(work.configuration)
                started.append(
                    self._runner.start(
                        launcher, work.number, work.configuration, work.name, work.seeds, earlier
                    )
                )
                running += started[-1].training.futures
            if not started:
                return
            if started[0].training.done:
                yield started[0]
                started.popleft()
            else:
                # Any end makes room for another seed.
                wait(running, return_when=FIRST_COMPLETED)
                self._runner.store_finished(started)
            if launcher.interruption is not None:
                raise launcher.interruption
