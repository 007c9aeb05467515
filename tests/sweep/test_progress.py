"""What is to be seen of runs while they are trained, and the memory that is free again afterwards."""

import gc
import io
import json
import subprocess
import sys
import threading
import time
import weakref

import pandas as pd
import pytest

from rnnbench.store import Store, Summary
from rnnbench.sweep.bars import Bars, Running
from rnnbench.sweep.result_line import result_line
from rnnbench.sweep.sweep import carry_out
from tests.config.composing import planned
from tests.sweep.stored import TINY


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_run_of_seconds_shows_its_progress(folder, rnnbench):
    work, seen = folder / "runs/default/.work", {}

    def look():
        end = time.monotonic() + 60
        while not list(work.glob("*.progress.csv")) and time.monotonic() < end:
            time.sleep(0.02)
        (progress,) = work.glob("*.progress.csv")
        seen["history"] = pd.read_csv(progress)
        (facts,) = work.glob("*.json")
        seen["facts"] = json.loads(facts.read_text())
        (folder / "draft").write_text("1")
        (folder / "draft").rename(folder / "interrupt")

    threading.Thread(target=look).start()
    long = "train.updates=100000000 train.evaluate_every=100 train.stop_when_solved=false"
    assert rnnbench(f"run model=elman task=scripted {TINY} {long}".replace("train=smoke ", ""))[0] == 130
    assert list(seen["history"]["update"])[:3] == [100, 200, 300]
    assert {"train_loss", "validation_score"} <= set(seen["history"].columns)
    assert (seen["facts"]["model"], seen["facts"]["seed"]) == ("elman", 0)
    assert [path.name.partition(".")[2] for path in work.iterdir()] == ["checkpoint.npz"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_bars_only_on_a_terminal(monkeypatch):
    newest = {"update": 10, "train_loss": 0.125, "validation_score": 0.5}
    running = {"a": Running("elman · seed 0", 20, None), "b": Running("elman · seed 3", 20, newest)}
    shown = {}
    for stream in (Terminal(), io.StringIO(), None):
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "100")
        monkeypatch.setattr("sys.stderr", stream)
        with Bars(2) as bars:
            bars.show(running, 0)
            bars.show({"b": running["b"]}, 1)
        shown[stream is not None and stream.isatty()] = stream.getvalue() if stream else ""
    assert shown[False] == "" and "1 of 2" in shown[True]
    assert "elman · seed 3" in shown[True] and "loss 0.125" in shown[True] and "score  0.500" in shown[True]


def test_nothing_but_results_and_bars_on_a_terminal(folder, capsys, monkeypatch):
    plan, said, stream = planned(f"model=elman,rnn task=scripted {TINY}"), [], Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", stream)
    carry_out(plan, Store(), say=said.append)
    assert [line.split()[0] for line in said] == ["elman", "rnn"] and "of 2" in stream.getvalue()


def test_the_line_of_a_configuration():
    run = Summary("0" * 16, "s", "r", "solved", "elman", "adding", "adding T=50", 0, 9, 9, 0.5, 0.5,
                  {"test_score": 0.75}, 1.0, {}, "", "c")  # fmt: skip
    runs = [run, run._replace(outcome="diverged", scores={"test_score": float("nan")}), run]
    assert result_line("elman", runs, width=7) == (
        "elman    score   0.750  solved 2 of 3     1.5 s  (1 diverged)"
    )
    failed = run._replace(outcome="failed", scores={})
    assert result_line("elman", [failed], "9 parameters") == (
        "elman  score       -  solved 0 of 1     0.5 s  (1 failed, 9 parameters)"
    )


def test_networks_are_released_while_the_sweep_goes_on(folder):
    """Without a collection of cycles too: a sweep of hundreds would hold gigabytes of buffers."""
    plan = planned(f"model=elman,rnn task=scripted {TINY} seeds=2 train.threads=1 train.lr=0.1,0.2,0.3")
    networks, alive = [weakref.ref(c.network) for c in plan.configurations], []
    gc.disable()
    try:
        carry_out(plan, Store(), say=lambda line: alive.append(sum(n() is not None for n in networks)))
    finally:
        gc.enable()
    assert len(alive) == 6 and all(n <= 6 - number for number, n in enumerate(alive))
    assert not any(network() for network in networks)


def test_the_end_of_a_pipe_ends_the_command(folder):
    """As `rnnbench run ... | head -1`."""
    line = f"run -m model=elman,rnn task=scripted {TINY} train.lr=0.1,0.2,0.3,0.4 train.updates=6000"
    words = [sys.executable, "-m", "rnnbench", *line.split(), "train.threads=1", "tracking.mirror=later"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline().startswith("elman")
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141 and "Traceback" not in err and "BrokenPipe" not in err, err
    assert len(Store().study("default").keys()) < 8
