"""The demo, as a user runs it: how much of its time is arithmetic."""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from rnnbench.reporting.time_spent import time_spent
from tests.benchmarks.comparison import single

ROOT = Path(__file__).parents[2]
#: Targets in per cent for kernels and the drawing of data: of the core-seconds between the first and the last
#: update of the runs, and of all core-seconds of a sweep after its start-up.
OF_RUNS, OF_SWEEP = 85.0, 70.0
#: Compiles the kernels if need be.
SMALL = "run model=rnn task=adding train=smoke"


def records_of_runs(folder):
    """Return the record of every run stored below a folder."""
    found = sorted((folder / "runs").rglob("record.json"))
    assert found, f"no record of a run below {folder}"
    return [json.loads(path.read_text(encoding="utf-8")) for path in found]


def run_commands(folder, commands):
    """Run commands of rnnbench in an empty folder; return the records of their runs."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    for command in commands:
        arguments = [sys.executable, "-m", "rnnbench", *command.split()]
        environment = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return records_of_runs(folder)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Run the demo into an empty folder, the kernels compiled before; return the records of its runs."""
    run_commands(tmp_path_factory.mktemp("warm"), [SMALL])
    return run_commands(tmp_path_factory.mktemp("demo"), ["run experiment=demo"])


def report(benchmark, records):
    """Compute the split, which is what is timed here, and leave its parts in `extra_info`."""
    found = benchmark.pedantic(time_spent, args=(records,), rounds=1)
    benchmark.extra_info["core_seconds"] = {name: seconds for name, seconds, _ in found["rows"]}
    # Well below 1 when other work occupied a core, or threads waited for each other.
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
