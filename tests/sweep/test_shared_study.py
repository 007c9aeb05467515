"""Several commands, and workers that die, on the runs of one study."""

import subprocess
import sys
import threading
import time

import pytest

from rnnbench.store import Store
from rnnbench.sweep.command import Command
from rnnbench.sweep.complete import Tally, complete
from rnnbench.sweep.launchers import LauncherError
from rnnbench.sweep.outlook import Outlook
from rnnbench.sweep.run import train_run
from rnnbench.sweep.tuning.trials import tune
from tests.config.composing import planned
from tests.sweep.stored import TINY, failures, left_over, records

DIES = """
import os, sys
from pathlib import Path
from rnnbench.store import Claim
claim = Claim(Path(sys.argv[1]))
assert claim.take()
os.kill(os.getpid(), 9)
"""


def claim_and_die(run):
    """Claim a run in a process that is killed at once."""
    path = Store().study(run.configuration.study).claim(run.key).path
    path.parent.mkdir(parents=True, exist_ok=True)
    assert subprocess.run([sys.executable, "-c", DIES, str(path)]).returncode == -9
    assert path.exists()


def test_runs_in_training_elsewhere_are_waited_for_and_told(folder, rnnbench):
    line = f"model=elman task=scripted {TINY} seeds=2"
    (configuration,) = planned(line).configurations
    (folder / "hold").touch()
    other = threading.Thread(target=train_run, args=(configuration, 0, Command(folder / "runs")))
    other.start()
    study = Store().study("default")

    def let_go():
        while not (study.training() and study.keys()):
            time.sleep(0.01)
        time.sleep(0.6)
        (folder / "hold").unlink()

    threading.Thread(target=let_go).start()
    while not study.training():
        time.sleep(0.01)
    code, out, err = rnnbench(f"run {line}")
    other.join()
    assert code == 0 and "1 run is claimed by another process; waiting" in err
    assert "solved 0 of 2" in out and len(out.splitlines()) == 1
    assert sorted((folder / "begun").read_text().splitlines()) == ["8 0", "8 1"]
    assert [record["seed"] for record in records()] == [0, 1] and not left_over()


class Workers:
    """A launcher whose first worker dies with its run, or that begins no run at all."""

    in_processes = True

    def __init__(self, dead=1, lazy=False):
        self.dead, self.lazy, self.launched = dead, lazy, 0

    def launch(self, runs, command):
        self.launched += 1
        for run in () if self.lazy else runs:
            if self.dead:
                self.dead -= 1
                claim_and_die(run)
            else:
                train_run(run.configuration, run.seed, command)


def prepared(line):
    plan, store = planned(line), Store()
    study = store.study("default")
    study.open()
    return plan, store, study, Command(store.root)


def test_a_run_whose_owner_died_is_trained_by_the_next_command(folder, rnnbench):
    line = f"model=elman task=scripted {TINY} seeds=2"
    plan, _, study, command = prepared(line)
    claim_and_die(Outlook(plan, study, command).left[0])
    code, out, err = rnnbench(f"run {line}")
    assert (code, err) == (0, "") and "solved 0 of 2" in out
    assert len(records()) == 2 and not left_over()


def test_a_worker_that_dies_leaves_a_failed_run(folder, rnnbench, capsys):
    line = f"model=elman task=scripted {TINY} seeds=3"
    plan, _, study, command = prepared(line)
    workers, lines = Workers(), []
    assert complete(plan, study, command, workers, lines.append) == Tally(runs=3, failed=1, died=1)
    assert workers.launched == 1 and len(lines) == 1 and "1 failed" in lines[0]
    (failed,) = failures()
    assert "the process that trained it died" in failed.error and failed.error in capsys.readouterr().err
    assert len(records()) == 2 and not left_over()
    code, _, err = rnnbench(f"run {line}")
    assert code == 0 and "2 done, 1 failed, 0 to run" in err and not failures()


def test_runs_that_are_never_begun_are_launched_three_times(folder):
    plan, _, study, command = prepared(f"model=elman task=scripted {TINY} seeds=3")
    workers = Workers(lazy=True)
    with pytest.raises(LauncherError, match="3 runs were not started"):
        complete(plan, study, command, workers)
    assert workers.launched == 3 and not study.keys()


def test_a_trial_that_died_chooses_nothing(folder, rnnbench):
    line = f"model=elman task=scripted {TINY} tune.trials=2"
    plan, store, _, command = prepared(line)
    with pytest.raises(LauncherError, match="1 trial died with their processes; start again"):
        tune(plan, store, command, Workers())
    assert rnnbench(f"run {line}")[0] == rnnbench(f"run {line} study.name=undisturbed")[0] == 0
    (one,), (other,) = records(), records("undisturbed")
    assert one["key"] == other["key"] and one["tuning"]["chosen"] == other["tuning"]["chosen"]
