"""Jobs: a configuration with all its seeds, trained in parallel threads and stored when all have ended."""

import json
import math
import statistics
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rnnbench.experiment.configuration import Configuration
from rnnbench.experiment.interruption import held_back
from rnnbench.experiment.memory import is_too_large, too_large
from rnnbench.experiment.progress import Progress
from rnnbench.experiment.provenance import processors
from rnnbench.experiment.record import Files, Record, as_json, failed_run, finished_run
from rnnbench.experiment.watching import Watch, numbers
from rnnbench.network.warming import warm_up
from rnnbench.tasks.contract import Floor
from rnnbench.tracking import Store
from rnnbench.training import Pool, Result, Training, stream

#: Draws what was seen of a run: record and what was seen to files by name.
Figures = Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, bytes]]
#: Seconds after which a first compilation is worth a line.
PATIENCE = 1.5


class Summary(NamedTuple):
    """What became of one configuration: median test score over seeds, counts of outcomes, seconds, budget."""

    name: str
    score: float
    seeds: int
    solved: int
    diverged: int
    failed: int
    seconds: float
    budget: str = ""

    def line(self, width: int = 0) -> str:
        """Return the result as one line, the name padded to `width`."""
        score = f"{self.score:7.3f}" if math.isfinite(self.score) else "      -"
        notes = [f"{n} {what}" for n, what in ((self.diverged, "diverged"), (self.failed, "failed")) if n]
        notes += [self.budget] if self.budget else []
        tail = f"  ({', '.join(notes)})" if notes else ""
        solved = f"solved {self.solved} of {self.seeds}"
        return f"{self.name:<{width}}  score {score}  {solved}  {self.seconds:6.1f} s{tail}"


@dataclass(eq=False)
class Job:
    """A configuration whose seeds are in a pool.

    Attributes
    ----------
    configuration : Configuration
        What is trained.
    name : str
        What it is called on the terminal.
    training : Training
        Its seeds.
    watches : dict of int to Watch
        What is seen of each seed; empty without diagnostics.
    stored : set of int
        The seeds whose runs are in the store.
    """

    configuration: Configuration
    name: str
    training: Training
    watches: dict[int, Watch] = field(default_factory=dict)
    stored: set[int] = field(default_factory=set)


class Runner:
    """Trains configurations and stores every run.

    Training threads never wait for the store: it is written from the thread that calls `finish`, while the
    seeds of the next configurations train.

    Parameters
    ----------
    store : Store
        Where runs are kept; open before the first job starts.
    progress : Progress
        Bars on the terminal.
    planned : dict
        What every record says about the command as a whole: `Plan.as_plain()`.
    figures : callable, optional
        Draws diagnostics.
    """

    def __init__(
        self,
        store: Store,
        progress: Progress,
        planned: Mapping[str, Any],
        figures: Figures | None = None,
    ) -> None:
        self._figures = figures
        self.store, self.progress, self.planned = store, progress, dict(planned)
        self._floors: dict[str, list[Floor]] = {}
        self._compiled = 0.0
        self._stop_seeds: Callable[[], None] = lambda: None
        self._began, self._clock = time.time(), time.perf_counter()

    def compile(self, dtypes: Iterable[str]) -> None:
        """Compile or load the kernels; the start-up ends here."""
        self._compiled = sum(compile_kernels(dtype) for dtype in dtypes)
        self._began, self._clock = time.time(), time.perf_counter()

    def start(self, pool: Pool, number: int, configuration: Configuration, name: str) -> Job:
        """Queue all seeds of a configuration, the `number`-th of the command."""
        self._stop_seeds = pool.stop
        updates = configuration.train.updates
        seeds = configuration.seeds if configuration.diagnostics else ()
        watches = {seed: Watch(configuration, seed) for seed in seeds}
        training = pool.start(
            configuration.network,
            configuration.task,
            configuration.seeds,
            on_start=lambda seed: self.progress.begin(number, name, seed, updates),
            on_record=lambda seed, record: self.progress.show(number, seed, record),
            on_parameters=(lambda seed, update, params: watches[seed].look(update, params))
            if watches
            else None,
            **configuration.fit_keywords,
        )
        return Job(configuration, name, training, watches)

    def finish(self, job: Job) -> Summary:
        """Wait for all seeds of a configuration and store a run for each.

        Returns
        -------
        Summary
            An exception in one seed is printed with its traceback, stored as a failed run, and leaves the
            other seeds alone.

        Raises
        ------
        TooLarge
            The configuration does not fit into memory; nothing of it is stored.
        """
        results = job.training.results()
        trained = any(isinstance(result, Result) for result in results)
        if not trained and any(is_too_large(result) for result in results):
            raise too_large(job.configuration)
        for n, seed in enumerate(job.configuration.seeds):
            results[n] = self._store(job, seed, results[n])
        summary = summarise(job.name, results, job.training.seconds)
        return summary._replace(budget=_budget_note(job.configuration))

    def rescue(self, jobs: Iterable[Job]) -> None:
        """Store the finished seeds of jobs that an interruption ended."""
        for job in jobs:
            for seed, result in job.training.finished().items():
                if seed not in job.stored:
                    self._store(job, seed, result)

    def _store(self, job: Job, seed: int, result: Result | Exception) -> Result | Exception:
        """Store one run; returns its result, or the exception that ended it."""
        configuration = job.configuration
        threads = min(self.planned["planned_runs"], configuration.threads)
        if isinstance(result, Result):
            # The compilation, which all runs share, is counted once: for the first that has a result.
            result.timings["compile"] += self._compiled
            self._compiled = 0.0
            try:
                floors = self._floors_of(configuration, seed)
                run = finished_run(configuration, result, floors, threads)
                if seed in job.watches:
                    run = self._with_diagnostics(run, job.watches.pop(seed).end(result.parameters))
            except Exception as error:
                result = error
        if isinstance(result, Exception):
            traceback.print_exception(result, file=sys.stderr)
            run = failed_run(configuration, seed, result, threads)
        record, files = run
        with held_back(self._stop_seeds):
            self.store.write(record | self.planned | {"sweep": self._sweep()}, files)
            job.stored.add(seed)
        return result

    def _with_diagnostics(self, run: tuple[Record, Files], seen: dict[str, Any]) -> tuple[Record, Files]:
        """Add to a record the numbers that were seen, to its files all of it and the figures."""
        record, files = run
        record["diagnostics"] = numbers(seen)
        figures = self._figures(record, seen) if self._figures else {}
        return record, {**files, "diagnostics.json": as_json(seen), **figures}

    def _sweep(self) -> dict[str, Any]:
        """Return when the command's start-up ended, how long ago, and on how many processors it runs."""
        return {
            "began": self._began,
            "seconds": time.perf_counter() - self._clock,
            "processors": processors(),
        }

    def _floors_of(self, configuration: Configuration, seed: int) -> list[Floor]:
        """Floors on the data this seed is tested on: the same for every model of a sweep."""
        task: Any = configuration.task
        key = json.dumps([configuration.as_plain()["task"], seed], default=str)
        if key not in self._floors:
            self._floors[key] = task.floors(stream(seed, "test"))
        return self._floors[key]


def compile_kernels(dtype: str) -> float:
    """Compile or load the kernels before anything is timed; says so when it takes long, returns seconds."""
    text = "compiling the kernels (once for this version and machine) ..."
    notice = threading.Timer(PATIENCE, print, (text,), {"file": sys.stderr, "flush": True})
    notice.daemon = True
    notice.start()
    try:
        return warm_up(dtype)
    finally:
        notice.cancel()


def _budget_note(configuration: Configuration) -> str:
    """Return the parameter count and how far it is from the budget, or "" where none was set."""
    count, budget = configuration.network.n_parameters, configuration.budget
    return "" if budget is None else f"{count} parameters, {(count - budget) / budget:+.1%}"


def summarise(name: str, results: list[Result | Exception], seconds: float) -> Summary:
    """Return the line of a configuration; a run without a finite score counts as the worst of the median."""
    finished = [r for r in results if isinstance(r, Result)]
    failed = len(results) - len(finished)
    scores = [r.scores.get("test_score", -math.inf) for r in finished] + [-math.inf] * failed
    outcomes = [r.outcome for r in finished]
    return Summary(
        name=name,
        score=statistics.median(s if math.isfinite(s) else -math.inf for s in scores),
        seeds=len(results),
        solved=outcomes.count("solved"),
        diverged=outcomes.count("diverged"),
        failed=failed,
        seconds=seconds,
    )
