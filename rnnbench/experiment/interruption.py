"""Ctrl-C at a moment when it does no harm."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: Signals that end a sweep as Ctrl-C does. Windows has no hang-up.
ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM, which clusters send before they kill, and a closed terminal end the block as Ctrl-C does.

    Where a hang-up is ignored already (`nohup`), it stays so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in ENDING}
    taken = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in taken:
        # Sent on, and not raised here: whoever holds Ctrl-C back holds this back too.
        signal.signal(number, lambda number, frame: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL if before[number] is None else before[number])


@contextmanager
def not_swallowed() -> Iterator[None]:
    """Let a Ctrl-C that the block swallows, or answers with another exception, be a Ctrl-C all the same.

    The compiler of the kernels calls Python from C: what is raised there is dropped, and something else goes
    wrong in its stead.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, frame: Any) -> None:
        came.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    except Exception as error:
        if came:
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
    if came:
        raise KeyboardInterrupt


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
