"""One job: a configuration with all its seeds, trained in parallel threads and stored."""

import json
import math
import statistics
import sys
import threading
import time
import traceback
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rnnbench.experiment.configuration import Configuration
from rnnbench.experiment.memory import is_too_large, too_large
from rnnbench.experiment.progress import Progress
from rnnbench.experiment.record import failed_run, finished_run
from rnnbench.network.warming import warm_up
from rnnbench.tasks.contract import Floor
from rnnbench.tracking import Store
from rnnbench.training import Result, fit_seeds, stream

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


@dataclass
class Runner:
    """Trains configurations one after another and stores every run.

    Attributes
    ----------
    store : Store
        Where runs are kept; open before the first job starts.
    progress : Progress
        Bars on the terminal.
    planned : dict
        What every record says about the command as a whole: `Plan.as_plain()`.
    """

    store: Store
    progress: Progress
    planned: dict[str, Any] = field(default_factory=dict)
    _floors: dict[str, list[Floor]] = field(default_factory=dict)

    def run(self, configuration: Configuration, name: str) -> Summary:
        """Train all seeds of a configuration and store a run for each.

        Parameters
        ----------
        configuration : Configuration
            What to train.
        name : str
            What to call it on the terminal.

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
        clock = time.perf_counter()
        train = configuration.train
        compiled = compile_kernels(train.dtype)
        self.progress.begin(name, configuration.seeds, train.updates)
        results = train_seeds(configuration, self.progress)
        trained = any(isinstance(result, Result) for result in results)
        if not trained and any(is_too_large(result) for result in results):
            raise too_large(configuration)
        _add_compilation(results, compiled)
        for n, seed in enumerate(configuration.seeds):
            results[n] = self._store(configuration, seed, results[n])
        summary = summarise(name, results, time.perf_counter() - clock)
        return summary._replace(budget=_budget_note(configuration))

    def _store(
        self, configuration: Configuration, seed: int, result: Result | Exception
    ) -> Result | Exception:
        """Store one run; returns its result, or the exception that ended it."""
        threads = min(len(configuration.seeds), configuration.threads)
        if isinstance(result, Result):
            try:
                floors = self._floors_of(configuration, seed)
                run = finished_run(configuration, result, floors, threads)
            except Exception as error:
                result = error
        if isinstance(result, Exception):
            traceback.print_exception(result, file=sys.stderr)
            run = failed_run(configuration, seed, result, threads)
        record, files = run
        self.store.write(record | self.planned, files)
        return result

    def _floors_of(self, configuration: Configuration, seed: int) -> list[Floor]:
        """Floors on the data this seed is tested on: the same for every model of a sweep."""
        task: Any = configuration.task
        key = json.dumps([configuration.as_plain()["task"], seed], default=str)
        if key not in self._floors:
            self._floors[key] = task.floors(stream(seed, "test"))
        return self._floors[key]


def train_seeds(configuration: Configuration, progress: Progress) -> list[Result | Exception]:
    """Train every seed; an exception takes the place of a seed's result."""
    try:
        results: list[Result | Exception] = fit_seeds(
            configuration.network,
            configuration.task,
            configuration.seeds,
            threads=configuration.threads,
            on_record=progress.show,
            **configuration.fit_keywords,
        )
        return results
    except Exception as error:
        return [error for _ in configuration.seeds]


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


def _add_compilation(results: list[Result | Exception], seconds: float) -> None:
    """Count the compilation, which all seeds share, once: for the first that has a result."""
    for result in results:
        if isinstance(result, Result):
            result.timings["compile"] = result.timings.get("compile", 0.0) + seconds
            return


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
