"""Jobs: a configuration with all its seeds, trained by a launcher and stored when all have ended."""

import json
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnnbench.experiment.configuration import Configuration
from rnnbench.experiment.execution import Executed, checkpoint_of, one_thread
from rnnbench.experiment.fair import budget_note, budget_warning
from rnnbench.experiment.interruption import held_back, not_swallowed
from rnnbench.experiment.launchers.contract import Launcher, LauncherError, Training
from rnnbench.experiment.memory import is_too_large, too_large
from rnnbench.experiment.progress import Progress
from rnnbench.experiment.record import Files, Record, as_json, failed_run, finished_run
from rnnbench.experiment.summary import Ending, Summary, summarise
from rnnbench.experiment.watching import numbers
from rnnbench.network.warming import warm_up
from rnnbench.tasks.contract import Floor
from rnnbench.tracking import Claims, State, Store
from rnnbench.training import stream
from rnnbench.training.seeds import processors

#: Draws what was seen of a run: record and what was seen to files by name.
Figures = Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, bytes]]
#: Seconds after which a first compilation is worth a line.
PATIENCE = 1.5


@dataclass(eq=False)
class Job:
    """A configuration whose seeds are in training, waiting for it or done.

    Attributes
    ----------
    configuration : Configuration
        What is trained.
    name : str
        What it is called on the terminal.
    training : Training
        The seeds that are to be run.
    earlier : dict of int to State
        Its runs that were in the store before.
    number : int
        Of the configuration in the command.
    stored : dict of int to Executed or Exception
        What became of the seeds whose runs are in the store since.
    """

    configuration: Configuration
    name: str
    training: Training
    earlier: Mapping[int, State] = field(default_factory=dict)
    number: int = 0
    stored: dict[int, Executed | Exception] = field(default_factory=dict)


class Runner:
    """Has configurations trained and stores every run.

    Training never waits for the store: it is written from the thread that calls `store_finished` and
    `finish`, while other seeds train. What is finished is stored at once: a kill does not cost it.

    Parameters
    ----------
    store : Store
        Where runs are kept; open before the first job starts.
    claims : Claims
        What keeps another sweep from running the same runs; given back as they are stored.
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
        claims: Claims,
        progress: Progress,
        planned: Mapping[str, Any],
        figures: Figures | None = None,
    ) -> None:
        self._figures = figures
        self.store, self.claims, self.progress, self.planned = store, claims, progress, dict(planned)
        self._floors: dict[str, list[Floor]] = {}
        self._compiled = 0.0
        self._stop_seeds: Callable[[], None] = lambda: None
        self._began, self._clock = time.time(), time.perf_counter()

    def compile(self, dtypes: Iterable[str]) -> None:
        """Compile or load the kernels; the start-up ends here."""
        one_thread()
        self._compiled = sum(compile_kernels(dtype) for dtype in dtypes)
        self._began, self._clock = time.time(), time.perf_counter()

    def start(
        self,
        launcher: Launcher,
        number: int,
        configuration: Configuration,
        name: str,
        seeds: Sequence[int],
        earlier: Mapping[int, State],
    ) -> Job:
        """Queue seeds of a configuration, the `number`-th of the command."""
        self._stop_seeds = launcher.stop
        if not configuration.resume:
            # Afresh: not from where a sweep before this one was interrupted.
            for seed in seeds:
                checkpoint_of(configuration, seed, self.store.root).remove()
        warning = budget_warning(configuration.width, configuration.budget_of, name)
        if warning and not configuration.trial:
            print(f"rnnbench: {warning}", file=sys.stderr)
        updates = configuration.updates
        training = launcher.start(
            configuration,
            seeds,
            on_start=lambda seed: self.progress.begin(number, name, seed, updates),
            on_record=lambda seed, record: self.progress.show(number, seed, record),
        )
        return Job(configuration, name, training, earlier, number)

    def finish(self, job: Job) -> Summary:
        """Wait for all seeds of a configuration and store a run for each.

        Returns
        -------
        Summary
            Of these runs and of those stored earlier. An exception in one seed is printed with its
            traceback, stored as a failed run, and leaves the other seeds alone.

        Raises
        ------
        TooLarge
            The configuration does not fit into memory; nothing of it is stored.
        """
        results = job.training.results()
        trained = any(isinstance(result, Executed) for result in results)
        if not trained and any(is_too_large(result) for result in results):
            raise too_large(job.configuration)
        for seed, result in zip(job.training.seeds, results, strict=True):
            if seed not in job.stored:
                self._store(job, seed, result)
        endings = [Ending.of(one) for one in [*job.earlier.values(), *job.stored.values()]]
        configuration = job.configuration
        # A sweep, and its tuning, hold many configurations: each network has its buffers of every shape.
        configuration.release()
        note = budget_note(configuration.width, configuration.budget_of)
        return summarise(job.name, endings, job.training.seconds, note)

    def store_finished(self, jobs: Iterable[Job]) -> None:
        """Store the seeds of jobs that have given a result, whatever becomes of the others."""
        for job in jobs:
            for seed, result in job.training.finished().items():
                if seed not in job.stored:
                    self._store(job, seed, result)

    def _store(self, job: Job, seed: int, result: Executed | Exception) -> None:
        """Store one run, and note in the job what became of it."""
        configuration = job.configuration
        threads = min(self.planned["planned_runs"], configuration.threads)
        if isinstance(result, Executed):
            # The compilation, which all runs share, is counted once: for the first that has a result.
            result.result.timings["compile"] += self._compiled
            self._compiled = 0.0
            try:
                floors = self._floors_of(configuration, seed) if not configuration.trial else []
                run = self._with_diagnostics(
                    finished_run(configuration, result, floors, threads), result.seen
                )
            except Exception as error:
                result = error
        if isinstance(result, Exception):
            _say(result, job.name, seed)
            run = failed_run(configuration, seed, result, threads)
        record, files = run
        with held_back(self._stop_seeds):
            self.store.keep(record | self.planned | {"sweep": self._sweep()}, files)
            job.stored[seed] = result
            if record["outcome"] != "failed":
                checkpoint_of(configuration, seed, self.store.root).remove()
            self.claims.release(record["key"])

    def _with_diagnostics(
        self, run: tuple[Record, Files], seen: Mapping[str, Any] | None
    ) -> tuple[Record, Files]:
        """Add to a record the numbers that were seen, to its files all of it and the figures."""
        record, files = run
        if seen is None:
            return run
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


def _say(error: Exception, name: str, seed: int) -> None:
    """Print what ended a run: in one line where it was no fault of its own, else with its traceback."""
    if isinstance(error, LauncherError):
        why = str(error).removeprefix(f"seed {seed}: ")
        print(f"rnnbench: {name} · seed {seed}: {why}", file=sys.stderr)
    else:
        traceback.print_exception(error, file=sys.stderr)


def compile_kernels(dtype: str) -> float:
    """Compile or load the kernels before anything is timed; says so when it takes long, returns seconds."""
    text = "compiling the kernels (once for this version and machine) ..."
    notice = threading.Timer(PATIENCE, print, (text,), {"file": sys.stderr, "flush": True})
    notice.daemon = True
    notice.start()
    try:
        with not_swallowed():
            return warm_up(dtype)
    finally:
        notice.cancel()
