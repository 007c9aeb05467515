"""Threads that train a run each: how many, and how they share the interpreter."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

#: Seconds that a thread returning from compiled code waits at most for the interpreter while another one
#: draws data. Python's default, 5 ms, is as long as a block of updates takes.
SWITCH_SECONDS = 0.0005


@contextmanager
def quick_switching() -> Iterator[None]:
    """Shorten the interpreter's switch interval to `SWITCH_SECONDS`, for all threads of this process."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
