"""Ctrl-C at a moment when it does no harm."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Interrupted(BaseException):
    """Raised at the next border between two blocks of updates when a training is to stop."""


#: Signals that end a sweep as Ctrl-C does. Windows has no hang-up.
ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM, which clusters send before they kill, and a closed terminal end the block as Ctrl-C does.

    Where a hang-up is ignored already (`nohup`), it stays so.
    """
    before = {number: signal.getsignal(number) for number in ENDING}
    taken = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    for number in taken:
        # Sent on, and not raised here, so that `not_swallowed` handles it too.
        signal.signal(number, lambda number, frame: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        for number, handler in taken.items():
            signal.signal(number, handler)


def interrupt_main_thread() -> None:
    """End the command as Ctrl-C does, from another thread."""
    # Unlike `_thread.interrupt_main`, this wakes a main thread that waits for a lock.
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


@contextmanager
def not_swallowed() -> Iterator[None]:
    """Let a Ctrl-C that the block swallows, or answers with another exception, be a Ctrl-C all the same.

    The compiler of the kernels calls Python from C: what is raised there is dropped, and something else goes
    wrong in its stead.
    """
    came: list[int] = []

    def note(number: int, frame: Any) -> None:
        came.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    except Exception:
        if not came:
            raise
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
