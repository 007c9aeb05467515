"""Ctrl-C at a moment when it does no harm."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM, which clusters send before they kill, end the block as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Sent on, and not raised here: whoever holds Ctrl-C back holds this back too.
    before = signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


@contextmanager
def held_back(at_once: Callable[[], Any] = lambda: None) -> Iterator[None]:
    """Hold Ctrl-C back until the block has ended.

    Parameters
    ----------
    at_once : callable
        What is done at the moment of Ctrl-C all the same.

    Raises
    ------
    KeyboardInterrupt
        Behind the block, when Ctrl-C came within it.

    Notes
    -----
    A transaction that is cut in its middle keeps its database locked for as long as the interruption
    travels, and whoever stores the finished runs on its way finds it so. Outside the main thread, where no
    signal arrives, nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, frame: Any) -> None:
        came.append(number)
        at_once()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
    if came:
        raise KeyboardInterrupt
