"""What is done is left out, what was interrupted goes on, what was asked for again is run again."""

import pytest

from rnnbench.store import Store
from tests.sweep.stored import TINY, bits, left_over, records

LONG = (
    "task=scripted task.length=8 task.validation_size=16 task.test_size=16 model.hidden=4 train.updates=500"
)
#: The signal may cut an import of a library short, whose open file is then noticed.
INTERRUPTS = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def begun(folder):
    return sorted((folder / "begun").read_text().splitlines()) if (folder / "begun").exists() else []


def interrupted(folder, rnnbench, line, draws=100):
    """Press Ctrl-C after so many draws; returns the checkpoints."""
    (folder / "interrupt").write_text(str(draws))
    code, _, err = rnnbench(line)
    assert code == 130 and err.endswith("rnnbench: interrupted\n") and "Traceback" not in err
    return sorted((folder / "runs/default/.work").glob("*.checkpoint.npz"))


def test_a_finished_sweep_runs_nothing(folder, rnnbench):
    line = f"run -m model=elman,rnn task=scripted {TINY} seeds=2"
    _, said, _ = rnnbench(line)
    before = records()
    code, out, err = rnnbench(line)
    assert (code, out) == (0, said)
    assert err == "default: 2 configurations, 4 runs: 4 done, 0 to run; resume=off runs them again\n"
    assert records() == before and len(begun(folder)) == 4


def test_more_seeds_run_only_the_new_ones(folder, rnnbench):
    rnnbench(f"run model=elman task=scripted {TINY} seeds=2")
    code, out, err = rnnbench(f"run model=elman task=scripted {TINY} seeds=5")
    assert (code, err) == (0, "default: 2 done, 3 to run\n") and "solved 0 of 5" in out
    assert begun(folder) == [f"8 {seed}" for seed in range(5)]
    assert [record["seed"] for record in records()] == [0, 1, 2, 3, 4]


def test_resume_off_runs_everything_again_and_keeps_the_old_runs(folder, rnnbench):
    line = f"run model=elman task=scripted {TINY} seeds=2"
    rnnbench(line)
    before, values = records(), bits()
    assert rnnbench(f"{line} resume=off")[::2] == (0, "")
    after = records()
    assert bits() == values and not left_over()
    assert not {record["run"] for record in before} & {record["run"] for record in after}
    removed = sorted(path.name for path in (folder / "runs/default/.removed").iterdir())
    assert removed == sorted(f"{record['key']}.1" for record in before)
    study = Store().study("default")
    study.remove([record["key"] for record in after])
    study.restore()
    assert records() == after


@INTERRUPTS
def test_ctrl_c_keeps_what_is_finished(folder, rnnbench):
    line = f"run -m model=elman,rnn {LONG} seeds=2 train.threads=1"
    assert len(interrupted(folder, rnnbench, line, draws=1100)) == 1
    assert [(r["model"], r["seed"]) for r in records()] == [("elman", 0), ("elman", 1)]
    code, out, err = rnnbench(line)
    assert code == 0 and "2 done, 2 to run (1 from its checkpoint)" in err
    assert [record["resumed"] for record in records()] == [0, 0, 1, 0]
    assert out.split()[0] == "rnn" and not left_over()


@INTERRUPTS
def test_resume_off_goes_on_from_no_checkpoint(folder, rnnbench):
    line = f"run model=elman {LONG}"
    assert interrupted(folder, rnnbench, line)
    assert rnnbench(f"{line} resume=off")[::2] == (0, "")
    assert [record["resumed"] for record in records()] == [0] and not left_over()


@INTERRUPTS
def test_a_checkpoint_of_another_source_of_a_plugin_is_not_read(folder, rnnbench):
    line = f"run model=elman {LONG}"
    assert interrupted(folder, rnnbench, line)
    with open(folder / "rnnbench_plugins" / "scripted.py", "a") as plugin:
        plugin.write("# changed\n")
    code, _, err = rnnbench(line)
    assert code == 0 and "belongs to another run" in err
    assert [record["resumed"] for record in records()] == [0]


def test_a_plugin_that_was_edited_since_is_told_of(folder, rnnbench):
    line = f"run model=elman task=scripted {TINY} seeds=2"
    rnnbench(line)
    with open(folder / "rnnbench_plugins" / "scripted.py", "a") as plugin:
        plugin.write("# changed\n")
    code, _, err = rnnbench(line)
    assert code == 0 and "the file of task scripted has changed since 2 of the finished runs" in err


def test_checkpoints_of_finished_runs_are_removed_but_not_those_of_runs_in_training(folder, rnnbench):
    """A command that was killed between storing a run and removing its checkpoint leaves one."""
    line = f"run model=elman task=scripted {TINY} seeds=3"
    rnnbench(line)
    study = Store().study("default")
    paths = [study.layout.checkpoint(record["key"]) for record in records()]
    for path in (*paths, paths[0].with_name(f".{paths[0].name}.1f.draft")):
        path.write_bytes(b"left behind")
    damaged = paths[0].with_name(f"{paths[0].name}.damaged")
    damaged.write_bytes(b"to be looked at")
    claim = study.claim(records()[1]["key"])
    assert claim.take()
    assert "3 done, 0 to run" in rnnbench(line)[2]
    assert sorted(path for path in left_over() if "claim" not in path.name) == sorted([damaged, paths[1]])
    claim.release()
    assert rnnbench(line)[0] == 0
    assert left_over() == [damaged]
