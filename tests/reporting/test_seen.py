"""Figures of diagnostics: exact zeros have a place of their own; strange numbers make no figure fail."""

import gc
import math
import weakref

import numpy as np
import pytest

from rnnbench.diagrams.influence import influence_curve
from rnnbench.reporting.seen import figures

RECORD = {"model": "elman", "task_label": "adding T=20", "seed": 0}


def seen(**changes):
    looks = [
        {
            "update": update,
            "spectral_radius": {"h": 1.0 + update / 1000, "all": 1.1},
            "saturation": {"h": {"share": 0.1, "derivative": 0.8}},
            "gradient_norm": {"h": [0.0, 1e-9, 1e-3], "y": [0.0, 0.0, 1.0]},
        }
        for update in range(0, 1000, 100)
    ]
    made = {
        "training": looks,
        "influence": {
            "at": "last step",
            "lags": [0, 1, 2],
            "open": [1.0, 0.1, 0.01],
            "declared": [1.0, 0, 0],
        },
        "effective_memory": {"share": 0.01, "open": 1, "declared": 0},
        "memory_capacity": {"total": 2.5, "by_lag": [1.0, 0.9, 0.8], "units": 8},
    }
    return made | changes


def lines(curve):
    (panel,) = curve.axes
    return panel, [line for line in panel.get_lines() if len(line.get_xdata()) > 2]


def test_zeros_lie_in_a_band_below_everything_else():
    panel, (true, trained) = lines(influence_curve([0, 1, 2], [1.0, 0.1, 1e-5], [1.0, 0.0, 0.0]))
    np.testing.assert_allclose(true.get_ydata(), [1.0, 0.1, 1e-5])
    zero = trained.get_ydata()[1]
    assert trained.get_ydata()[2] == zero < 1e-5 and zero > panel.get_ylim()[0]
    labels = dict(
        zip(panel.get_yticks(), (label.get_text() for label in panel.get_yticklabels()), strict=True)
    )
    assert labels[zero] == "0"
    assert [text.get_text() for text in panel.texts] == ["exactly 0"]


def test_without_zeros_there_is_no_band():
    panel, _ = lines(influence_curve([0, 1, 2], [1.0, 0.1, 1e-5], [1.0, 0.1, 1e-5]))
    assert not panel.texts and "0" not in [label.get_text() for label in panel.get_yticklabels()]


@pytest.mark.parametrize(
    "values", [[0.0, 0.0, 0.0], [math.nan] * 3, [None] * 3, [math.inf, 1.0, 0.0], [1e-300, 1.0, 1e-5]]
)
def test_numbers_of_every_kind(values):
    influence_curve([-1, 0, 1], values, values).canvas.draw()


def test_the_files_of_a_run_are_the_same_every_time():
    first, second = figures(RECORD, seen()), figures(RECORD, seen())
    assert list(first) == ["diagnostics_influence.png", "diagnostics_gradients.png", "diagnostics_state.png"]
    assert first == second and all(data.startswith(b"\x89PNG") for data in first.values())


def test_who_has_figures_drawn_is_kept_alive_by_none_of_them():
    class Run:
        pass

    def drawn():
        run = Run()
        figures(RECORD, seen())
        return weakref.ref(run)

    gc.collect()
    gc.disable()
    try:
        assert drawn()() is None
    finally:
        gc.enable()


def test_what_was_not_seen_is_not_drawn():
    look = {"update": 0, "spectral_radius": {"all": 0.0}, "saturation": {}}
    drawn = figures(RECORD, seen(training=[look], memory_capacity=None))
    assert list(drawn) == ["diagnostics_influence.png", "diagnostics_state.png"]
