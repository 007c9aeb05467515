"""How far a trained network reaches: scores at other spans."""

import json

import numpy as np
import pytest

from rnnbench.models.elman import Elman
from rnnbench.models.tdnn import TDNN
from rnnbench.tasks.echo import Echo
from rnnbench.tasks.flipflop import Flipflop
from rnnbench.tasks.window import Window
from rnnbench.tasks.xor import XOR
from rnnbench.training import evaluate, generalise, stream
from rnnbench.training.generalisation import check_spans
from tests.training.small_tasks import Delay, Watched
from tests.training.test_fit import trained


def test_each_span_has_its_own_data_and_the_own_span_the_result_s():
    task = Delay(goal=0.9)
    result = trained(Elman(hidden=5), task, updates=2000, lr=0.05, seed=3)
    found = generalise(result.network, result.parameters, task, 3, [3, 6, 40])
    assert json.loads(json.dumps(found)) == found
    assert (found["field"], found["values"]) == ("length", [3, 6, 40])
    assert found["scores"][1] == result.scores["test_score"]
    assert found["losses"][1] == result.scores["test_loss"]
    for number, span in enumerate([3, 6, 40]):
        other = Delay(length=span, goal=0.9)
        seen = evaluate(result.network, result.parameters, other, other.test(stream(3, "test")))
        assert found["scores"][number] == seen.score
        assert (found["losses"][number], found["solved"][number]) == (seen.loss, seen.solved)
    assert found["solved"][1] is True


def test_a_criterion_that_fails_at_longer_spans_says_so():
    # Perfect for echoes of delay 2 whatever the length; nothing for a network that sees too little.
    task = Echo(length=10, delay=2, symbols=2, test_size=16, validation_size=16)
    net = TDNN(window=2, hidden=4).build(2, 2, "softmax")
    params = net.init(0)
    found = generalise(net, params, task, 0, [10, 20])
    assert found["solved"] == [False, False] and max(found["scores"]) < 0.9


def test_in_pieces_it_is_the_same():
    task = Delay()
    net = Elman(hidden=5).build(1, 1)
    whole, pieces = (
        generalise(net, net.init(0, dtype=np.float64), task, 0, [5, 50], memory=memory)
        for memory in ("full", "recompute")
    )
    assert pieces["losses"] == pytest.approx(whole["losses"], rel=1e-9)


def test_nothing_is_drawn_before_all_spans_are_checked():
    task = Watched(lag=3)
    net = Elman(hidden=5).build(1, 1)
    with pytest.raises(ValueError):
        generalise(net, net.init(0), task, 0, [6, 6])
    assert task.calls == []


def test_spans_that_can_be_had():
    assert check_spans(Window(), [200, 30]) == [200, 30]
    assert check_spans(Flipflop(), (np.int64(50),)) == [50]


@pytest.mark.parametrize(
    ("task", "spans", "message"),
    [
        (XOR(), [3], "evaluate.spans=[3]: task=xor has no length or span that could be changed"),
        (
            Window(),
            [100, 20],
            "evaluate.spans=[100, 20]: task.length=20: must be a whole number of at least 30",
        ),
        (Echo(), [60, 5], "evaluate.spans=[60, 5]: task.delay=5: must be a whole number from 1 to 4"),
        (Window(), [], "evaluate.spans=[]: must have at least one"),
        (Window(), [40, 40], "evaluate.spans=[40, 40]: must have each span once"),
        (Window(), [40.5], "evaluate.spans=40.5: must be a whole number of at least 1"),
        (Window(), [0], "evaluate.spans=0: must be a whole number of at least 1"),
        (Window(), "40", "evaluate.spans=40: must be a list of whole numbers"),
        (Window(), 40, "evaluate.spans=40: must be a list of whole numbers"),
    ],
)
def test_refusals(task, spans, message):
    with pytest.raises(ValueError) as refusal:
        check_spans(task, spans)
    assert str(refusal.value) == message
