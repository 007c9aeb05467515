"""Ctrl-C waits for a run that is being stored."""

import signal
import threading

import pytest

from rnnbench.experiment.interruption import held_back, terminable


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


def test_sigterm_ends_the_block_like_ctrl_c():
    before, done = signal.getsignal(signal.SIGTERM), []
    with pytest.raises(KeyboardInterrupt), terminable(), held_back():
        signal.raise_signal(signal.SIGTERM)
        done.append(1)
    assert done == [1] and signal.getsignal(signal.SIGTERM) is before
