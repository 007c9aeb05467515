"""From the command line to the first update: with a warm cache, and compiling everything."""

import os
import statistics
import subprocess
import sys
import time

import pytest

from tests.benchmarks.comparison import single

COMMAND = ["run", "model=rnn", "task=adding", "train.updates=10"]
#: Runs the command line and stops behind its first updates (one block), those of the warm-up left out.
UNTIL_FIRST_UPDATE = """
import os, sys
from rnnbench.network.block import Block
update = Block.update
def first(self, params, *arguments):
    done = update(self, params, *arguments)
    # The network that warms up is smaller.
    if params.vector.size > 10:
        print("first updates", flush=True)
        os._exit(0)
    return done
Block.update = first
from rnnbench.cli import main
sys.exit(main(sys.argv[1:]))
"""
NUMBA = """
import time
clock = time.perf_counter()
import numba
imported = time.perf_counter() - clock
from rnnbench.network import warm_up
from rnnbench.training import optimisers
print(imported + warm_up("float32") + optimisers.warm_up("float32"))
"""


def python(code, arguments, folder, **environment):
    """Run Python in a folder; return its output and the seconds it took."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    clock = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    seconds = time.perf_counter() - clock
    assert done.returncode == 0, done.stderr
    return done, seconds


def first_update(folder, **environment):
    """Return what the command wrote to its error stream and the seconds to its first update."""
    done, seconds = python(UNTIL_FIRST_UPDATE, COMMAND, folder, **environment)
    assert "first updates" in done.stdout, done.stderr
    return done.stderr, seconds


@pytest.mark.benchmark(group="start")
def test_cold_start(benchmark, tmp_path):
    first_update(tmp_path)
    benchmark.pedantic(first_update, args=(tmp_path,), rounds=3)
    single(benchmark, "start to first update, warm cache", benchmark.stats.stats.median, "s", at_most=3.0)


@pytest.mark.benchmark(group="start")
def test_numba_share_of_a_start(benchmark, tmp_path):
    seconds = []
    benchmark.pedantic(lambda: seconds.append(float(python(NUMBA, [], tmp_path)[0].stdout)), rounds=3)
    single(benchmark, "start: import of Numba, kernels loaded", statistics.median(seconds), "s", at_most=0.7)


@pytest.mark.benchmark(group="start")
def test_first_compilation(benchmark, tmp_path):
    cache = str(tmp_path / "cache")
    said, _ = benchmark.pedantic(
        first_update, args=(tmp_path,), kwargs={"RNNBENCH_CACHE_DIR": cache}, rounds=1
    )
    assert "compiling the kernels" in said
    row = "start to first update, nothing compiled (and a message)"
    single(benchmark, row, benchmark.stats.stats.median, "s", at_most=40.0)
