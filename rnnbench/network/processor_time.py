"""Processor time of compiled calls and of drawing data, counted for each thread."""

import threading
from collections.abc import Callable
from time import thread_time
from typing import Any


class Spent(threading.local):
    """Processor time that the calling thread has spent so far in functions that are `counted`.

    Attributes
    ----------
    kernels, data : float
        Seconds of processor time; waiting for the interpreter lock or for a core is not included.
    watched : bool
        Whether time is counted at all: reading the clock costs a small call some microseconds.
    """

    kernels: float = 0.0
    data: float = 0.0
    watched: bool = False


SPENT = Spent()


def counted(function: Callable[..., Any], part: str = "kernels") -> Callable[..., Any]:
    """Return a function that does the same and adds the processor time of each call to `SPENT`.

    Parameters
    ----------
    function : callable
        A kernel called from Python (not from another kernel), or a function that draws data.
    part : "kernels" or "data"
        The attribute of `SPENT` that the time is added to.
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
