"""Learning curves and predictions: what is drawn, and that nothing lies on anything else."""

import io
import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from rnnbench.base.figures import png
from rnnbench.reporting.curves import LABEL_GAP, curve, learning_curves, spread
from rnnbench.reporting.frame import floors_frame, histories_frame
from rnnbench.reporting.predictions import predictions, read_prediction
from tests.reporting import synthetic
from tests.reporting.synthetic import FLOORS, record, study

MODELS = list(synthetic.MODELS)


def curve_of(*runs, value="validation_score"):
    return curve(histories_frame(runs), value)


def test_median_and_band_over_seeds():
    found = curve_of(*(record(seed=s, score=0.1 * (s + 1), outcome="finished") for s in range(3)))
    last = 1 - np.exp(-4.0 * 1000 / 400)
    assert found.updates[-1] == 1000
    assert [found.low[-1], found.median[-1], found.high[-1]] == pytest.approx(
        [0.1 * last, 0.2 * last, 0.3 * last]
    )


def test_a_seed_that_stopped_keeps_its_last_value():
    found = curve_of(record(seed=0, score=0.99), record(seed=1, score=0.5))
    assert list(found.updates) == list(range(100, 1001, 100))
    assert found.high[-1] == found.high[5] == pytest.approx(0.99 * (1 - np.exp(-6.0)))


@pytest.mark.parametrize(("value", "worst"), [("validation_score", "low"), ("validation_loss", "high")])
def test_a_seed_that_diverged_is_worse_than_any(value, worst):
    runs = [
        record(seed=0, score=0.5, outcome="diverged"),
        record(seed=1, score=0.5),
        record(seed=2, score=0.6),
    ]
    found = curve_of(*runs, value=value)
    assert abs(getattr(found, worst)[-1]) > 1e30
    assert abs(found.median[-1]) < 1.0


def test_a_seed_that_diverged_between_two_evaluations_is_worse_than_any_from_then_on():
    first = record(seed=0, score=0.5, outcome="diverged")
    first["history"] = first["history"][:3]
    found = curve_of(first, record(seed=1, score=0.4), record(seed=2, score=0.6))
    assert found.low[2] > 0.0
    assert found.low[3] < -1e30


def test_nothing_to_draw():
    assert curve(histories_frame([record(history=[])]), "validation_score") is None


@pytest.mark.parametrize("value", ["validation_score", "validation_loss"])
def test_texts_do_not_lie_on_one_another(value):
    close = [
        {**FLOORS[0], "name": f"a floor named {n}", "score": 0.01 * n, "loss": 0.16 + 0.001 * n}
        for n in range(6)
    ]
    runs = [r | {"floors": close} for r in study()]
    tasks = ["adding T=20", "adding T=100"]
    figure = learning_curves(histories_frame(runs), floors_frame(runs), tasks, MODELS, value)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    texts = [text for p in figure.axes for text in [*p.texts, p.xaxis.label, p.yaxis.label]]
    texts += [*figure.axes[0].get_children(), *figure.axes[1].get_children(), *figure.legends[0].get_texts()]
    shown = {id(t): t for t in texts if isinstance(t, Text) and t.get_text()}.values()
    # An annotation's own extent would include its leader.
    boxes = [Text.get_window_extent(t, canvas.get_renderer()) for t in shown]
    assert len(boxes) == 2 * (6 + 1 + 2) + len(MODELS)
    assert not [1 for one, other in itertools.combinations(boxes, 2) if one.overlaps(other)]
    assert all(0 <= b.x0 and b.x1 <= figure.bbox.x1 and 0 <= b.y0 and b.y1 <= figure.bbox.y1 for b in boxes)


@pytest.mark.parametrize("value", ["validation_score", "validation_loss"])
@pytest.mark.parametrize("losses", [[None, None], [0.25, 0.25], [0.0, 0.0], [1.0, 1e25], [1e-9, 1e9]])
def test_curves_of_every_kind_can_be_drawn(losses, value):
    looks = [
        {"update": 100 * n, "validation_loss": x, "validation_score": x}
        for n, x in enumerate(losses, start=1)
    ]
    run = record(history=looks, outcome="diverged" if losses[0] is None else "finished", floors=[])
    figure = learning_curves(histories_frame([run]), floors_frame([run]), ["adding T=20"], ["rnn"], value)
    low, high = figure.axes[0].get_ylim()
    assert np.isfinite([low, high]).all()
    assert low < high < 1e11
    png(figure)


def test_floors_are_labelled_lines():
    runs = study()
    figure = learning_curves(histories_frame(runs), floors_frame(runs), ["adding T=20"], MODELS)
    assert {text.get_text() for text in figure.axes[0].texts} == {
        "best constant 0",
        "linear 0.05",
        "oracle 1",
    }
    free = [FLOORS[0] | {"name": "AR(3) free-running"}, FLOORS[0] | {"loop": "open"}]
    figure = learning_curves(
        histories_frame(runs), floors_frame([record(floors=free)]), ["adding T=20"], MODELS
    )
    assert not figure.axes[0].texts


def test_a_model_has_the_same_colour_in_every_panel_and_no_other_has_it():
    runs = study()
    figure = learning_curves(
        histories_frame(runs), floors_frame(runs), ["adding T=20", "adding T=100"], MODELS
    )
    looks = [
        [(line.get_color(), line.get_marker()) for line in p.lines if line.get_marker() != "None"]
        for p in figure.axes
    ]
    assert looks[1] == looks[0][:4]
    assert len(set(looks[0])) == 5


@pytest.mark.parametrize("wanted", [[0.1, 0.11, 0.5], [0.97, 0.98, 0.99, 1.0], [0.0, 0.0, 0.0]])
def test_labels_are_pushed_apart_and_stay_below_the_top(wanted):
    places = spread(wanted, LABEL_GAP)
    assert all(b - a >= LABEL_GAP - 1e-12 for a, b in itertools.pairwise(places))
    assert places[-1] <= 1.0
    assert places[0] >= wanted[0] - 1e-12 or places[-1] == 1.0
    assert spread([0.2, 0.6], LABEL_GAP) == [0.2, 0.6]


def test_the_same_figure_has_the_same_bytes():
    runs = study()
    first, second = (
        png(learning_curves(histories_frame(runs), floors_frame(runs), ["adding T=20"], MODELS))
        for _ in range(2)
    )
    assert first == second
    assert first.startswith(b"\x89PNG")


def load(**how):
    with np.load(io.BytesIO(synthetic.predictions(record(), **how))) as arrays:
        return dict(arrays)


def test_labels_are_compared_where_they_are_scored():
    one = read_prediction(load(labels=True))
    assert np.isnan(one.truth[:10]).all()
    assert (one.y[10:] == one.truth[10:]).sum() == 31
    figure = predictions({"rnn": one}, "labels")
    assert figure.axes[0].get_title(loc="left") == "rnn: 31 of 54 labels right"
    colours = [line.get_color() for line in figure.axes[0].lines]
    assert colours == ["#1F77B4", "#FF7F0E"]


def test_outputs_that_run_away_do_not_hide_the_truth():
    arrays = load()
    arrays["y"] = arrays["y"] * 1e6
    figure = predictions({"rnn": read_prediction(arrays)}, "sine")
    assert figure.axes[0].get_ylim() == pytest.approx((-1.4, 1.4), abs=0.05)


def test_outputs_that_are_no_numbers_are_drawn_as_gaps():
    arrays = load(labels=True)
    arrays["y"][:] = np.nan
    figure = predictions({"rnn": read_prediction(arrays)}, "labels")
    assert "0 of 54" in figure.axes[0].get_title(loc="left")
    png(figure)


def test_a_single_scored_step_is_no_figure():
    arrays = load()
    arrays["weight"][:-1] = 0.0
    assert read_prediction(arrays) is None
