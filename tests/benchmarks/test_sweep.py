"""The demo, as a user runs it: how much of its time is arithmetic."""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from rnnbench.reporting.busy import OF_RUNS, OF_SWEEP, where_the_time_went
from tests.benchmarks.comparison import single

ROOT = Path(__file__).parents[2]
#: First something small, which compiles the kernels if need be.
COMMANDS = ["run model=rnn task=adding train=smoke", "run experiment=demo"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Run the demo into an empty folder, the kernels compiled before; return its records."""
    folder = tmp_path_factory.mktemp("demo")
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    for command in COMMANDS:
        arguments = [sys.executable, "-m", "rnnbench", *command.split()]
        environment = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    # Not through MLflow, whose database models warn of what a newer SQLAlchemy deprecates.
    found = (folder / "runs" / "artifacts" / "demo").glob("*/artifacts/record.json")
    return [json.loads(path.read_text(encoding="utf-8")) for path in found]


def report(benchmark, records):
    """Compute the split (which is what takes a turn here) and leave its parts in `extra_info`."""
    found = benchmark.pedantic(where_the_time_went, args=(records,), rounds=1)
    benchmark.extra_info["core_seconds"] = {name: seconds for name, seconds, _ in found["rows"]}
    # Well below 1, other work kept a core from us, or threads waited for each other.
    ran = [r["busy"]["processor"] / r["busy"]["span"] for r in records]
    benchmark.extra_info["cores_used"] = statistics.median(ran)
    return found


@pytest.mark.benchmark(group="sweep")
def test_between_first_and_last_update(benchmark, demo):
    found = report(benchmark, demo)
    row = "demo: kernels and data between first and last update of its runs"
    single(benchmark, row, found["run_share"], "%", at_least=OF_RUNS)


@pytest.mark.benchmark(group="sweep")
def test_of_the_whole_sweep(benchmark, demo):
    found = report(benchmark, demo)
    row = "demo: kernels and data, of all core-seconds after start-up"
    single(benchmark, row, found["sweep_share"], "%", at_least=OF_SWEEP)
