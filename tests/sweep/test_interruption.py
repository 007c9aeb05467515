"""What ends a command like Ctrl-C, and a Ctrl-C that libraries would swallow."""

import signal
import threading
import time
from contextlib import suppress

import pytest

from rnnbench.sweep.interruption import interrupt_main_thread, not_swallowed, terminable


def interrupt():
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_and_a_closed_terminal_end_the_block_like_ctrl_c(ending):
    before = signal.getsignal(ending)
    with pytest.raises(KeyboardInterrupt), terminable():
        signal.raise_signal(ending)
    assert signal.getsignal(ending) is before


def test_another_thread_wakes_a_main_thread_that_waits():
    began, thread = time.monotonic(), threading.Timer(0.1, interrupt_main_thread)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        threading.Event().wait(20)
    thread.join()
    assert time.monotonic() - began < 10


def test_under_nohup_a_closed_terminal_ends_nothing():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with terminable():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_interruption_that_is_swallowed_or_answered_by_an_error_is_one_all_the_same():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), not_swallowed():
        with suppress(KeyboardInterrupt):
            interrupt()
            threading.Event().wait(1)
    with pytest.raises(KeyboardInterrupt), not_swallowed():
        with suppress(KeyboardInterrupt):
            interrupt()
            threading.Event().wait(1)
        raise RuntimeError("no compiled object yet")
    with pytest.raises(RuntimeError, match="of its own"), not_swallowed():
        raise RuntimeError("of its own")
    assert signal.getsignal(signal.SIGINT) is before
