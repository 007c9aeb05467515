"""Whatever ends a run is stored as one failed run with its error; all other runs are trained."""

import pytest

from rnnbench.store import Store
from rnnbench.sweep.command import Command
from rnnbench.sweep.run import train_run
from tests.config.composing import configured
from tests.sweep.stored import TINY, failures, left_over, records

METHODS = ["training", "validation", "test", "score", "solved", "columns", "floors"]


@pytest.mark.parametrize(
    ("method", "error"),
    [*((method, "RuntimeError") for method in METHODS), ("test", "SystemExit"), ("floors", "GeneratorExit")],
)
def test_whatever_a_task_raises(folder, rnnbench, method, error):
    line = f"run -m model=elman task=scripted {TINY} task.fails='',{method} task.error={error} seeds=2"
    code, out, err = rnnbench(line)
    assert code == 1
    good, bad = out.splitlines()
    assert "failed" not in good and "2 failed" in bad
    assert err.count("Traceback") == 1 and f"{error}: {method} is broken" in err
    assert err.rstrip().endswith("rnnbench: 2 of 4 runs failed")
    assert [record["task_fields"]["fails"] for record in records()] == ["", ""]
    failed = failures()
    assert sorted(run.seed for run in failed) == [0, 1]
    for run in failed:
        assert run.error == f"{error}: {method} is broken"
        text = Store().study("default").read_file(run.key, "traceback.txt").decode()
        assert "scripted.py" in text and text.rstrip().endswith(run.error)
    assert not left_over()


def test_a_model_that_cannot_be_built_where_its_run_is_trained(folder):
    """Workers build the network anew; what works in the command may fail there."""
    configuration = configured(f"model=elman task=adding {TINY}")
    configuration.release()
    configuration.model.hidden = -1
    assert train_run(configuration, 0, Command(folder / "runs"))
    (run,) = failures()
    assert "hidden" in run.error or "size" in run.error


def test_failed_runs_are_run_again(folder, rnnbench):
    line = f"run model=elman task=scripted {TINY} task.fails=test seeds=2"
    assert rnnbench(line)[0] == 1
    plugin = folder / "rnnbench_plugins" / "scripted.py"
    plugin.write_text(plugin.read_text().replace("is broken", "is still broken"))
    code, _, err = rnnbench(line)
    assert code == 1 and "default: 0 done, 2 failed, 0 to run" in err
    assert [run.error for run in failures()] == ["RuntimeError: test is still broken"] * 2
    plugin.write_text(plugin.read_text().replace("raise ", "return "))
    code, out, err = rnnbench(line)
    assert code == 0 and "0 done, 2 failed, 0 to run" in err and len(out.splitlines()) == 1
    assert not failures() and len(records()) == 2


def test_a_failure_does_not_replace_a_result(folder, rnnbench):
    line = f"run model=elman task=scripted {TINY} task.fails=test"
    plugin = folder / "rnnbench_plugins" / "scripted.py"
    broken = plugin.read_text()
    plugin.write_text(broken.replace("raise ", "return "))
    assert rnnbench(line)[0] == 0
    (before,) = records()
    plugin.write_text(broken)
    assert rnnbench(f"{line} resume=off")[0] == 1
    (after,) = records()
    assert before == after and not failures()
    assert "1 done, 0 to run" in rnnbench(line)[2]


def test_a_store_that_cannot_be_written_is_one_line(folder, rnnbench):
    (folder / "runs").write_text("a file in the way")
    code, out, err = rnnbench(f"run -m model=elman,rnn task=adding {TINY} seeds=2")
    assert (code, out) == (1, "") and "Traceback" not in err
    assert "study default cannot be written: " in err.splitlines()[-1]
