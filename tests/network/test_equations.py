"""Equations and parameter formulas as a reader would write them, and the formula against the count."""

import re

import pytest

from rnnbench.network import Arrow, Box, Network
from rnnbench.network.equations import equations, parameter_formula
from tests.diagnostics.networks import NETWORKS
from tests.network import textbook


def test_the_networks_of_the_notes():
    assert equations(textbook.rnn(2, [3], 1)) == [
        "h_{t} = tanh(x_{t} W_{xh} + h_{t−1} W_{hh} + b_{h})",
        "y_{t} = h_{t} W_{hy} + b_{y}",
        "h_{−1} = 0",
    ]
    assert equations(textbook.elman(2, 3, 1, initial="learned"))[::2] == [
        "h_{t} = tanh(x_{t} W_{xh} + const(h_{t−1}) W_{hh} + b_{h})",
        "h_{−1} = learned",
    ]
    assert equations(textbook.jordan(2, 3, 1, mu=0.5))[0] == "m_{t} = 0.5 const(m_{t−1}) + const(y_{t−1})"
    assert "Σ_{k=0…9} x_{t−k} W_{xh, k} + b_{h}" in equations(textbook.tdnn(2, 3, 1, 9))[0]
    narx = equations(textbook.narx(2, 3, 1, 0, 5, output="sigmoid"))
    assert narx[0].startswith("h_{t} = tanh(x_{t} W_{xh} + Σ_{k=1…5} y_{t−k} W_{yh, k} + b_{h}")
    assert narx[1:] == ["y_{t} = sigmoid(h_{t} W_{hy} + b_{y})", "y_{−1}, …, y_{−5} = 0"]


def test_the_future_chunks_names_of_several_letters_and_signs():
    boxes = [Box("h1", 2), Box("d", 2, "linear", bias=False), Box("y", 2, "linear", bias=False)]
    arrows = [
        Arrow("x", "h1"),
        Arrow("h1", "h1", -1, cut_every=4),
        Arrow("h1", "d"),
        Arrow("x", "d", 1, weight=-1.0),
        Arrow("d", "y", 2, weight=-0.25),
    ]
    assert equations(Network(boxes, arrows, 2)) == [
        "h1_{t} = tanh(x_{t} W_{x→h1} + const_{4}(h1_{t+1}) W_{h1→h1} + b_{h1})",
        "d_{t} = h1_{t} W_{h1→d} − x_{t−1}",
        "y_{t} = −0.25 d_{t−2}",
        "h1_{T}, d_{−1}, d_{−2} = 0",
    ]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_formula_counts_what_is_there(name):
    net = NETWORKS[name]
    formula = parameter_formula(net, {})
    assert eval(formula.replace("·", "*").replace("²", "**2").replace(" ", "*").replace("*+*", "+")) == (
        net.n_parameters
    )
    assert parameter_formula(textbook.elman(2, 3, 1), {"x": "I", "h": "H", "y": "O"}) == (
        "I·H + H² + H + H·O + O"
    )
    assert re.search(r"\b4 H·O\b", parameter_formula(textbook.narx(2, 3, 1, 2, 3), {"h": "H", "y": "O"}))
