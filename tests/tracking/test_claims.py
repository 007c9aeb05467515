"""Two sweeps of one study share out its runs; whoever dies lets go."""

import multiprocessing
import os
import signal

import pytest

from rnnbench.tracking import Claims, StoreError

KEYS = [f"{n:016x}" for n in range(200)]


def test_a_run_is_taken_once(tmp_path):
    one, other = Claims(tmp_path, "demo"), Claims(tmp_path, "demo")
    assert one.take("a") and not other.take("a") and other.take("b")
    assert one.take("a")
    assert Claims(tmp_path, "another").take("a")
    one.release("a")
    assert other.take("a") and not one.take("a")
    other.close()
    assert one.take("a") and one.take("b")
    one.release("never taken")


def test_what_is_released_leaves_nothing_behind(tmp_path):
    claims = Claims(tmp_path, "demo")
    assert all(claims.take(key) for key in KEYS)
    claims.close()
    assert list((tmp_path / "claims" / "demo").iterdir()) == []


def hold(root, ready):
    claims = Claims(root, "demo")
    ready.put(claims.take("a"))
    signal.pause()


def test_a_killed_process_lets_go(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready = context.Queue()
    process = context.Process(target=hold, args=(tmp_path, ready))
    process.start()
    assert ready.get(timeout=60)
    mine = Claims(tmp_path, "demo")
    assert not mine.take("a")
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)
    assert mine.take("a")


def share(root, barrier, taken):
    """Take every run that is free; hold a few at a time, as a sweep does, and give each back once."""
    claims, mine = Claims(root, "demo"), []
    barrier.wait()
    for key in KEYS:
        # As a sweep does: whoever holds a claim looks whether the run was stored meanwhile.
        if claims.take(key):
            done = root / f"{key}.done"
            if not done.exists():
                mine.append(key)
                done.touch()
            claims.release(key)
    taken.put(mine)


def test_no_run_is_taken_twice_by_three_processes(tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier, taken = context.Barrier(3), context.Queue()
    processes = [context.Process(target=share, args=(tmp_path, barrier, taken)) for _ in range(3)]
    for process in processes:
        process.start()
    found = [key for _ in processes for key in taken.get(timeout=60)]
    for process in processes:
        process.join(60)
    assert sorted(found) == KEYS


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "claims").write_text("a file")
    with pytest.raises(StoreError, match="cannot be claimed"):
        Claims(tmp_path, "demo").take("a")


def test_files_of_the_killed_are_cleared(tmp_path):
    folder = tmp_path / "claims" / "demo"
    folder.mkdir(parents=True)
    (folder / "a").touch()
    with Claims(tmp_path, "demo") as claims:
        assert list(folder.iterdir()) == []
        assert claims.take("a")
    assert list(folder.iterdir()) == []
