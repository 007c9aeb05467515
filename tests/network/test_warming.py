"""Two processes compile, the first time; whatever becomes of the second, everything is compiled."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rnnbench.kernels.forward import forward
from rnnbench.network import warming

ROOT = Path(__file__).parents[2]


class Second:
    """In place of the second process."""

    def __init__(self):
        self.started, self.ended = [], []

    def __call__(self, arguments, **options):
        self.started.append(arguments[-1])
        return self

    def poll(self):
        return 1 if self.ended else None

    def wait(self):
        self.ended.append("wait")

    def kill(self):
        self.ended.append("kill")


@pytest.fixture
def second(tmp_path, monkeypatch):
    if not hasattr(forward, "signatures"):
        pytest.skip("kernels are interpreted")
    warming.warm_up("float32")
    one = Second()
    monkeypatch.setattr(warming, "_warm", set())
    monkeypatch.setattr(warming.compilation, "cache_folder", lambda: str(tmp_path))
    monkeypatch.setattr(warming.subprocess, "Popen", one)
    monkeypatch.setattr(warming.os, "cpu_count", lambda: 2)
    return one


def test_a_second_process_compiles_the_first_time_only(second, tmp_path):
    assert warming.warm_up("float32") > 0
    assert (second.started, second.ended) == (["float32"], ["wait"])
    assert [path.name for path in tmp_path.iterdir()] == ["compiled-float32"]
    warming._warm.clear()
    warming.warm_up("float32")
    assert second.started == ["float32"]


def test_nothing_is_started_on_one_processor_or_without_a_cache(second, monkeypatch):
    monkeypatch.setattr(warming.os, "cpu_count", lambda: 1)
    warming.warm_up("float32")
    warming._warm.clear()
    monkeypatch.setattr(warming.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(warming.compilation, "cache_folder", lambda: "")
    warming.warm_up("float32")
    assert second.started == []


def test_an_interruption_ends_the_second_process(second, tmp_path, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(warming, "call_kernels", interrupted)
    with pytest.raises(KeyboardInterrupt):
        warming.warm_up("float32")
    assert second.ended == ["kill", "wait"]
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_cannot_be_started_is_done_without(second, tmp_path, monkeypatch):
    def refused(*arguments, **options):
        raise OSError("no more processes")

    monkeypatch.setattr(warming.subprocess, "Popen", refused)
    warming.warm_up("float32")
    assert [path.name for path in tmp_path.iterdir()] == ["compiled-float32"]


def test_the_second_process_calls_the_backward_pass_alone():
    ask = warming._OTHER_HALF.replace(
        "warming.call_kernels",
        "backward, run.backward = run.backward, lambda *given: print('backward') or backward(*given)\n"
        "warming.call_kernels",
    )
    done = subprocess.run(
        [sys.executable, "-c", ask, "float32"], capture_output=True, text=True, timeout=120,
        env=os.environ | {"PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "backward\n"), done.stderr
