"""Training sequences of many lengths: the span is drawn anew for every batch."""

from functools import lru_cache
from typing import Any

import numpy as np

from rnnbench.base.arguments import whole_number
from rnnbench.tasks.contract import Batch, Task

#: Number of tasks at other spans that are cached.
KEPT = 256


class Spans:
    """A task's training data at spans drawn uniformly, a new one for each batch.

    Parameters
    ----------
    task : Task
        Its own span is the longest.
    shortest : int
        The shortest.

    Raises
    ------
    ValueError
        A task without a span, or whose training data do not depend on it, or a span that it refuses.
    """

    def __init__(self, task: Task, shortest: int) -> None:
        key = f"train.shortest={shortest}"
        if task.span is None:
            raise ValueError(f"{key}: task={task.name} has no length or span that could be varied")
        self._shortest, self._longest = whole_number("train.shortest", shortest, 1), task.span
        if self._shortest > self._longest:
            raise ValueError(f"{key}: must be at most task.{task.SPAN}={self._longest}")
        self._at = lru_cache(maxsize=KEPT)(task.at)
        try:
            small = self._at(self._shortest)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from None
        if self._shortest < self._longest and _steps(small) == _steps(task):
            raise ValueError(
                f"{key}: the training sequences of task={task.name} do not depend on task.{task.SPAN}"
            )

    def training(self, rng: np.random.Generator, size: int) -> Batch:
        """Draw a span, then sequences of it."""
        return self._at(int(rng.integers(self._shortest, self._longest, endpoint=True))).training(rng, size)


def _steps(task: Task) -> tuple[Any, ...]:
    """Return the steps of training sequences; the batch drawn for this belongs to no stream of the run."""
    return task.training(np.random.default_rng(0), 1).x.shape[:1]
