"""A small sweep against the same in PyTorch, Hydra and MLflow: two widths, three seeds, in turns."""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.comparison import single

ROOT = Path(__file__).parents[2]
OURS = (
    "-m rnnbench run -m model=rnn model.hidden=32,64 task=adding task.length=50 seeds=3 train.batch=32 "
    "train.updates=1000 train.stop_when_solved=false train.clip_norm=1"
).split()
THEIRS = [str(Path(__file__).with_name("torch_sweep.py")), "-m", "hidden=32,64", "seed=0,1,2"]
TURNS = 3


def seconds(arguments, folder):
    """Run a command of Python in an empty folder and return how long it took."""
    folder.mkdir()
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    clock = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return time.perf_counter() - clock


@pytest.mark.benchmark(group="sweep")
@pytest.mark.parametrize(("mirror", "at_least"), [("auto", 6.0), ("later", 8.0)])
def test_two_widths_three_seeds(benchmark, tmp_path, mirror, at_least):
    pytest.importorskip("torch")
    line = [*OURS, f"tracking.mirror={mirror}"]
    seconds(line, tmp_path / "warm")
    ours, theirs = [], []
    benchmark.pedantic(
        lambda: ours.append(seconds(line, tmp_path / f"ours{len(ours)}")),
        setup=lambda: theirs.append(seconds(THEIRS, tmp_path / f"theirs{len(theirs)}")),
        rounds=TURNS,
    )
    ratio = statistics.median(theirs) / statistics.median(ours)
    row = f"sweep of 2 widths x 3 seeds, PyTorch + Hydra + MLflow / ours (tracking.mirror={mirror})"
    single(benchmark, row, ratio, "x", at_least=at_least)
