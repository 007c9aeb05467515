"""Diagrams: nothing lies on anything else, and everything that the network has is there."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnbench.diagrams import folded, unfolded
from rnnbench.network import Arrow, Box, Network
from tests.models.small import small
from tests.network import textbook
from tests.network.drawing import networks
from tests.network.overlaps import crossed_labels, faults, merged, samples

#: Of the built-in models those drawn unlike the textbook networks.
MODELS = {
    "tdnn of two layers": small("tdnn", windows=[2, 4], hidden=[4, 2]),
    "pooled tdnn": small("tdnn", windows=[1, 2], pool="sum"),
    "narx of many taps": small("narx", input_taps=[0, 3], output_taps=[1, 3], gradient=2, embedding=2),
    "averaging jordan": small("jordan", mu=0.7, average=True, initial="learned"),
    "deep top-down": small("jordan", kind="top_down", gradient="full", hidden=[3, 2, 4]),
    "elman": small("elman", initial="learned"),
    "rnn with all skips": small("rnn", layers=3, skip="all"),
    "rnn of everything": small("rnn", layers=2, order=2, output_taps=[1, 3], skip="all", gradient=2),
    "deep brnn": small("brnn", blocks=2, depth=2, initial="learned"),
    "memory": small("memory", units=2),
    "custom": small("custom", boxes=["h", {"name": "c", "size": 2}],
                    arrows=["x->h", "h->c@1", "c->h@1", "c->y", "h->y"]),
}  # fmt: skip
NAMED = textbook.every() | {f"model {name}": model.build(2, 1) for name, model in MODELS.items()}


def long_names():
    """Names that are too long for a box, and a box between others with loops of its own."""
    names = ("a_layer_with_a_very_long_name", "b", "c", "d")
    boxes = [*(Box(name, 1000, "sigmoid") for name in names), Box("y", 2)]
    arrows = [a for name in names for a in (Arrow("x", name), Arrow(name, "y"), Arrow(name, name, 1, 4))]
    arrows += [
        Arrow("b", "b", 2, 1, 0.25),
        Arrow("b", "c", 1),
        Arrow("c", "a_layer_with_a_very_long_name", 2),
    ]
    return Network([*boxes], [*arrows, Arrow("y", "c", 1), Arrow("x", "y")], 12)


CUSTOM = {
    "long names": long_names(),
    "blocks": Network(
        [Box(name, 4) for name in ("f1", "b1", "f2", "b2", "y")],
        [
            *(Arrow("x", name) for name in ("f1", "b1")),
            *(Arrow(s, t) for s in ("f1", "b1") for t in ("f2", "b2")),
            *(Arrow(name, name, 1) for name in ("f1", "f2")),
            *(Arrow(name, name, -1) for name in ("b1", "b2")),
            *(Arrow(name, "y") for name in ("f2", "b2")),
        ],
        n_in=2,
        initial="learned",
    ),
    "shades of NARX": Network(
        [Box("h", 4), Box("y", 2)],
        [Arrow("x", "h"), Arrow("h", "h", 1), Arrow("h", "y"), Arrow("x", "y"),
         *(Arrow("y", "h", k, 1) for k in (1, 2, 5))],
        n_in=2,
    ),
    "one box": Network([Box("y", 1)], [Arrow("x", "y")], n_in=1),
    "no arrow": Network([Box("y", 1)], [], n_in=1),
    "two ways": Network([Box("y", 2)], [Arrow("x", "y"), Arrow("x", "y", 1, weight=0.5)], n_in=2),
    "both sides of now": Network([Box("y", 2)], [Arrow("x", "y", k) for k in range(-3, 4)], n_in=2),
    "a box named d": Network(
        [Box("d", 2), Box("y", 2)],
        [Arrow("x", "d"), Arrow("d", "y"), Arrow("y", "d", 1)],
        n_in=2,
    ),
}  # fmt: skip
ALL = NAMED | CUSTOM


@pytest.mark.parametrize("loop", ["closed", "open"])
@pytest.mark.parametrize("name", ALL)
def test_nothing_overlaps(name, loop):
    pictures = [folded(ALL[name], name, loop=loop)]
    pictures += [unfolded(ALL[name], name, steps=steps, loop=loop) for steps in (1, 3, 5)]
    for picture in pictures:
        assert faults(picture) == []


@pytest.mark.parametrize("name", NAMED)
def test_no_arrow_of_a_named_network_crosses_a_label_or_runs_on_another(name):
    for picture in (folded(NAMED[name]), unfolded(NAMED[name], steps=3)):
        assert crossed_labels(picture) == []
        assert merged(picture) == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(networks(), st.sampled_from(("closed", "open")), st.integers(1, 4))
def test_nothing_overlaps_in_networks_nobody_has_named(net, loop, steps):
    network = Network.from_dict(net)
    assert faults(folded(network, loop=loop)) == []
    assert faults(unfolded(network, steps=steps, loop=loop)) == []


def test_what_finds_faults_can_find_them():
    picture = folded(NAMED["rnn"])
    h, y = (next(n for n in picture.nodes if n.name == name) for name in ("h", "y"))
    on_top = tuple(replace(y, y=h.y + 5.0) if node is y else node for node in picture.nodes)
    assert any("overlaps" in fault for fault in faults(replace(picture, nodes=on_top)))
    assert any("does not meet" in fault for fault in faults(replace(picture, nodes=on_top)))
    label = next(one for one in picture.labels if one.text == "t−1")
    moved = replace(picture, labels=(*picture.labels, replace(label, x=label.x + 3.0)))
    assert any("label" in fault and "overlaps" in fault for fault in faults(moved))
    x = next(n for n, node in enumerate(picture.nodes) if node.name == "x")
    through = replace(picture.routes[0], points=((h.x, 0.0), (h.x, y.y)))
    assert [f for f in faults(replace(picture, routes=(through,))) if "passes through box y" in f]
    assert picture.nodes[x].name == "x"
    assert merged(replace(picture, routes=(through, through)))
    assert faults(replace(picture, width=picture.width / 2))


@pytest.mark.parametrize("name", ALL)
def test_a_folded_diagram_has_every_box_once_and_every_lag(name):
    net = ALL[name]
    picture = folded(net)
    assert sorted(node.name for node in picture.nodes) == sorted(["x", *(box.name for box in net.boxes)])
    drawn = [
        (picture.nodes[r.source].name, picture.nodes[r.target].name, lag)
        for r in picture.routes
        for lag in r.lags
    ]
    assert sorted(drawn) == sorted((a.source, a.target, a.lag) for a in net.arrows)
    for route in picture.routes:
        assert route.delayed == any(mark.kind == "delay" for mark in route.marks)


@pytest.mark.parametrize("name", ALL)
def test_columns_are_alike(name):
    picture = unfolded(ALL[name], steps=5)
    columns = {}
    for node in picture.nodes:
        if 0 <= node.time < 5:
            columns.setdefault(node.time, []).append((node.name, node.kind, round(node.y, 6), node.lines))
    assert len(columns) == 5
    assert all(column == columns[0] for column in columns.values())


def test_cut_gradients_are_marked_where_the_gate_is_closed():
    def cuts(net):
        picture = unfolded(net, steps=6)
        return [picture.nodes[r.target].time for r in picture.routes if any(m.kind == "cut" for m in r.marks)]

    assert cuts(textbook.elman(2, 3, 1)) == [1, 2, 3, 4, 5]
    assert cuts(textbook.rnn(2, [3], 1)) == []
    assert cuts(textbook.rnn(2, [3], 1, cut_every=2)) == [2, 4]
    # Backward in time the chunks are counted from the end.
    assert cuts(textbook.told_the_future(2, 3, 1, cut_every=4)) == [1]


@pytest.mark.parametrize("name", NAMED)
def test_marks_lie_on_their_arrow_and_clear_of_all_others(name):
    for picture in (folded(NAMED[name]), unfolded(NAMED[name], steps=4)):
        lines = [samples(route.points) for route in picture.routes]
        marks = [(n, mark) for n, route in enumerate(picture.routes) for mark in route.marks]
        for n, mark in marks:
            distance = [np.hypot(*(line - [mark.x, mark.y]).T).min() for line in lines]
            assert distance[n] < 1.0
            assert min([d for m, d in enumerate(distance) if m != n], default=9.0) > 4.0
        for (_, one), (_, other) in itertools.combinations(marks, 2):
            assert np.hypot(one.x - other.x, one.y - other.y) > 8.0


def test_values_before_and_after_the_sequence():
    def ends(net):
        return {(n.name, n.time, n.kind) for n in unfolded(net, steps=4).nodes if not 0 <= n.time < 4}

    assert ends(textbook.brnn(2, 3, 3, 1, initial="learned")) == {("f", -1, "learned"), ("b", 4, "learned")}
    assert ends(textbook.rnn(2, [3], 1, order=2)) == {("h", -1, "zero"), ("h", -2, "zero")}
    assert ends(textbook.rnn(2, [3], 1, initial="learned", order=2)) == {
        ("h", -1, "learned"), ("h", -2, "learned"),
    }  # fmt: skip
    # The input is 0 outside of the sequence, whatever is learned.
    net = Network([Box("y", 1)], [Arrow("x", "y", 1)], n_in=1, initial="learned")
    assert ends(net) == {("x", -1, "zero")}


def texts(picture):
    return [label.text for label in picture.labels]


def test_labels_of_delays():
    assert "t−1, t−2" in texts(folded(textbook.rnn(1, [2], 1, order=2)))
    assert "t … t−40" in texts(folded(textbook.tdnn(1, 2, 1, window=40)))
    assert {"t−1", "t+1"} <= set(texts(folded(textbook.brnn(1, 2, 2, 1))))
    assert {"t−1  ×0.5", "t−1  ×1"} <= set(texts(folded(textbook.jordan(1, 2, 1, mu=0.5))))
    assert "t−1  cut every 3" in texts(folded(textbook.rnn(1, [2], 1, cut_every=3)))
    lags = Network([Box("y", 1)], [Arrow("x", "y", k) for k in (0, 3, 7, 12, 20)], n_in=1)
    assert "t, t−3, … t−20" in texts(folded(lags))


def test_a_long_delay_line_is_drawn_in_part_and_says_so():
    picture = unfolded(textbook.tdnn(1, 2, 1, window=40))
    lags = {r.lags for r in picture.routes if picture.nodes[r.source].name == "x"}
    assert lags == {(0,), (1,), (2,)}
    assert "x → h reads t … t−40; drawn: t … t−2" in texts(picture)
    dots = next(label for label in picture.labels if label.text == "…")
    first = min((node for node in picture.nodes if node.name == "x"), key=lambda node: node.x)
    assert (first.time, dots.y) == (-2, pytest.approx(first.y)) and dots.rect.right < first.rect.left
    assert not any("drawn" in text for text in texts(unfolded(textbook.tdnn(1, 2, 1, window=3))))


def test_the_legend_names_marks_that_occur_and_no_others():
    assert not folded(textbook.mlp(1, 2, 1)).legend
    assert [m.kind for m in folded(textbook.jordan(1, 2, 1, 0.5)).legend] == ["delay", "cut", "fixed"]
    assert [m.kind for m in unfolded(textbook.rnn(1, [2], 1)).legend] == ["zero"]
    assert [m.kind for m in unfolded(textbook.rnn(1, [2], 1, initial="learned")).legend] == ["learned"]


def test_an_open_loop_is_fed_by_the_targets():
    net = textbook.narx(1, 2, 1, 0, 2)
    for picture in (folded(net, loop="open"), unfolded(net, loop="open")):
        fed = {picture.nodes[r.source].name for r in picture.routes if r.delayed}
        assert fed == {"d"}
        assert {node.name for node in picture.nodes if node.kind == "target"} == {"d"}
        assert "target" in texts(picture)
    # Targets are data: nothing is cut. Before the sequence the output's own initial values are fed.
    net = textbook.told_the_future(1, 2, 1, cut_every=1)
    picture = unfolded(net, steps=3, loop="open")
    assert not any(route.marks for route in picture.routes)
    assert [node.lines for node in picture.nodes if node.kind == "learned"] == [("y(3)",)]
    assert {n.name for n in folded(CUSTOM["a box named d"], loop="open").nodes} == {"x", "d", "d'", "y"}
    assert folded(textbook.rnn(1, [2], 1), loop="open").nodes == folded(textbook.rnn(1, [2], 1)).nodes


@pytest.mark.parametrize("steps", [0, -1, 41, 2.5, True, "5"])
def test_steps_out_of_range(steps):
    with pytest.raises(ValueError, match=r"steps=.*from 1 to 40"):
        unfolded(NAMED["mlp"], steps=steps)


def test_another_loop():
    with pytest.raises(ValueError, match="loop='ajar': must be one of closed, open"):
        folded(NAMED["mlp"], loop="ajar")


def test_the_description_says_what_is_drawn():
    words = unfolded(textbook.jordan(1, 2, 1, 0.5), steps=3).description
    assert "Arrow from m to m at t−1, fixed weight 0.5, gradient cut." in words
    assert "steps 0 to 2" in words
