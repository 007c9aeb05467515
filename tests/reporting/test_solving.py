"""How soon a task was solved: seeds that never solved it are not dropped."""

import math

import pytest

from rnnbench.reporting.frame import runs_frame
from rnnbench.reporting.rendering import markdown
from rnnbench.reporting.solving import solving_table
from rnnbench.reporting.statistics import summarise, until_solved
from tests.reporting.synthetic import fair, record


def runs_of(model, solved_at, length=20):
    """One run per seed: solved after so many updates, or (None) never."""
    return [
        fair(record(model, length=length, seed=seed, outcome="solved" if at else "finished", solved_at=at))
        for seed, at in enumerate(solved_at)
    ]


def table_of(*groups):
    return solving_table(summarise(runs_frame([run for group in groups for run in group])))


def test_the_table_to_the_letter():
    table = table_of(
        runs_of("tdnn", [None, None, None]),
        runs_of("elman", [300, None, None]),
        runs_of("narx", [500, None, 100]),
        runs_of("rnn", [100, 300, 200]),
        runs_of("rnn", [100], length=100),
    )
    assert markdown(table).splitlines()[2:] == [
        "| tdnn | never 0/3 | - |",
        "| elman | never 1/3<br>solved: 9,600<br>300 updates, 0.75 s | - |",
        "| narx | 16,000 2/3<br>solved: 9,600<br>300 updates, 0.76 s | - |",
        "| rnn | **6,400 3/3**<br>200 updates, 0.76 s | **3,200 1/1**<br>100 updates, 0.75 s |",
    ]


def test_half_of_two_seeds_is_never():
    (row,) = summarise(runs_frame(runs_of("rnn", [100, None]))).to_dict("records")
    assert row["sequences_to_solve"] == 3200
    assert math.isinf(row["sequences_to_solve_all"]) and math.isinf(row["solved_at_all"])


def test_a_run_that_diverged_after_it_had_solved_the_task_has_not_solved_it():
    runs = runs_frame([fair(record(outcome="diverged", solved_at=100), sequences_to_solve=3200)])
    assert math.isinf(until_solved(runs, "sequences_to_solve"))


def test_records_that_know_no_sequences_have_no_table():
    assert solving_table(summarise(runs_frame([record(), record("elman")]))) is None
    mixed = [*runs_of("rnn", [100]), record(seed=1)]
    (row,) = summarise(runs_frame(mixed)).to_dict("records")
    assert row["sequences_to_solve"] == 3200 and math.isnan(row["sequences_to_solve_all"])
    assert "| rnn | **? 2/2**<br>" in markdown(table_of(mixed))


def test_the_csv_columns_know_what_it_took():
    frame = runs_frame([*runs_of("rnn", [100]), record("elman")]).set_index("model")
    assert frame.loc["rnn", "sequences_to_solve"] == 3200
    assert frame.loc["rnn", "sequences"] == 600 * 32
    assert frame.loc["rnn", "trials"] == 16
    assert (frame.loc["rnn", "select"], frame.loc["rnn", "launcher"]) == ("best_validation", "basic")
    assert (frame.loc["elman", "select"], frame.loc["elman", "launcher"]) == ("", "")
    assert frame.loc["elman", ["sequences", "resumed", "trials", "selected_at"]].isna().all()
    assert frame.loc["elman", "budget_of"] == "parameters"
    assert runs_frame(runs_of("rnn", [100])).columns[0] == "key"


@pytest.mark.parametrize("name", ["checkpoint_every", "threads"])
def test_settings_without_effect_tell_no_models_apart(name):
    runs = [record(seed=s, train_fields={"updates": 1000, name: s}) for s in range(2)]
    assert set(runs_frame(runs)["model"]) == {"rnn"}
