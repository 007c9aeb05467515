"""Which parameters are reported, and what is said of them."""

import math

import numpy as np
import pytest

from rnnbench.models.elman import Elman
from rnnbench.training import evaluate, fit, stream
from rnnbench.training.evaluation import Evaluation
from rnnbench.training.selection import Selection
from tests.training.small_tasks import Delay
from tests.training.test_fit import build, trained

#: A rate at which the loss jumps about: the best is not the last, and the first that solves not the best.
JUMPING = {"lr": 0.3, "updates": 200, "evaluate_every": 5, "stop_when_solved": False}


def looks(rule, losses, solved=()):
    """Where the rule looks at evaluations of such losses, 10 updates apart."""
    params = Elman(hidden=2).build(1, 1).init(0)
    selection = Selection(rule, params)
    for number, loss in enumerate(losses, 1):
        params.vector[:] = number
        selection.look(10 * number, params, Evaluation(loss, -loss, number in solved, np.empty(0)))
    vector = set(selection.params.vector.tolist())
    assert vector == {selection.at / 10} or selection.at == 0
    return selection.at, selection.loss


def test_rules():
    losses = [3.0, 1.0, 1.0, 2.0, math.nan]
    assert looks("best_validation", losses, {4}) == (20, 1.0)
    assert looks("first_solved", losses, {4}) == (40, 2.0)
    assert looks("first_solved", losses, {1, 2}) == (10, 3.0)
    assert looks("first_solved", losses) == (20, 1.0)
    at, loss = looks("last", losses)
    assert at == 50 and math.isnan(loss)
    assert looks("last", losses[:4]) == (40, 2.0)


@pytest.mark.parametrize("rule", ["best_validation", "first_solved"])
def test_losses_that_are_no_numbers_leave_the_first_parameters(rule):
    assert looks(rule, [math.nan, math.inf]) == (0, math.inf)


@pytest.mark.parametrize("rule", ["best_validation", "last", "first_solved"])
def test_the_scores_are_those_of_the_parameters_chosen(rule):
    task = Delay(goal=0.8)
    result = trained(task=task, select=rule, **JUMPING)
    at = next(record for record in result.history if record["update"] == result.selected_at)
    losses = {record["update"]: record["validation_loss"] for record in result.history}
    best = min(losses, key=losses.get)
    assert best != 200 and result.solved_at not in (None, best, 200)
    assert (
        result.selected_at == {"best_validation": best, "last": 200, "first_solved": result.solved_at}[rule]
    )
    assert result.select == rule
    assert result.scores["validation_loss"] == at["validation_loss"]
    assert result.scores["validation_score"] == at["validation_score"]
    seen = evaluate(result.network, result.parameters, task, task.validation(stream(0, "validation")))
    assert seen.loss == pytest.approx(at["validation_loss"], rel=1e-6)
    test = evaluate(result.network, result.parameters, task, task.test(stream(0, "test")))
    assert result.scores["test_loss"] == pytest.approx(test.loss, rel=1e-6)


def test_the_rule_changes_nothing_else():
    runs = [
        trained(task=Delay(goal=0.8), select=rule, **JUMPING) for rule in ("best_validation", "last")
    ]  # fmt: skip
    first, last = (
        [
            {name: value for name, value in record.items() if "seconds" not in name}
            for record in run.history
        ]
        for run in runs
    )  # fmt: skip
    assert first == last
    assert runs[0].parameters.vector.tobytes() != runs[1].parameters.vector.tobytes()


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError) as refusal:
        fit(build(Elman(), Delay()), Delay(), select="best")
    assert str(refusal.value) == "train.select=best: must be one of best_validation, last, first_solved"
