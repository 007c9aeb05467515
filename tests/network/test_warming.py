"""Two processes compile the first time; even if the second one fails, everything is compiled."""

import os
import subprocess
from pathlib import Path

import pytest

from rnnbench.kernels.forward import forward
from rnnbench.network import passes, warming

ROOT = Path(__file__).parents[2]


class Second:
    """Stands in for the second process."""

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

    monkeypatch.setattr(warming, "compile_forward", interrupted)
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


def test_the_backward_pass_is_compiled_without_the_forward_pass(monkeypatch):
    called = []
    monkeypatch.setattr(passes, "forward", lambda *given: called.append("forward"))
    backward = passes.backward
    monkeypatch.setattr(passes, "backward", lambda *given: called.append("backward") or backward(*given))
    warming.compile_backward("float32")
    assert called == ["backward"]


def test_the_command_of_the_second_process_runs(second, monkeypatch):
    commands = []
    monkeypatch.setattr(warming.subprocess, "Popen", lambda *given, **options: commands.append(given[0]))
    warming.warm_up("float32")
    monkeypatch.undo()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(commands[0], capture_output=True, text=True, timeout=120, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
