"""How the thread of a run spent its time, from its first update to its last."""

from collections.abc import Mapping
from time import perf_counter, thread_time

from rnnbench.network.processor_time import SPENT


class TimeAccount:
    """Clocks of one run, which stays on one thread; created when the run starts.

    The first five cover the span from the start of the first update to the end of the last:

    - "span": wall-clock seconds, including evaluations and the handling of records;
    - "processor": processor seconds, that is, without waiting for the interpreter's lock or for a core;
    - "updates", "evaluations": processor seconds in compiled code, in updates and in evaluations;
    - "data": processor seconds in which the task drew batches.

    "run" is the wall-clock time from the creation of this object to `end`. A run that was resumed from a
    checkpoint includes what it spent before the checkpoint, but not the time in between.
    """

    def __init__(self) -> None:
        SPENT.watched = True
        self._made = perf_counter()
        self.parts = dict.fromkeys(("span", "processor", "updates", "evaluations", "data"), 0.0)
        self._before = {**self.parts, "run": 0.0}
        self.first()

    def first(self) -> None:
        """Start the span: the first update comes next."""
        self._start, self._processor = perf_counter(), thread_time()
        self._kernels, self._data = SPENT.kernels, SPENT.data
        self._evaluations = self._before["evaluations"]

    def updated(self) -> None:
        """Read the clocks after an update; an evaluation counts only once another update follows it."""
        parts, before, kernels = self.parts, self._before, SPENT.kernels
        parts["span"] = before["span"] + perf_counter() - self._start
        parts["processor"] = before["processor"] + thread_time() - self._processor
        parts["data"] = before["data"] + SPENT.data - self._data
        parts["evaluations"] = self._evaluations
        parts["updates"] += kernels - self._kernels
        self._kernels = kernels

    def evaluated(self) -> None:
        """Read the clock after an evaluation; called once after `updated`."""
        kernels = SPENT.kernels
        self._evaluations += kernels - self._kernels
        self._kernels = kernels

    def state(self) -> dict[str, float]:
        """Return the current parts; between two blocks of updates or after an evaluation."""
        self.updated()
        return {**self.parts, "run": self._before["run"] + perf_counter() - self._made}

    def restore(self, state: Mapping[str, float]) -> None:
        """Continue from what `state` returned; the span starts anew."""
        self._before = {name: float(state[name]) for name in self._before}
        self.parts = {name: self._before[name] for name in self.parts}
        self.first()

    def end(self) -> dict[str, float]:
        """Return all parts at the end of the run."""
        SPENT.watched = False
        return {**self.parts, "run": self._before["run"] + perf_counter() - self._made}
