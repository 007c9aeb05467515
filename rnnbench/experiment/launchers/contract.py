"""What every launcher does, and what is known of the seeds it was given."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from time import perf_counter
from types import TracebackType
from typing import Any, ClassVar, Self

from rnnbench.experiment.configuration import Configuration
from rnnbench.experiment.execution import Executed, Record, one_thread
from rnnbench.training import fit

OnStart = Callable[[int], Any]
OnRecord = Callable[[int, Record], Any]


class LauncherError(Exception):
    """What ended a run through no fault of its own; the message is a plain line for the user."""


class WorkerDied(LauncherError):
    """The process that trained a run is gone."""


class Unlike(LauncherError):
    """A worker's rnnbench, or its plugins, are not those of the process that sends the runs."""


class Training:
    """The seeds of one configuration at a launcher: waiting, in training or done.

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
        self.futures: list[Future[Executed]] = [Future() for _ in self.seeds]
        self._began, self._ended = math.inf, -math.inf

    @property
    def seconds(self) -> float:
        """See the class."""
        return max(0.0, self._ended - self._began)

    @property
    def done(self) -> bool:
        """Whether every seed has ended."""
        return all(future.done() for future in self.futures)

    def results(self) -> list[Executed | Exception]:
        """Wait for all seeds; return what each gave, or the exception that ended it, in their order."""
        return [_outcome(future.exception(), future) for future in self.futures]

    def finished(self) -> dict[int, Executed]:
        """Return what there is so far, by seed."""
        pairs = zip(self.seeds, self.futures, strict=True)
        ended = {seed: future for seed, future in pairs if future.done() and not future.cancelled()}
        return {seed: future.result() for seed, future in ended.items() if future.exception() is None}

    def starts(self) -> None:
        """Note that a seed starts now."""
        self._began = min(self._began, perf_counter())

    def ends(self) -> None:
        """Note that a seed has ended now."""
        self._ended = max(self._ended, perf_counter())


def _outcome(error: BaseException | None, future: Future[Executed]) -> Executed | Exception:
    if error is None:
        return future.result()
    if isinstance(error, Exception):
        return error
    raise error


class Launcher(ABC):
    """Trains seeds of one configuration after another; used as a context.

    Leaving the context waits for all seeds; leaving it with an exception stops them at their next block of
    updates, where they write their checkpoints.

    Attributes
    ----------
    name : str
        As of `hydra/launcher`.
    interruption : BaseException or None
        What stopped the seeds, if it was no ordinary exception of a run.
    """

    name: ClassVar[str]
    interruption: BaseException | None = None

    @property
    @abstractmethod
    def slots(self) -> int:
        """Runs at a time; may change while workers come and go, and is never below 1."""

    def start(
        self,
        configuration: Configuration,
        seeds: Sequence[int],
        *,
        on_start: OnStart | None = None,
        on_record: OnRecord | None = None,
    ) -> Training:
        """Queue seeds of a configuration behind those that are waiting.

        Parameters
        ----------
        configuration : Configuration
            What is trained.
        seeds : sequence of int
            All or some of its seeds.
        on_start : callable, optional
            Called with the seed when its turn has come; as `on_record`, never by two threads at a time.
        on_record : callable, optional
            Called with seed and record; launchers whose workers are far away may leave out some or all.

        Raises
        ------
        ValueError
            Arguments that `fit` refuses, before anything starts.
        """
        # Floors are computed in this process, wherever the runs are.
        one_thread()
        # The generator that `fit` returns has checked its arguments and computed nothing.
        fit(configuration.network, configuration.task, **configuration.fit_keywords)
        training = Training(seeds)
        self._queue(configuration, training, on_start or (lambda seed: None), on_record)
        return training

    @abstractmethod
    def _queue(
        self, configuration: Configuration, training: Training, on_start: OnStart, on_record: OnRecord | None
    ) -> None:
        """Queue every seed of a training; its futures get the results."""

    @abstractmethod
    def stop(self) -> None:
        """Let the seeds that train write their checkpoint and end at their next block, and no other begin.

        Returns at once; may be called again, by any thread, and from a signal handler.
        """

    def __enter__(self) -> Self:
        """Return the launcher."""
        return self

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the seeds; after an exception they end at their next block of updates."""
