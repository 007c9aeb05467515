"""What the thread of a run was busy with, from its first update to its last."""

from time import perf_counter, thread_time

from rnnbench.network.clock import SPENT


class Busy:
    """Clocks of one run, which stays on one thread; made when the run starts.

    The first five are of the span between the start of the first update and the end of the last:

    - "span": seconds on the clock, evaluations and whatever is done with records included;
    - "processor": processor seconds, without waiting for the interpreter's lock or for a core;
    - "updates", "evaluations": processor seconds in compiled code, of updates and of evaluations;
    - "data": processor seconds in the task's drawing of batches;

    and "run" are the seconds on the clock from the making of this object to `end`.
    """

    def __init__(self) -> None:
        SPENT.watched = True
        self._made = perf_counter()
        self.parts = dict.fromkeys(("span", "processor", "updates", "evaluations", "data"), 0.0)
        self.first()

    def first(self) -> None:
        """Start the span: the first update comes next."""
        self._start, self._processor = perf_counter(), thread_time()
        self._kernels, self._data = SPENT.kernels, SPENT.data
        self._evaluations = 0.0

    def updated(self) -> None:
        """Take the times after an update; evaluations count once another update follows them."""
        parts, kernels = self.parts, SPENT.kernels
        parts["span"] = perf_counter() - self._start
        parts["processor"] = thread_time() - self._processor
        parts["data"] = SPENT.data - self._data
        parts["evaluations"] = self._evaluations
        parts["updates"] += kernels - self._kernels
        self._kernels = kernels

    def evaluated(self) -> None:
        """Take the time after an evaluation, the first call since `updated`."""
        kernels = SPENT.kernels
        self._evaluations += kernels - self._kernels
        self._kernels = kernels

    def end(self) -> dict[str, float]:
        """Return all parts at the end of the run."""
        SPENT.watched = False
        return {**self.parts, "run": perf_counter() - self._made}
