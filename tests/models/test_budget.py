"""The width nearest to a budget, against a search over all widths."""

import pytest

from rnnbench import models
from rnnbench.models import solve_width
from tests.models.small import small


def nearest(model, parameters, of="n_parameters"):
    """Return (width, count) by trying all; the smaller of two widths equally near."""
    widths = [type(model)(**{**vars(model), "hidden": w}).build(2, 1, "linear") for w in range(1, 160)]
    counts = [getattr(network, of) for network in widths]
    return min(enumerate(counts, start=1), key=lambda pair: (abs(pair[1] - parameters), pair[0]))


@pytest.mark.parametrize("name", models.found())
@pytest.mark.parametrize("parameters", [30, 97, 100, 101, 250, 601])
def test_nearest_width(name, parameters):
    model = small(name, **({"window": 2} if name == "tdnn" else {}))
    before = vars(model).copy()
    width = solve_width(model, 2, 1, parameters)
    expected, count = nearest(model, parameters)
    assert (width.model.hidden, width.n_parameters) == (expected, count)
    assert width.n_parameters == width.model.build(2, 1).n_parameters
    assert width.deviation == pytest.approx((count - parameters) / parameters)
    assert vars(model) == before
    assert {**vars(width.model), "hidden": 3} == before


@pytest.mark.parametrize("name", models.found())
@pytest.mark.parametrize("macs", [30, 97, 250, 400])
def test_nearest_width_by_multiply_adds(name, macs):
    model = small(name, **({"window": 2} if name == "tdnn" else {}))
    width = solve_width(model, 2, 1, macs, of="macs_per_step")
    network = width.model.build(2, 1)
    assert (width.model.hidden, width.counted) == nearest(model, macs, "macs_per_step")
    assert (width.counted, width.n_parameters) == (network.macs_per_step, network.n_parameters)
    assert width.deviation == pytest.approx((network.macs_per_step - macs) / macs)


def test_half_a_step_by_hand():
    # An rnn of H units with 2 inputs and 1 output has H**2 + 4 H + 1 parameters and H**2 + 3 H multiply-adds.
    width = solve_width(small("rnn"), 2, 1, 100)
    assert (width.model.hidden, width.counted) == (8, 97)
    assert width.half_step == pytest.approx((118 - 97) / 2 / 100)
    assert width.allowed == width.half_step
    width = solve_width(small("rnn"), 2, 1, 100, of="macs_per_step")
    assert (width.model.hidden, width.counted, width.deviation) == (9, 108, pytest.approx(0.08))
    assert width.half_step == pytest.approx((130 - 108) / 2 / 100)


@pytest.mark.parametrize("of", ["parameters", "macs_per_step"])
@pytest.mark.parametrize("name", models.found())
def test_the_nearest_width_is_within_what_is_allowed(name, of):
    model = small(name)
    network = model.build(2, 1)
    least = network.n_parameters if of == "parameters" else network.macs_per_step
    for amount in (least, 3 * least, 20 * least + 1):
        width = solve_width(model, 2, 1, amount, of=of)
        assert abs(width.deviation) <= width.allowed


def test_one_per_cent_is_allowed_where_widths_are_fine():
    width = solve_width(small("rnn"), 2, 1, 100_000)
    assert width.half_step < 0.01 == width.allowed


def test_a_single_unit_that_is_too_large_is_beyond_what_is_allowed():
    # 85 parameters at a width of 1, 84 more with each further unit.
    width = solve_width(small("tdnn", window=40), 2, 1, 58)
    assert width.deviation == pytest.approx(27 / 58) and width.half_step == pytest.approx(42 / 58)
    model = small("rnn", embedding=20)
    # The embedding of 40 does not shrink with the width: 64 parameters at a width of 1, 89 at 2.
    narrow = solve_width(model, 2, 1, 50)
    assert (narrow.model.hidden, narrow.counted, narrow.half_step) == (1, 64, pytest.approx(25 / 100))
    assert narrow.deviation > narrow.allowed


def test_what_a_budget_counts():
    with pytest.raises(ValueError, match="of=flops: must be one of parameters, macs_per_step"):
        solve_width(small("rnn"), 2, 1, 100, of="flops")
    with pytest.raises(ValueError, match=r"budget\.macs=2\.5: must be a whole number"):
        solve_width(small("rnn"), 2, 1, 2.5, of="macs_per_step")
    with pytest.raises(ValueError, match=r"budget\.macs=50: must be about 83 or more, what tdnn"):
        solve_width(small("tdnn", window=40), 2, 1, 50, of="macs_per_step")


def test_a_large_budget_is_met_within_a_per_cent():
    for name in models.found():
        assert abs(solve_width(small(name), 3, 2, 20_000).deviation) < 0.01


def test_a_budget_below_one_unit():
    # At width 1 a TDNN of 41 frames has 41 * 2 + 1 + 1 + 1 = 85 parameters.
    model = small("tdnn", window=40)
    assert solve_width(model, 2, 1, 60).n_parameters == 85
    with pytest.raises(ValueError) as refusal:
        solve_width(model, 2, 1, 50)
    assert (
        str(refusal.value) == "budget.parameters=50: must be about 85 or more, what tdnn has at a width of 1"
    )


@pytest.mark.parametrize("parameters", [0, -5, 2.5, True, "100"])
def test_a_budget_is_a_positive_whole_number(parameters):
    with pytest.raises(
        ValueError, match=f"budget.parameters={parameters}: must be a whole number of at least 1"
    ):
        solve_width(small("rnn"), 2, 1, parameters)


def test_a_model_without_a_width():
    class Fixed:
        pass

    with pytest.raises(ValueError, match=r"budget\.parameters=100: fixed has no width"):
        solve_width(Fixed(), 2, 1, 100)


FORMS = {
    "rnn": [{"layers": 3}, {"order": 3, "output_taps": 2}, {"embedding": 4}, {"layers": 2, "skip": "all"}],
    "jordan": [{"layers": 2}, {"kind": "top_down", "layers": 2}],
    "memory": [{}, {"units": 3}],
    "tdnn": [{"windows": [2, 4]}, {"windows": [2, 4], "pool": "sum"}],
    "brnn": [{"blocks": 2, "depth": 2}],
    "custom": [{"boxes": ["h", "g"], "arrows": ["x->h", "h->g", "g->h@1", "g->y"]}],
}


@pytest.mark.parametrize(("name", "given"), [(name, given) for name in FORMS for given in FORMS[name]])
def test_nearest_width_of_every_form(name, given):
    model = small(name, **given)
    width = solve_width(model, 2, 1, 700)
    assert (width.model.hidden, width.n_parameters) == nearest(model, 700)


@pytest.mark.parametrize(
    ("name", "given"),
    [("rnn", {}), ("jordan", {"kind": "top_down"}), ("brnn", {}), ("tdnn", {"windows": [1] * 3})],
)
def test_widths_of_several_layers_keep_their_proportions(name, given):
    width = solve_width(small(name, hidden=[32, 16, 8], **given), 2, 1, 5000)
    assert abs(width.deviation) < 0.03
    widest = width.model.hidden[0]
    assert width.model.hidden == [widest, round(widest / 2), round(widest / 4)]
    assert width.n_parameters == width.model.build(2, 1).n_parameters
