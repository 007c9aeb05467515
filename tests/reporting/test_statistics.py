"""Several seeds as one row: medians, spread, failures that count."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.reporting.frame import runs_frame
from rnnbench.reporting.statistics import quantile, summarise
from tests.reporting.synthetic import record


def summary_of(*scores, outcomes=None, model="rnn"):
    outcomes = outcomes or ["finished"] * len(scores)
    runs = [
        record(model, seed=s, score=score, outcome=o)
        for s, (score, o) in enumerate(zip(scores, outcomes, strict=True))
    ]
    return summarise(runs_frame(runs)).iloc[0]


def test_median_and_spread():
    row = summary_of(0.1, 0.2, 0.3, 0.4, 0.9)
    names = ("min", "q1", "median", "q3", "max")
    assert [row[f"score_{name}"] for name in names] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.9])


def test_one_seed_has_no_spread():
    row = summary_of(0.4)
    assert row["score_median"] == pytest.approx(0.4)
    assert all(math.isnan(row[f"score_{name}"]) for name in ("min", "q1", "q3", "max"))


def test_diverged_runs_count_as_failures_and_are_lower_than_every_score():
    row = summary_of(0.99, 0.98, 0.97, outcomes=["solved", "diverged", "solved"])
    assert (row["n"], row["solved"], row["diverged"]) == (3, 2, 1)
    assert row["score_median"] == pytest.approx(0.97)
    assert row["score_min"] == -math.inf


def test_a_diverged_run_counts_as_failed_even_when_it_has_a_score():
    finite = record(seed=0, score=0.99, outcome="solved")
    scored = record(seed=1, score=0.99, outcome="solved") | {"outcome": "diverged"}
    row = summarise(runs_frame([finite, scored])).iloc[0]
    assert row["score_median"] == -math.inf


def test_a_score_that_is_no_number_counts_as_failed():
    runs = [record(seed=s, score=0.5) for s in range(2)]
    runs.append(record(seed=2, scores={"test_score": None, "test_loss": None}))
    row = summarise(runs_frame(runs)).iloc[0]
    assert row["diverged"] == 0
    assert row["score_min"] == -math.inf
    assert row["score_median"] == pytest.approx(0.5)


def test_a_score_that_a_model_does_not_have_stays_empty():
    table = summarise(runs_frame([record("rnn"), record("narx")])).set_index("model")
    assert math.isnan(table["open_loop_score_median"]["rnn"])
    assert table["open_loop_score_median"]["narx"] == pytest.approx(0.7)


def test_updates_to_solve_are_those_of_the_solved_runs():
    row = summary_of(0.99, 0.1, outcomes=["solved", "finished"])
    assert row["solved_at"] == 600
    assert math.isnan(summary_of(0.1, 0.2)["solved_at"])


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=9), st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]))
def test_quantiles_are_numpys(scores, rank):
    assert quantile(pd.Series(scores), rank) == pytest.approx(np.quantile(scores, rank), abs=1e-12)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=9), st.integers(1, 4))
def test_quantiles_keep_failures_at_the_bottom(scores, failures):
    ranks = [n / 8 for n in range(9)]
    found = [quantile(pd.Series([*scores, *[-math.inf] * failures]), rank) for rank in ranks]
    assert found == sorted(found)
    assert found[0] == -math.inf
    assert found[-1] == max(scores)
