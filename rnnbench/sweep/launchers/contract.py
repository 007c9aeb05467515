"""What a launcher is: it decides where runs are trained, and nothing else."""

from collections.abc import Sequence
from typing import NamedTuple, Self

from rnnbench.config.configuration import Configuration
from rnnbench.sweep.command import Command


class PlannedRun(NamedTuple):
    """A run that is to be trained: its configuration, its seed and its key."""

    configuration: Configuration
    seed: int
    key: str


class LauncherError(RuntimeError):
    """Runs could not be started; the message is one plain line."""


class Launcher:
    """Calls `train_run` for runs, in threads, processes or on other machines; used as a context.

    Attributes
    ----------
    in_processes : bool
        Whether runs are trained in other processes, which can die without this one.
    """

    in_processes = True

    def __enter__(self) -> Self:
        """Start what is needed once for a whole command."""
        return self

    def __exit__(self, *error: object) -> None:
        """Stop it."""

    def launch(self, runs: Sequence[PlannedRun], command: Command) -> str:
        """Train runs; returns when each has ended, or was found in training elsewhere.

        Results come back through the study's folder. Where processes died, their runs have not ended.

        Returns
        -------
        str
            What is known of why processes died; "" by default.

        Raises
        ------
        LauncherError
            Runs could not be started, or a job could not store them: it is of no use to launch them again.
        StoreError
            Runs could not be stored.
        KeyboardInterrupt
            After Ctrl-C, when runs in training have written their checkpoints.
        """
        raise NotImplementedError
