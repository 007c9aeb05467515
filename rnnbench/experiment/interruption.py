"""Ctrl-C at a moment when it does no harm."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_back() -> Iterator[None]:
    """Hold Ctrl-C back until the block has ended.

    A transaction that is cut in its middle keeps its database locked for as long as the interruption
    travels, and whoever stores the finished runs on its way finds it so. Outside the main thread, where no
    signal arrives, nothing is done.

    Raises
    ------
    KeyboardInterrupt
        Behind the block, when Ctrl-C came within it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
    if came:
        raise KeyboardInterrupt
