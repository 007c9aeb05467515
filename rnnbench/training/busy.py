"""What the thread of a run was busy with, from its first update to its last."""

from collections.abc import Mapping
from time import perf_counter, thread_time

from rnnbench.network.clock import SPENT


class Busy:
    """Clocks of one run, which stays on one thread; made when the run starts.

    The first five are of the span between the start of the first update and the end of the last:

    - "span": seconds on the clock, evaluations and whatever is done with records included;
    - "processor": processor seconds, without waiting for the interpreter's lock or for a core;
    - "updates", "evaluations": processor seconds in compiled code, of updates and of evaluations;
    - "data": processor seconds in the task's drawing of batches;

    and "run" are the seconds on the clock from the making of this object to `end`. What a run that goes on
    from a checkpoint spent before is in all of them; the time in between is not.
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
        """Take the times after an update; evaluations count once another update follows them."""
        parts, before, kernels = self.parts, self._before, SPENT.kernels
        parts["span"] = before["span"] + perf_counter() - self._start
        parts["processor"] = before["processor"] + thread_time() - self._processor
        parts["data"] = before["data"] + SPENT.data - self._data
        parts["evaluations"] = self._evaluations
        parts["updates"] += kernels - self._kernels
        self._kernels = kernels

    def evaluated(self) -> None:
        """Take the time after an evaluation, the first call since `updated`."""
        kernels = SPENT.kernels
        self._evaluations += kernels - self._kernels
        self._kernels = kernels

    def state(self) -> dict[str, float]:
        """Return all parts as they are now, between two blocks of updates or behind an evaluation."""
        self.updated()
        return {**self.parts, "run": self._before["run"] + perf_counter() - self._made}

    def restore(self, state: Mapping[str, float]) -> None:
        """Go on from what `state` returned; the span starts anew."""
        self._before = {name: float(state[name]) for name in self._before}
        self.parts = {name: self._before[name] for name in self.parts}
        self.first()

    def end(self) -> dict[str, float]:
        """Return all parts at the end of the run."""
        SPENT.watched = False
        return {**self.parts, "run": self._before["run"] + perf_counter() - self._made}
