"""Budgets: in updates, in sequences, in seconds of compiled time; and what it took to solve a task."""

import math

import pytest

from rnnbench.models.elman import Elman
from rnnbench.models.rnn import RNN
from rnnbench.tasks.flipflop import Flipflop
from rnnbench.tasks.xor import XOR
from rnnbench.training import blocks, drain, fit
from rnnbench.training.budget import UNLIMITED, Budget
from tests.training.small_tasks import Changing, Delay, Watched
from tests.training.test_fit import bits, build, trained


def test_a_budget_is_spent_by_whatever_comes_first():
    assert not UNLIMITED.spent(10**9, 10**9, 1e9)
    assert Budget(updates=3).spent(3, 0, 0) and not Budget(updates=3).spent(2, 99, 99)
    assert Budget(sequences=10).spent(1, 10, 0) and not Budget(sequences=10).spent(99, 9, 99)
    assert Budget(seconds=1.5).spent(0, 0, 1.5) and not Budget(seconds=1.5).spent(99, 99, 1.4)
    assert Budget(updates=7, sequences=20).left(3, 8) == (4, 12)


@pytest.mark.parametrize(
    ("sequences", "updates"), [(1, 1), (8, 1), (9, 2), (160, 20), (165, 21), (1000, 125)]
)
def test_sequences_are_counted_to_the_update(sequences, updates):
    task = Watched()
    result = trained(task=task, sequences=sequences)
    assert (result.updates, result.sequences) == (updates, 8 * updates)
    # Nothing was drawn beyond it either.
    assert len(task.of("train")) == updates
    assert bits(result) == bits(trained(updates=updates))
    assert [record["sequences"] for record in result.history] == [
        8 * record["update"] for record in result.history
    ]


@pytest.mark.parametrize("sequences", [1, 50, 77, 200])
def test_batches_of_changing_size(sequences):
    result = trained(task=Changing(), sequences=sequences, evaluate_every=1000)
    assert sequences <= result.sequences <= sequences + 3
    assert bits(trained(task=Changing(), updates=result.updates, evaluate_every=1000)) == bits(result)
    if result.updates > 1:
        assert trained(task=Changing(), updates=result.updates - 1).sequences < sequences


def test_what_counts_is_what_the_task_gives_and_not_what_was_asked_for():
    result = trained(RNN(hidden=3), XOR(), sequences=40, batch=1000)
    assert (result.updates, result.sequences) == (10, 40)


def test_chunks_of_streams_count():
    task = Flipflop(validation_size=8, test_size=8, evaluated=20)
    result = trained(RNN(hidden=3), task, sequences=30, carry_state=True)
    assert (result.updates, result.sequences) == (4, 32)
    assert trained(RNN(hidden=3), Delay(), sequences=30, memory="recompute").sequences == 32


def test_seconds_end_at_a_border_and_the_updates_reached_give_the_same_bits(monkeypatch):
    monkeypatch.setattr(blocks, "updates_of_block", lambda net, batch: 7)

    result = trained(seconds=0.02, evaluate_every=100)
    assert result.compiled_seconds >= 0.02
    assert result.history[-1]["update"] == result.updates
    # Blocks of 7, cut at every evaluation: the end lies on such a border.
    assert result.updates % 100 % 7 == 0
    spent = [0.0, *(record["compiled_seconds"] for record in result.history)]
    assert spent == sorted(spent) and spent[-2] < 0.02
    again = trained(updates=result.updates, evaluate_every=100)
    assert bits(again) == bits(result)


def test_seconds_are_those_of_updates_alone(monkeypatch):
    class Slow(Delay):
        """Drawing and evaluating cost much more than updates."""

        def busy(self):
            sum(range(20_000))

        def training(self, rng, size):
            self.busy()
            return super().training(rng, size)

        def solved(self, y, batch):
            self.busy()
            return False

    slow = trained(task=Slow(), updates=100, evaluate_every=1)
    fast = trained(updates=100, evaluate_every=1)
    assert slow.timings["data"] > 5 * slow.compiled_seconds
    assert slow.compiled_seconds < 5 * fast.compiled_seconds
    assert slow.compiled_seconds == pytest.approx(slow.busy["updates"], rel=0.5)


def test_a_run_within_a_run_does_not_stop_its_clock():
    records = fit(build(Elman(hidden=4), Delay()), Delay(), seconds=0.01, evaluate_every=10, batch=4)
    next(records)
    trained(updates=2)
    assert drain(records).compiled_seconds >= 0.01


def test_the_watch_and_the_criterion_end_a_run_before_its_budget():
    solved = trained(task=Delay(goal=0.9), sequences=10**9, lr=0.05)
    assert solved.outcome == "solved" and solved.updates < 2000
    diverged = trained(
        RNN(hidden=4, activation="linear"), Delay(), seconds=1e9, optimizer="sgd", lr=1e3, evaluate_every=50
    )
    assert diverged.outcome == "diverged"
    assert diverged.sequences == 8 * diverged.updates


def test_what_it_took_to_solve_the_task():
    result = trained(task=Delay(goal=0.9), updates=2000, lr=0.05)
    on = trained(task=Delay(goal=0.9), updates=result.updates + 50, lr=0.05, stop_when_solved=False)
    for run in (result, on):
        at = next(record for record in run.history if record["solved"])
        assert (run.solved_at, run.sequences_to_solve) == (at["update"], at["sequences"])
        assert run.seconds_to_solve == at["compiled_seconds"] > 0
    assert on.seconds_to_solve < on.compiled_seconds
    never = trained()
    assert (never.solved_at, never.sequences_to_solve, never.seconds_to_solve) == (None, None, None)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sequences": 0}, "train.sequences=0: must be a whole number of at least 1"),
        ({"sequences": 2.5}, "train.sequences=2.5: must be a whole number of at least 1"),
        ({"seconds": 0}, "train.seconds=0: must be a number above 0, or none for a budget in updates"),
        (
            {"seconds": math.nan},
            "train.seconds=nan: must be a number above 0, or none for a budget in updates",
        ),
        ({"seconds": math.inf}, "train.seconds=inf: must be finite"),
        (
            {"seconds": 1.0, "sequences": 5},
            "train.seconds=1.0: not beside train.sequences=5; a training has one budget",
        ),
    ],
)
def test_refusals(given, message):
    with pytest.raises(ValueError) as refusal:
        fit(build(Elman(), Delay()), Delay(), **given)
    assert str(refusal.value) == message
