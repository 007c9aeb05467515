"""How far networks reach: scores by span, the longest span solved, its interval, and the figure."""

import itertools
import math

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from rnnbench.base.figures import png
from rnnbench.reporting.frame import runs_frame
from rnnbench.reporting.generalisation import (
    by_span,
    longest_frame,
    longest_table,
    spans_figure,
    spans_frame,
    spans_table,
    trained_spans,
)
from rnnbench.reporting.rendering import markdown
from rnnbench.reporting.statistics import interval
from tests.reporting.synthetic import fair, record

FAR = {10: (0.99, True), 20: (0.98, True), 50: (0.96, True), 200: (0.5, False)}
NEAR = {10: (0.97, True), 20: (0.96, True), 50: (0.7, False), 200: (0.1, False)}
NONE = {10: (0.3, False), 20: (0.2, False), 50: (0.1, False), 200: (None, False)}


def study():
    """Three seeds of an rnn that reach differently, an elman that solves nothing and diverged once."""
    return [
        *(fair(record("rnn", seed=s), spans=spans) for s, spans in enumerate((FAR, NEAR, FAR))),
        *(fair(record("elman", seed=s), spans=NONE) for s in range(2)),
        fair(record("elman", seed=2, outcome="diverged")),
        fair(record("tdnn", length=50), spans={20: (1.0, True), 50: (1.0, True)}),
        fair(record("narx")),
    ]


def spans(records):
    return spans_frame(records, runs_frame(records))


def test_one_row_per_run_and_span():
    frame = spans(study())
    assert frame.groupby(["task", "model"], observed=True).size().to_dict() == {
        ("adding T=20", "elman"): 12,
        ("adding T=20", "rnn"): 12,
        ("adding T=50", "tdnn"): 2,
    }
    diverged = frame[(frame["model"] == "elman") & (frame["seed"] == 2)]
    assert list(diverged["span"]) == [10, 20, 50, 200]
    assert (diverged["score"] == -math.inf).all() and not diverged["solved"].any()
    assert spans([record(), fair(record("elman"))]).empty


def test_the_longest_span_solved():
    longest = longest_frame(spans(study())).set_index("model")
    assert longest["longest"].to_dict() == {"elman": 0.0, "rnn": 50.0, "tdnn": 50.0}
    assert longest["n"].to_dict() == {"elman": 3, "rnn": 3, "tdnn": 1}
    assert (longest.loc["rnn", "longest_low"], longest.loc["rnn", "longest_high"]) == (20.0, 50.0)
    assert math.isnan(longest.loc["tdnn", "longest_low"])


def test_a_gap_below_the_longest_is_no_end():
    odd = {10: (0.5, False), 20: (0.99, True), 50: (0.8, False), 200: (0.99, True)}
    assert longest_frame(spans([fair(record(), spans=odd)]))["longest"][0] == 200


def test_the_tables_to_the_letter():
    records = study()
    frame = spans(records)
    assert markdown(longest_table(longest_frame(frame))).splitlines() == [
        "| model | adding T=20 | adding T=50 |",
        "| :-- | --: | --: |",
        "| tdnn | - | ≥ 50 |",
        "| elman | none | - |",
        "| rnn | 50<br>20 … 50 | - |",
    ]
    table = spans_table(by_span(frame), "adding T=20", trained_spans(records)["adding T=20"])
    assert markdown(table).splitlines() == [
        "| model | 10 | 20 (trained) | 50 | 200 |",
        "| :-- | --: | --: | --: | --: |",
        "| elman | 0.300 0/3 | 0.200 0/3 | 0.100 0/3 | failed 0/3 |",
        "| rnn | **0.990 3/3** | **0.980 3/3** | 0.960 2/3 | 0.500 0/3 |",
    ]


def test_one_seed_has_no_interval():
    table = longest_table(longest_frame(spans([fair(record(), spans=FAR)])))
    assert table.rows[0].cells[1].lines == ("50",)


def test_spans_of_training():
    lengths = {"updates": 1000, "evaluate_every": 100, "shortest": 5}
    records = [fair(record(train_fields=lengths), spans=FAR), record("elman", length=100)]
    assert trained_spans(records) == {"adding T=20": ("length", 5.0, 20.0)}
    table = spans_table(by_span(spans(records)), "adding T=20", trained_spans(records)["adding T=20"])
    assert table.header == ("model", "10 (trained)", "20 (trained)", "50", "200")


def test_seeds_that_were_tried_at_other_spans_count_where_they_were():
    records = [fair(record(seed=0), spans={20: (1.0, True)}), fair(record(seed=1), spans={40: (0.5, False)})]
    at = by_span(spans(records)).set_index("span")
    assert at["n"].to_dict() == {20: 1, 40: 1}
    # One seed reached 20 and one nothing that was tried: of two, the median is the lower.
    assert longest_frame(spans(records))["longest"][0] == 0.0


def test_intervals():
    assert all(map(math.isnan, interval(np.array([3.0]))))
    assert interval(np.array([20.0, 20.0, 20.0])) == (20.0, 20.0)
    low, high = interval(np.arange(1.0, 31.0))
    # The lower median of 30 seeds, 15: its standard error is 1.25 * 8.7 / sqrt(30) = 2.
    assert 10 <= low <= 12 and 18 <= high <= 20
    assert interval(np.arange(30.0, 0.0, -1.0)) == (low, high)


def drawn(records):
    frame, runs = spans(records), runs_frame(records)
    figure = spans_figure(by_span(frame), trained_spans(records), list(runs["model"].cat.categories))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return figure, canvas.get_renderer()


def test_the_figure_has_a_panel_per_task_that_fills_its_place():
    figure, renderer = drawn(study())
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["adding T=20", "adding T=50"]
    first, second = (panel.get_window_extent(renderer) for panel in figure.axes)
    assert first.width > 0.35 * figure.bbox.width and not first.overlaps(second)
    assert figure.axes[0].get_xscale() == "log" and figure.axes[1].get_xscale() == "linear"
    assert figure.axes[0].get_xlabel() == "length"
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["tdnn", "elman", "rnn", "half of the seeds or more solved it", "fewer did", "trained"]
    for panel in figure.axes:
        boxes = [t.get_window_extent(renderer) for t in panel.get_xticklabels() if t.get_text()]
        assert not [1 for one, other in itertools.combinations(boxes, 2) if one.overlaps(other)]


def test_markers_are_filled_where_half_of_the_seeds_solved_it():
    figure, _ = drawn(study())
    assert png(figure) == png(figure)
    points = [line for line in figure.axes[0].lines if line.get_linestyle() == "None"]
    rnn = [line for line in points if line.get_color() == figure.axes[0].lines[-3].get_color()]
    filled = {line.get_markerfacecolor() != "white": list(line.get_xdata()) for line in rnn}
    assert filled == {True: [10.0, 20.0, 50.0], False: [200.0]}


@pytest.mark.parametrize(
    "values",
    [
        {20: (0.5, False)},
        {20: (None, False), 40: (None, False)},
        {20: (-40.0, False), 21: (0.9, True), 22: (0.9, True)},
        {n: (1 / n, n < 5) for n in range(1, 60)},
    ],
)
def test_everything_can_be_drawn(values):
    figure, renderer = drawn([fair(record(outcome="finished"), spans=values)])
    low, high = figure.axes[0].get_ylim()
    assert -0.3 < low < high < 1.1
    boxes = [t.get_window_extent(renderer) for t in figure.axes[0].get_xticklabels() if t.get_text()]
    assert boxes and not [1 for one, other in itertools.combinations(boxes, 2) if one.overlaps(other)]


def test_of_two_middle_spans_the_lower_is_taken():
    frame = longest_frame(spans([fair(record(seed=0), spans=NONE), fair(record(seed=1), spans=FAR)]))
    assert frame["longest"][0] == 0.0
