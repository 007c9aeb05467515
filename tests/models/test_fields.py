"""Refusals of fields: one line that names the key, the value and what is allowed."""

import math

import pytest

from rnnbench import models
from rnnbench.models.fields import lags
from tests.models.small import small

EVERYWHERE = [
    ({"hidden": 0}, "model.hidden=0: must be a whole number of at least 1"),
    ({"hidden": -3}, "model.hidden=-3: must be a whole number of at least 1"),
    ({"hidden": 2.5}, "model.hidden=2.5: must be a whole number of at least 1"),
    ({"hidden": True}, "model.hidden=True: must be a whole number of at least 1"),
    ({"hidden": "8"}, "model.hidden=8: must be a whole number of at least 1"),
    (
        {"activation": "tan"},
        "model.activation=tan: must be one of linear, tanh, sigmoid, relu, square, softmax "
        "(did you mean tanh?)",
    ),
    ({"embedding": -1}, "model.embedding=-1: must be a whole number of at least 0"),
    ({"initial": "random"}, "model.initial=random: must be one of zero, learned"),
]
TAPS = "must be a number n >= 0 (lags {0} to n) or a list of different lags >= {0}, such as [{0}, {1}]"
INPUT, OUTPUT = TAPS.format(0, 2), TAPS.format(1, 3)
GRADIENT = "must be one of blocked, full, or a number of steps from 1 on"
WINDOWS = "must be null or a list with a whole number of at least 0 for each layer, such as [2, 4]"
OWN = [
    ("tdnn", {"window": -1}, "model.window=-1: must be a whole number from 0 to 100000"),
    ("tdnn", {"window": [2, 4]}, "model.window=[2, 4]: must be a whole number from 0 to 100000"),
    ("jordan", {"mu": 1.5}, "model.mu=1.5: must lie in [0, 1)"),
    ("jordan", {"mu": 1}, "model.mu=1: must lie in [0, 1)"),
    ("jordan", {"mu": -0.1}, "model.mu=-0.1: must lie in [0, 1)"),
    ("jordan", {"mu": math.nan}, "model.mu=nan: must lie in [0, 1)"),
    ("jordan", {"mu": None}, "model.mu=None: must lie in [0, 1)"),
    ("jordan", {"average": "yes"}, "model.average=yes: must be true or false"),
    (
        "narx",
        {"loop": "half"},
        "model.loop=half: must be one of closed, open, or the step at which targets end",
    ),
    ("narx", {"loop": -1}, "model.loop=-1: must be one of closed, open, or the step at which targets end"),
    (
        "narx",
        {"loop": True},
        "model.loop=True: must be one of closed, open, or the step at which targets end",
    ),
    ("elman", {"gradient": "half"}, f"model.gradient=half: {GRADIENT}"),
    ("jordan", {"gradient": 0}, f"model.gradient=0: {GRADIENT}"),
    ("narx", {"gradient": True}, f"model.gradient=True: {GRADIENT}"),
    ("rnn", {"gradient": 2.5}, f"model.gradient=2.5: {GRADIENT}"),
    ("memory", {"gradient": None}, f"model.gradient=None: {GRADIENT}"),
    ("memory", {"units": 0}, "model.units=0: must be a whole number of at least 1"),
    ("rnn", {"layers": 0}, "model.layers=0: must be a whole number from 1 to 100"),
    (
        "rnn",
        {"layers": 3, "hidden": [4, 2]},
        "model.hidden=[4, 2]: must be one width, or a list of 3 (model.layers=3)",
    ),
    ("rnn", {"hidden": []}, "model.hidden=[]: must be one or more widths"),
    (
        "rnn",
        {"hidden": [4, 0]},
        "model.hidden=[4, 0]: every width must be a whole number of at least 1",
    ),
    ("rnn", {"skip": "both"}, "model.skip=both: must be one of none, input, output, all"),
    ("rnn", {"order": 0}, "model.order=0: must be a whole number from 1 to 100000"),
    ("rnn", {"output_taps": [0]}, f"model.output_taps=[0]: {OUTPUT}"),
    ("brnn", {"blocks": 0}, "model.blocks=0: must be a whole number from 1 to 100"),
    ("brnn", {"depth": 0}, "model.depth=0: must be a whole number from 1 to 100"),
    ("jordan", {"kind": "bottom_up"}, "model.kind=bottom_up: must be one of average, top_down"),
    (
        "jordan",
        {"kind": "top_down", "average": True},
        "model.average=True: must be false for model.kind=top_down, which has no memory",
    ),
    ("tdnn", {"windows": 3}, f"model.windows=3: {WINDOWS}"),
    ("tdnn", {"windows": []}, f"model.windows=[]: {WINDOWS}"),
    ("tdnn", {"windows": [2, -1]}, f"model.windows=[2, -1]: {WINDOWS}"),
    ("tdnn", {"hidden": [3, 2]}, "model.hidden=[3, 2]: must be one width, or one for each window"),
    (
        "tdnn",
        {"windows": [1, 1, 1], "hidden": [3, 2]},
        "model.hidden=[3, 2]: must be one width, or one for each window",
    ),
    ("tdnn", {"pool": "mean"}, "model.pool=mean: must be one of none, sum"),
    ("narx", {"input_taps": -1}, f"model.input_taps=-1: {INPUT}"),
    ("narx", {"input_taps": []}, f"model.input_taps=[]: {INPUT}"),
    ("narx", {"input_taps": [0, 0]}, f"model.input_taps=[0, 0]: {INPUT}"),
    ("narx", {"input_taps": [0, -1]}, f"model.input_taps=[0, -1]: {INPUT}"),
    ("narx", {"input_taps": "0,1"}, f"model.input_taps=0,1: {INPUT}"),
    ("narx", {"input_taps": 1.5}, f"model.input_taps=1.5: {INPUT}"),
    ("narx", {"input_taps": True}, f"model.input_taps=True: {INPUT}"),
    ("narx", {"output_taps": [0, 1]}, f"model.output_taps=[0, 1]: {OUTPUT}"),
    ("narx", {"output_taps": [1, None]}, f"model.output_taps=[1, None]: {OUTPUT}"),
    ("narx", {"output_taps": {"lag": 1}}, f"model.output_taps={{'lag': 1}}: {OUTPUT}"),
]


@pytest.mark.parametrize("name", models.found())
@pytest.mark.parametrize(("given", "message"), EVERYWHERE)
def test_fields_of_every_model(name, given, message):
    with pytest.raises(ValueError) as refusal:
        small(name, **given)
    assert str(refusal.value) == message


@pytest.mark.parametrize(("name", "given", "message"), OWN)
def test_fields_of_one_model(name, given, message):
    with pytest.raises(ValueError) as refusal:
        small(name, **given)
    assert str(refusal.value) == message


def test_forms_of_taps():
    assert lags("k", 0, first=0) == (0,)
    assert lags("k", 3, first=0) == (0, 1, 2, 3)
    assert lags("k", 3, first=1) == (1, 2, 3)
    assert lags("k", 0, first=1) == ()
    assert lags("k", [], first=1) == ()
    assert lags("k", (7, 2), first=1) == (2, 7)


def test_a_list_as_the_configuration_library_makes_it():
    config = pytest.importorskip("omegaconf").OmegaConf.create({"taps": [4, 0]})
    assert lags("k", config.taps, first=0) == (0, 4)
