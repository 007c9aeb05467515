"""What is believed of SLURM's answers."""

import os

import pytest

from rnnbench.experiment.launchers import squeue


@pytest.fixture
def answer(empty, monkeypatch):
    """Set what `squeue` prints, and its exit code."""
    monkeypatch.setenv("PATH", f"{empty}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(squeue, "LEAST", 0.0)
    monkeypatch.setattr(squeue, "SHARE", 0.0)
    monkeypatch.setattr(squeue, "LAG", 0.0)

    def say(text, code=0, error=""):
        (empty / "squeue").write_text(f"#!/bin/sh\nprintf '{text}'\necho '{error}' >&2\nexit {code}\n")
        (empty / "squeue").chmod(0o755)

    return say


def test_what_has_ended_is_told_with_its_state(answer):
    answer("7_0 RUNNING\\n7_1 CANCELLED\\n8 PENDING\\n9 PREEMPTED\\n")
    assert squeue.Squeue().ended(["7_0", "7_1", "8", "9"]) == {"7_1": "CANCELLED", "9": "PREEMPTED"}


def test_a_result_has_its_time_to_be_seen(answer, monkeypatch):
    answer("7 COMPLETED\\n")
    monkeypatch.setattr(squeue, "LAG", 1e9)
    asked = squeue.Squeue()
    assert asked.ended(["7"]) == {}
    assert asked.ended(["7"], now=True) == {"7": "COMPLETED"}


def test_a_job_that_is_put_back_has_not_ended(answer, monkeypatch):
    asked = squeue.Squeue()
    monkeypatch.setattr(squeue, "LAG", 1e9)
    answer("7 NODE_FAIL\\n")
    assert asked.ended(["7"]) == {}
    answer("7 PENDING\\n")
    asked.ended(["7"])
    monkeypatch.setattr(squeue, "LAG", 0.0)
    assert asked.ended(["7"]) == {}


@pytest.mark.parametrize("error", ["slurm_load_jobs error: Unable to contact slurm controller", ""])
def test_nothing_is_believed_of_a_controller_that_does_not_answer(answer, error):
    answer("", 1, error)
    assert squeue.Squeue().ended(["7"]) == {} and squeue.states_of(["7"]) is None


def test_a_job_that_slurm_has_forgotten_has_ended(answer):
    answer("", 1, "slurm_load_jobs error: Invalid job id specified")
    assert squeue.Squeue().ended(["7"]) == {"7": squeue.FORGOTTEN}


def test_without_squeue_nothing_is_known(empty, monkeypatch):
    monkeypatch.setenv("PATH", str(empty))
    assert squeue.states_of(["7"]) is None
    squeue.cancel(["7"])
