"""`model=custom`: boxes and arrows in every form they may be written in, and what is said of wrong ones."""

import json

import numpy as np
import pytest

from rnnbench.models import found, solve_width
from rnnbench.models.custom import Custom
from rnnbench.network import Arrow, Box, Network
from tests.models.small import EVERY


def test_boxes_and_arrows_in_every_form():
    model = Custom(
        boxes=["h", {"name": "m", "size": "outputs", "activation": "linear", "bias": False}, {"name": "y"}],
        arrows=[
            "x->h",
            " m -> h ",
            "h->y",
            {"source": "m", "target": "m", "lag": 1, "weight": 0.5, "gradient": "blocked"},
            {"source": "y", "target": "m", "lag": 1, "weight": 1, "cut_every": 1},
            {"source": "x", "target": "h", "lag": [1, 2]},
            "y->h@+3",
        ],
        hidden=7,
        activation="relu",
    )
    net = model.build(2, 3, "softmax")
    assert net.boxes == (Box("h", 7, "relu"), Box("m", 3, "linear", False), Box("y", 3, "softmax"))
    assert set(net.arrows) == {
        Arrow("x", "h"), Arrow("x", "h", 1), Arrow("x", "h", 2), Arrow("m", "h"), Arrow("h", "y"),
        Arrow("m", "m", 1, 1, 0.5), Arrow("y", "m", 1, 1, 1), Arrow("y", "h", 3),
    }  # fmt: skip


def test_the_output_box_need_not_be_listed_and_may_have_another_name():
    net = Custom(arrows=["x->h", "h->out"], output="out").build(2, 3, "sigmoid")
    assert net.boxes == (Box("h", 32), Box("out", 3, "sigmoid"))
    assert net.output == "out"


@pytest.mark.parametrize("model", EVERY.values(), ids=EVERY.keys())
def test_every_model_can_be_read_back_from_its_description(model, tmp_path):
    net = model.build(2, 3, "sigmoid")
    path = tmp_path / "net.json"
    path.write_text(json.dumps(net.to_dict()))
    read = Custom(file=str(path))
    assert read.build(2, 3, "sigmoid") == net
    # The run is known by its network, not by the name of a file.
    assert read.file == ""
    again = tmp_path / "other.json"
    again.write_text(path.read_text())
    assert Custom(file=str(again)) == read


def test_a_budget_solves_for_the_boxes_that_give_no_size():
    model = Custom(boxes=["h", {"name": "g", "size": 4}], arrows=["x->h", "h->h@1", "h->g", "g->y"])
    width = solve_width(model, 2, 1, 1000)
    assert abs(width.deviation) < 0.05
    assert {box.name: box.size for box in width.model.build(2, 1).boxes}["g"] == 4
    fixed = Custom(boxes=[{"name": "h", "size": 4}], arrows=["x->h", "h->y"])
    with pytest.raises(ValueError) as refusal:
        solve_width(fixed, 2, 1, 1000)
    assert str(refusal.value) == "budget.parameters=1000: no box of custom has the width hidden, to solve for"


WHEN_MADE = [
    ({"boxes": "h"}, "model.boxes=h: must be a list of names or mappings such as {name: h, size: 8}"),
    ({"boxes": [3]}, "model.boxes: 3 must be text or a mapping of name, size, activation, bias"),
    ({"boxes": [{"size": 3}]}, "model.boxes: {'size': 3} needs a text as its name"),
    (
        {"boxes": [{"name": "h", "sise": 3}]},
        "model.boxes: {'name': 'h', 'sise': 3} has the unknown key sise; known: name, size, activation",
    ),
    (
        {"boxes": [{"name": "h", "size": "wide"}]},
        "model.boxes: h has size=wide; must be a whole number of at least 1, or one of inputs, outputs, "
        "hidden",
    ),
    ({"arrows": {"x": "h"}}, "model.arrows={'x': 'h'}: must be a list of texts"),
    ({"arrows": ["x-h"]}, 'model.arrows: "x-h" must be written source->target, or source->target@lag'),
    ({"arrows": ["x->h@1.5"]}, 'model.arrows: "x->h@1.5" must be written'),
    ({"arrows": [{"source": "x"}]}, "model.arrows: {'source': 'x'} needs a text as its target"),
    (
        {"arrows": [{"source": "h", "target": "h", "lag": 1, "gradient": "half"}]},
        "model.arrows: h->h has gradient=half: must be one of blocked, full, or a number of steps from 1 on",
    ),
    (
        {"arrows": [{"source": "h", "target": "h", "gradient": 2, "cut_every": 2}]},
        "has both gradient and cut_every",
    ),
    ({"file": "missing.json"}, "model.file=missing.json: cannot be read (No such file or directory)"),
]
WHEN_BUILT = [
    (
        {"boxes": [{"name": "h", "size": 0}]},
        "model=custom: box h: size=0 must be a whole number of at least 1",
    ),
    ({"boxes": ["h", "h"]}, "model=custom: box name 'h': declared twice"),
    ({"boxes": ["x"]}, "model=custom: box name 'x': reserved for the input"),
    ({"arrows": ["x->g"]}, "model=custom: arrow x->g: unknown target 'g'; known are h, y"),
    ({"arrows": ["x->h", "h->h"]}, "model=custom: cycle h -> h: its lags sum to 0"),
    (
        {"boxes": ["h", "g"], "arrows": ["x->h", "h->g@1", "g->h@-1"]},
        "lags sum to 0, so there is no causal order",
    ),
    ({"arrows": ["h->h@1", "h->h@-1"]}, "inner arrows have lags of both signs"),
    ({"arrows": ["x->h", "x->h"]}, "declared twice"),
    (
        {"boxes": ["h", {"name": "y", "size": 2}]},
        "model.boxes: output box y has size=2; the task needs 3",
    ),
    (
        {"boxes": ["h", {"name": "y", "activation": "tanh"}]},
        "model.boxes: output box y is tanh; the task needs softmax, which it has where no activation is "
        "given",
    ),
    ({"arrows": [{"source": "x", "target": "h", "weight": 1.0}]}, "needs equal sizes"),
    (
        {"arrows": [{"source": "x", "target": "h", "weight": "big"}]},
        "weight='big' must be LEARNED or a number",
    ),
    ({"arrows": [{"source": "x", "target": "h", "lag": {"a": 1}}]}, "lag={'a': 1} must be a whole number"),
    ({"arrows": [{"source": "x", "target": "h", "cut_every": -1}]}, "cut_every=-1 must be"),
]


@pytest.mark.parametrize(("given", "message"), WHEN_MADE)
def test_refusals_before_a_task_is_known(given, message):
    with pytest.raises(ValueError) as refusal:
        Custom(**given)
    assert message in str(refusal.value) and "\n" not in str(refusal.value)


@pytest.mark.parametrize(("given", "message"), WHEN_BUILT)
def test_refusals_of_what_is_no_network_for_the_task(given, message):
    with pytest.raises(ValueError) as refusal:
        Custom(**given).build(2, 3, "softmax")
    assert message in str(refusal.value) and "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no JSON in UTF-8"),
        (b"\xff\xfe", "is no JSON in UTF-8"),
        (b"[1, 2]", "must hold boxes and arrows, as Network.to_dict describes them"),
        (b'{"boxes": []}', "must hold boxes and arrows"),
        (b'{"boxes": 3, "arrows": []}', "model.boxes=3: must be a list"),
    ],
)
def test_refusals_of_files(content, message, tmp_path):
    path = tmp_path / "net.json"
    path.write_bytes(content)
    with pytest.raises(ValueError) as refusal:
        Custom(file=str(path))
    assert message in str(refusal.value) and "\n" not in str(refusal.value)


def test_a_custom_network_learns_like_the_model_it_spells_out():
    custom = Custom(hidden=4).build(2, 1)
    rnn = found()["rnn"](hidden=4).build(2, 1)
    assert isinstance(custom, Network) and custom == rnn
    rng = np.random.default_rng(0)
    vector, x, target = (
        rng.normal(size=rnn.n_parameters),
        rng.normal(size=(5, 2, 2)),
        rng.normal(size=(5, 2, 1)),
    )
    gradients = [net.loss_and_grad(net.parameters(vector), x, target)[1].vector for net in (custom, rnn)]
    np.testing.assert_array_equal(*gradients)
