"""The report of the benchmarks, from made-up results; these run with `make test`."""

import json

import pytest

from rnnbench.models.elman import Elman
from rnnbench.models.rnn import RNN
from rnnbench.models.tdnn import TDNN
from tests.benchmarks import report
from tests.benchmarks.targets import points_frame, singles_frame, targets
from tests.benchmarks.work import make_case


def point(ratio=None, share=0.5, needed=3.0, **params):
    facts = {
        "row": "training step of rnn",
        "milliseconds": 1.0,
        "gflops": 10.0,
        "share_of_peak": share,
        "enough_of_peak": 0.65,
        "needed_ratio": needed,
    }
    if ratio is not None:
        facts |= {"ratio": ratio, "fastest_peer": "jax rnn"}
    return {"params": {"T": 50, "B": 32, "I": 2, "H": 64} | params, "extra_info": facts}


def single(measured, at_least=None, at_most=None):
    facts = {"row": "a number", "measured": measured, "unit": "s", "at_least": at_least, "at_most": at_most}
    return {"params": None, "extra_info": facts}


def document(*results):
    return {
        "machine_info": {
            "processor": "One",
            "architecture": "x86_64",
            "processors": 2,
            "vector_bytes": 32,
            "system": "Linux",
            "python": "3.11",
            "versions": {"numpy": "2.4"},
            "missing": [],
        },
        "commit_info": {"id": "0123456789abcdef", "dirty": False},
        "datetime": "2026-11-21T10:00:00+00:00",
        "benchmarks": list(results),
    }


@pytest.mark.parametrize(
    ("ratio", "share", "met"), [(3.0, 0.1, True), (2.9, 0.64, False), (0.5, 0.65, True), (None, 0.3, False)]
)
def test_a_point_is_met_by_its_ratio_or_by_its_share_of_the_peak(ratio, share, met):
    assert points_frame([point(ratio, share)])["met"].tolist() == [met]


@pytest.mark.parametrize(
    ("bounds", "met"), [({"at_least": 2}, True), ({"at_least": 2.1}, False), ({"at_most": 1.9}, False)]
)
def test_a_number_is_met_within_its_bound(bounds, met):
    assert singles_frame([single(2.0, **bounds)])["met"].tolist() == [met]


def test_the_table_has_a_row_for_every_result():
    results = [point(3.5), single(4.0, at_most=3.0), point(None, 0.7)]
    table = targets(points_frame(results), singles_frame(results))
    assert table["met"].tolist() == ["met", "met", "MISSED"]
    assert table["measured"].tolist() == [
        "3.50x jax rnn, 50.0 % of peak, 1 ms",
        "no peer, 70.0 % of peak, 1 ms",
        "4 s",
    ]
    assert table["target"].tolist() == [">= 3x or 65 % of peak"] * 2 + ["<= 3 s"]


def test_the_report_holds_results_table_and_figures():
    length = single(1.0, at_most=10.0)
    length["extra_info"]["microseconds_per_step"] = {"100": 1.0, "1000": 1.1}
    made = report.files(document(point(3.5), point(1.0, H=10, needed=5.0), length))
    assert set(made) == {"results.json", "targets.md", "ratio.png", "share_of_peak.png", "length.png"}
    assert len(json.loads(made["results.json"])["benchmarks"]) == 3
    assert all(made[name].startswith(b"\x89PNG") for name in made if name.endswith(".png"))


def test_without_peers_there_is_no_figure_of_ratios():
    assert "ratio.png" not in report.files(document(point(None)))


def test_the_arithmetic_of_a_step_is_counted_by_hand():
    T, B, I, H = 5, 3, 2, 7
    last = make_case(RNN(hidden=H).build(I, 1), T, B, last_only=True)
    assert last.flops() == 2 * B * (T * (2 * I * H + 3 * H * H) + 3 * H)
    assert last.flops(training=False) == 2 * B * T * (I * H + H * H + H)
    elman = make_case(Elman(hidden=H).build(I, 1), T, B)
    assert elman.flops() == 2 * B * T * (2 * I * H + 2 * H * H + 3 * H)
    tdnn = make_case(TDNN(hidden=H, window=4).build(I, 1), T, B)
    assert tdnn.flops() == 2 * B * T * (2 * 5 * I * H + 3 * H)
