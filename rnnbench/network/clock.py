"""Processor time of compiled calls, by thread: what of a run is arithmetic, and what surrounds it."""

import threading
from collections.abc import Callable
from time import thread_time
from typing import Any


class Spent(threading.local):
    """What the calling thread has spent so far in calls that are `counted`.

    Attributes
    ----------
    kernels, data : float
        Seconds of processor time: waiting (for the interpreter's lock, for a core) is not in it.
    watched : bool
        Whether anybody wants to know: reading the clock costs a small call some microseconds.
    """

    kernels: float = 0.0
    data: float = 0.0
    watched: bool = False


SPENT = Spent()


def counted(function: Callable[..., Any], part: str = "kernels") -> Callable[..., Any]:
    """Return a function that does the same and adds the processor time of each call to a part of `SPENT`.

    Parameters
    ----------
    function : callable
        A kernel that Python calls (not one that kernels call), or whatever draws data.
    part : "kernels" or "data"
        What it counts as.
    """

    def call(*arguments: Any) -> Any:
        if not SPENT.watched:
            return function(*arguments)
        clock = thread_time()
        try:
            return function(*arguments)
        finally:
            setattr(SPENT, part, getattr(SPENT, part) + thread_time() - clock)

    return call
