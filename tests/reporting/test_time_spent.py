"""Where the time went: sums and shares over runs."""

import pytest

from rnnbench.reporting.page import write_report
from rnnbench.reporting.time_spent import time_spent
from tests.reporting.synthetic import predictions, record

BUSY = {"span": 10.0, "processor": 9.9, "updates": 7.0, "evaluations": 1.0, "data": 1.0, "run": 11.0}


def timed(seed=0, seconds=12.0, began=1.0, processors=2, **busy):
    sweep = {"began": began, "seconds": seconds, "processors": processors}
    return record(seed=seed, busy=BUSY | busy, sweep=sweep, history=[])


def test_shares_of_one_sweep():
    found = time_spent([timed(0), timed(1, seconds=12.9, updates=5.0)])
    assert found["run_share"] == pytest.approx(100 * 16 / 20)
    assert (found["least"], found["least_run"]) == (pytest.approx(70.0), "rnn on adding T=20, seed 1")
    # Two processors until the last record, begun after 12.9 s, was written 0.1 s later.
    assert found["core_seconds"] == pytest.approx(26.0)
    assert found["sweep_share"] == pytest.approx(100 * 16 / 26)


def test_the_parts_add_up_to_the_sweep():
    found = time_spent([timed(0), timed(1), timed(2, began=50.0, processors=1)])
    assert sum(seconds for _, seconds, _ in found["rows"]) == pytest.approx(found["core_seconds"])
    assert sum(share for _, _, share in found["rows"]) == pytest.approx(100)
    assert found["core_seconds"] == pytest.approx(2 * 12.1 + 12.1)
    assert found["tracking"] == pytest.approx(0.3)


def test_runs_without_clocks_are_left_out():
    assert time_spent([record()]) is None
    assert time_spent([]) is None
    nothing = {"span": 0.0, "updates": 0.0, "evaluations": 0.0, "data": 0.0, "run": 0.0}
    assert time_spent([timed(**nothing)]) is None
    assert time_spent([record(), timed()])["run_share"] == pytest.approx(90.0)


def test_the_page_prints_the_split(tmp_path):
    page = write_report("made", [timed(0), timed(1)], predictions, tmp_path).read_text()
    assert "Writing results took 0.2 s" in page
    assert "| kernels, of updates | 14.0 | 57.9 % |" in page
    assert "took 90.0 % of the core-seconds between" in page
    assert (
        "Where the time went"
        not in write_report("old", [record(history=[])], predictions, tmp_path).read_text()
    )
