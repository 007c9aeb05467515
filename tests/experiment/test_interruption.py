"""Ctrl-C waits for a run that is being stored."""

import signal
import threading
from contextlib import suppress

import pytest

from rnnbench.experiment.interruption import held_back, not_swallowed, terminable


def interrupt():
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


def test_an_interruption_comes_behind_the_block():
    done = []
    with pytest.raises(KeyboardInterrupt), held_back():
        interrupt()
        done.append(1)
    assert done == [1]
    with pytest.raises(KeyboardInterrupt):
        interrupt()
        threading.Event().wait(1)


def test_an_error_of_the_block_is_the_error():
    with pytest.raises(OSError, match="no room"), held_back():
        interrupt()
        raise OSError("no room")


def test_nothing_is_done_in_other_threads():
    before, seen = signal.getsignal(signal.SIGINT), []

    def store():
        with held_back():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=store)
    thread.start()
    thread.join()
    assert seen == [before] and signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_and_a_closed_terminal_end_the_block_like_ctrl_c(ending):
    before, done = signal.getsignal(ending), []
    with pytest.raises(KeyboardInterrupt), terminable(), held_back():
        signal.raise_signal(ending)
        done.append(1)
    assert done == [1] and signal.getsignal(ending) is before


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
