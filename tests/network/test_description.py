"""Networks as data: names and order of the parameters, round trips, and what is refused and why."""

import json

import numpy as np
import pytest
from hypothesis import given, settings

from rnnbench.network import LEARNED, Arrow, Box, Network
from tests import naive
from tests.network import textbook
from tests.network.drawing import networks


def test_parameters_by_target_box_in_declared_order():
    boxes = [Box("g", 2), Box("y", 1, "linear"), Box("b", 3, bias=False)]
    arrows = [
        Arrow("b", "y"),
        Arrow("x", "b", lag=-2),
        Arrow("b", "b", lag=-3),
        Arrow("g", "g", lag=2),
        Arrow("x", "g", lag=1),
        Arrow("x", "g"),
        Arrow("y", "g", lag=1),
        Arrow("g", "y"),
        Arrow("g", "g", lag=1, weight=0.5),
    ]
    net = Network(boxes, arrows, n_in=4, initial="learned")
    params = net.init(0)
    expected = {
        "g->g@2": (2, 2),
        "x->g@1": (4, 2),
        "x->g": (4, 2),
        "y->g@1": (1, 2),
        "g.bias": (2,),
        "g.initial": (2, 2),
        "b->y": (3, 1),
        "g->y": (2, 1),
        "y.bias": (1,),
        "y.initial": (1, 1),
        "x->b@-2": (4, 3),
        "b->b@-3": (3, 3),
        "b.final": (3, 3),
    }
    assert list(params.keys()) == list(expected)
    assert {name: a.shape for name, a in params.items()} == expected
    assert net.n_parameters == params.vector.size == sum(int(np.prod(shape)) for shape in expected.values())
    numbered = net.parameters(np.arange(float(net.n_parameters)))
    np.testing.assert_array_equal(np.concatenate([a.ravel() for a in numbered.values()]), numbered.vector)


def test_parameters_are_contiguous_views_of_the_vector():
    net = textbook.rnn(2, [3], 2, initial="learned")
    vector = np.zeros(net.n_parameters)
    params = net.parameters(vector)
    assert params.vector is vector or np.shares_memory(params.vector, vector)
    for i, (name, view) in enumerate(params.items(), start=1):
        assert view.flags.c_contiguous and np.shares_memory(view, vector)
        params[name][...] = i
        assert (view == i).all()
    assert set(vector) == set(range(1, len(params) + 1))
    copied = params.copy()
    copied.vector[...] = 0
    assert vector.all()
    with pytest.raises(KeyError, match="nobody"):
        params["nobody"]


def test_parameters_of_the_wrong_size_are_refused():
    net = textbook.mlp(2, 3, 1)
    with pytest.raises(ValueError, match=str(net.n_parameters)):
        net.parameters(np.zeros(net.n_parameters + 1))


@pytest.mark.parametrize("name", textbook.every())
def test_round_trip_through_json(name):
    net = textbook.every()[name]
    description = net.to_dict()
    again = Network.from_dict(json.loads(json.dumps(description)))
    assert again.to_dict() == description
    assert list(again.init(0).keys()) == list(net.init(0).keys()) == list(naive.parameter_shapes(description))
    np.testing.assert_array_equal(again.init(3).vector, net.init(3).vector)


@settings(max_examples=40)
@given(networks())
def test_names_shapes_and_counts_of_networks_nobody_has_named(description):
    net = Network.from_dict(description)
    shapes = naive.parameter_shapes(description)
    params = net.parameters(np.zeros(net.n_parameters))
    assert list(params.keys()) == list(shapes)
    assert {name: a.shape for name, a in params.items()} == shapes
    assert net.n_parameters == sum(int(np.prod(shape)) for shape in shapes.values())
    assert Network.from_dict(net.to_dict()).to_dict() == net.to_dict() == description
    assert (net.n_in, net.n_out) == (
        description["n_in"],
        dict((b["name"], b["size"]) for b in description["boxes"])["y"],
    )


def test_defaults():
    assert Box("h", 3) == Box("h", 3, activation="tanh", bias=True)
    assert Arrow("x", "h") == Arrow("x", "h", lag=0, cut_every=0, weight=LEARNED)
    net = Network([Box("y", 1)], [Arrow("x", "y")], n_in=1)
    assert net.to_dict()["output"] == "y" and net.to_dict()["initial"] == "zero"
    assert [b.name for b in net.boxes] == ["y"] and [a.source for a in net.arrows] == ["x"]


def test_any_box_may_be_the_output():
    net = Network(
        [Box("out", 2, "linear"), Box("h", 3)], [Arrow("x", "h"), Arrow("h", "out")], n_in=1, output="out"
    )
    assert net.n_out == 2
    assert net.forward(net.init(0), np.zeros((4, 1, 1), np.float32)).shape == (4, 1, 2)


X_TO_Y = Arrow("x", "y")
REFUSED = {
    "zero-lag cycle": (
        [Box("g", 2), Box("h", 2), Box("y", 1)],
        [Arrow("x", "h"), Arrow("h", "g"), Arrow("g", "h"), Arrow("h", "y")],
        r"(?s)(?=.*\bg\b)(?=.*\bh\b).*",
    ),
    "zero-lag loop on one box": ([Box("y", 1)], [X_TO_Y, Arrow("y", "y")], r"\by\b"),
    "zero-lag cycle beside a lagged one": (
        [Box("g", 2), Box("h", 2), Box("y", 1)],
        [Arrow("x", "h"), Arrow("h", "g"), Arrow("g", "h"), Arrow("g", "h", lag=1), Arrow("h", "y")],
        r"(?s)(?=.*\bg\b)(?=.*\bh\b).*",
    ),
    "cycle whose lags cancel": (
        [Box("g", 2), Box("h", 2), Box("y", 1)],
        [Arrow("x", "h"), Arrow("h", "g", lag=1), Arrow("g", "h", lag=-1), Arrow("h", "y")],
        r"(?s)(?=.*\bg\b)(?=.*\bh\b).*",
    ),
    "both signs in one component": (
        [Box("h", 2), Box("y", 1)],
        [Arrow("x", "h"), Arrow("h", "h", lag=1), Arrow("h", "h", lag=-1), Arrow("h", "y")],
        r"\bh\b",
    ),
    "both signs around a longer cycle": (
        [Box("g", 2), Box("h", 2), Box("y", 1)],
        [Arrow("x", "h"), Arrow("h", "g", lag=3), Arrow("g", "h", lag=-1), Arrow("h", "y")],
        r"(?s)(?=.*\bg\b)(?=.*\bh\b).*",
    ),
    "fixed weight between unequal sizes": (
        [Box("h", 2), Box("y", 1)],
        [Arrow("x", "h"), Arrow("h", "y", weight=1.0)],
        r"h->y",
    ),
    "unknown source": ([Box("y", 1)], [X_TO_Y, Arrow("nobody", "y")], "nobody"),
    "unknown target": ([Box("y", 1)], [X_TO_Y, Arrow("x", "nobody")], "nobody"),
    "arrow into the input": ([Box("y", 1)], [X_TO_Y, Arrow("y", "x", lag=1)], r"\bx\b"),
    "same source, target and lag": (
        [Box("y", 1)],
        [Arrow("x", "y", lag=2), Arrow("x", "y", lag=2, cut_every=1)],
        "x->y@2",
    ),
    "missing output box": ([Box("h", 1)], [Arrow("x", "h")], r"\by\b"),
    "box name that is no identifier": ([Box("my box", 1), Box("y", 1)], [X_TO_Y], "my box"),
    "box called x": ([Box("x", 1), Box("y", 1)], [X_TO_Y], r"\bx\b"),
    "two boxes of one name": ([Box("y", 1), Box("y", 1)], [X_TO_Y], r"\by\b"),
    "no units": ([Box("h", 0), Box("y", 1)], [X_TO_Y], r"\bh\b"),
    "unknown activation": ([Box("y", 1, "swish")], [X_TO_Y], "swish"),
    "chunks on lag 0": ([Box("y", 1)], [Arrow("x", "y", cut_every=2)], "x->y"),
    "negative cut_every": ([Box("y", 1)], [X_TO_Y, Arrow("y", "y", lag=1, cut_every=-1)], "y->y@1"),
    "weight of an unknown kind": ([Box("y", 1)], [Arrow("x", "y", weight="shared")], "shared"),
    "weight not a number": ([Box("y", 1)], [X_TO_Y, Arrow("y", "y", lag=1, weight=float("nan"))], "y->y@1"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refused_by_name(what):
    boxes, arrows, match = REFUSED[what]
    with pytest.raises(ValueError, match=match) as refusal:
        Network(boxes, arrows, n_in=1)
    assert len(str(refusal.value)) > 20, "a reason is owed"


@pytest.mark.parametrize("wrong", [{"n_in": 0}, {"n_in": 1, "initial": "ones"}])
def test_refused_settings(wrong):
    with pytest.raises(ValueError, match=next(name for name, a in wrong.items() if a != 1)):
        Network([Box("y", 1)], [X_TO_Y], **wrong)


def test_cycles_with_a_lag_somewhere_are_fine():
    boxes = [Box("g", 2), Box("h", 2), Box("y", 1)]
    arrows = [
        Arrow("x", "h"),
        Arrow("h", "g"),
        Arrow("g", "h", lag=1),
        Arrow("g", "y"),
        Arrow("y", "y", lag=-2),
    ]
    Network(boxes, arrows, n_in=1)
