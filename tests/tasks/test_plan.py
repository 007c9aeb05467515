"""Jordan's plans: a constant input, a sequence for each, learned by networks that know what they did."""

import math
from itertools import pairwise

import numpy as np
import pytest

from rnnbench.models.jordan import Jordan
from rnnbench.models.mlp import MLP
from rnnbench.models.rnn import RNN
from rnnbench.tasks.plan import Plan
from rnnbench.training import drain, fit


def trained(model, task, **options):
    net = model.build(task.n_in, task.n_out, task.output_activation)
    return drain(fit(net, task, lr=0.01, **options))


def test_the_plan_stays_and_the_actions_are_letters():
    task = Plan(sequences="abac, cb")
    batch = task.training(None, 7)
    assert task.actions == ["a", "b", "c"] and (task.n_in, task.n_out) == (2, 3)
    assert batch.x.T.tolist() == [[0, 0, 0, 0], [1, 1, 0, 0]]
    assert batch.target.T.tolist() == [[0, 1, 0, 2], [2, 1, 0, 0]]
    assert batch.weight.T.tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
    assert batch.lengths.tolist() == [4, 2] and Plan().training(None, 1).lengths is None


def test_floors_counted_by_hand():
    floors = {floor.name: floor for floor in Plan(sequences=["abac", "cb"]).floors(None)}
    assert floors["best constant"].score == pytest.approx(2 / 6)
    assert floors["best constant"].loss == pytest.approx(math.log(3)), "two of each"
    assert floors["no memory"].score == pytest.approx(3 / 6), "a a of abac, one of cb"
    assert floors["no memory"].loss == pytest.approx((4 * 1.5 + 2 * 1.0) * math.log(2) / 6)
    assert floors["last action alone"].score == pytest.approx(5 / 6), "after a comes b or c"
    assert floors["last action alone"].loss == pytest.approx(2 * math.log(2) / 6)
    assert floors["last action alone"].loop == "open"


def test_in_every_default_sequence_an_action_has_several_successors():
    for sequence in Plan().sequences:
        assert any(len({b for a, b in pairwise(sequence) if a == k}) > 1 for k in "abcd")


def test_exact_counts_whole_sequences():
    task = Plan(sequences="abac,cb")
    batch = task.test(None)
    y = np.eye(3)[batch.target]
    assert _exact(task, y, batch) == 1.0
    y[2:, 1] = [0.0, 0.0, 1.0]  # beyond the end of the second sequence
    assert _exact(task, y, batch) == 1.0
    y[3, 0] = [1.0, 0.0, 0.0]
    assert _exact(task, y, batch) == 0.5


def _exact(task, y, batch):
    class Net:
        vector = np.zeros(1)

        def forward(self, params, x, lengths=None):
            return y

    return task.extra_scores(Net(), Net(), batch)["exact"]


@pytest.mark.parametrize("bad", ["", [], [""], "ab,,c", 7, None, ["ab", 3], {"a": 1}.values()])
def test_what_is_no_list_of_words_is_refused(bad):
    with pytest.raises(ValueError, match=r"^task\.sequences=.*must be words, one for each plan"):
        Plan(sequences=bad)


def test_one_action_is_nothing_to_learn():
    with pytest.raises(ValueError, match=r"^task\.sequences=.*at least two different actions$"):
        Plan(sequences="aaa,aa")


@pytest.mark.parametrize("model", [Jordan(hidden=24, mu=0.5), RNN(hidden=16)], ids=["jordan", "rnn"])
def test_networks_with_a_past_turn_plans_into_sequences(model):
    result = trained(model, Plan(), updates=1500)
    assert result.outcome == "solved"
    assert result.scores["test_score"] == result.scores["exact"] == 1.0


def test_a_memory_of_the_last_output_alone_is_not_enough():
    """Jordan's mu: with 0 the state is the last output; with 0.5 (above) it tells all past ones apart."""
    result = trained(Jordan(hidden=24, mu=0.0), Plan(), updates=1500)
    assert result.outcome == "finished" and result.scores["exact"] < 1.0


def test_a_perceptron_does_the_same_thing_for_ever():
    task = Plan()
    floor = {floor.name: floor for floor in task.floors(None)}["no memory"]
    result = trained(MLP(hidden=16), task, updates=800)
    assert result.scores["exact"] == 0.0 and result.scores["test_score"] <= floor.score
    assert result.scores["test_loss"] == pytest.approx(floor.loss, abs=1e-3)
