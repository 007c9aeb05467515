"""The budget table and what is said about tuning: nothing that is unequal goes unsaid."""

import pytest

from rnnbench.reporting.budgets import (
    budget_table,
    fairness,
    rules,
    space_text,
    training_budget,
    tuning_facts,
)
from rnnbench.reporting.facts import what_was_run
from rnnbench.reporting.frame import runs_frame
from rnnbench.reporting.rendering import markdown
from tests.reporting.synthetic import fair, record

BUDGETS = """\
| task | model | budget | has | deviation | allowed | trials | training | reported |
| :-- | :-- | --: | --: | --: | --: | --: | --: | --: |
| adding T=20 | tdnn | 150 parameters | 153 | +2.0 % | ± 2.0 % | 16 | 1,000 updates | best validation |
|  | rnn | 150 parameters | 146 | **-2.7 % beyond** | ± 2.0 % | 16 | 1,000 updates | last |
| adding T=100 | rnn | 9,000 multiply-adds a step | 9,100 | +1.1 % |  | none | 64,000 sequences | last |
|  | brnn | none |  |  |  | none | 2.5 s of compiled updates | first solved |"""


def given(*records):
    return fairness(records, runs_frame(records))


def four():
    timed = {"evaluate_every": 100}
    return (
        fair(record("tdnn"), n_parameters=153, budget_deviation=0.02),
        fair(record("rnn"), n_parameters=146, budget_deviation=-4 / 150, select="last"),
        record("rnn", length=100, macs_per_step=9100, budget=9000, budget_of="macs_per_step", select="last",
               budget_deviation=100 / 9000, train_fields={**timed, "updates": 1000, "sequences": 64000}),
        record("brnn", length=100, budget=None, budget_deviation=None, select="first_solved",
               train_fields={**timed, "updates": 1000, "seconds": 2.5}),
    )  # fmt: skip


def test_the_budget_table_to_the_letter():
    assert markdown(budget_table(given(*four()))) == BUDGETS


def test_seeds_of_one_network_are_one_row():
    table = budget_table(given(*(fair(record(seed=s)) for s in range(3)), record("elman")))
    assert [row.cells[1].lines[0] for row in table.rows] == ["elman", "rnn"]
    assert table.rows[0].cells[5].lines == ("",)
    assert not any(cell.strong for row in table.rows for cell in row.cells)


def test_without_budget_and_tuning_there_is_no_table():
    bare = {"budget": None, "budget_deviation": None}
    assert budget_table(given(record(**bare), record("elman", **bare))) is None
    assert budget_table(given(record(**bare), record("elman", **bare, select="last"))) is not None
    longer = {"updates": 2000, "evaluate_every": 100}
    assert budget_table(given(record(**bare), record("elman", **bare, train_fields=longer))) is not None
    assert tuning_facts(given(record())) is None


def test_what_training_was_given():
    assert (
        training_budget({"updates": 1000, "sequences": None, "seconds": 0.5}) == "0.5 s of compiled updates"
    )
    assert training_budget({"updates": 1000, "sequences": 64000}) == "64,000 sequences"
    assert training_budget({"updates": 1000}) == "1,000 updates"
    assert training_budget({}) == ""


def test_rules_of_choice():
    usual = "those with the smallest validation loss were kept"
    assert rules(given(record())) == rules(given(fair(record()))) == usual
    said = rules(given(record("tdnn", select="last"), record("rnn")))
    assert said == f"those after the last update were kept (tdnn); {usual} (rnn)"
    assert rules(given(record(select="newer"))) == "those of the rule newer were kept"


def test_tuning_is_said_once_for_all_and_then_for_each():
    facts = tuning_facts(given(*(fair(record(m)) for m in ("tdnn", "elman", "rnn"))))
    assert (facts["trials"], facts["equal"], facts["seeds"], facts["studies"]) == (
        "16",
        True,
        "10000",
        "made.tuning",
    )
    assert facts["spaces"] == [
        ("all", "train.clip_norm one of null, 1; train.lr 0.0001 … 0.03 (log)"),
        ("tdnn", "model.window 5 … 40"),
    ]
    assert markdown(facts["table"]).splitlines() == [
        "| task | model | clip\\_norm | lr | model.window | validation score |",
        "| :-- | :-- | --: | --: | --: | --: |",
        "| adding T=20 | tdnn | null | 0.003 | 20 | 0.500 |",
        "|  | elman | null | 0.003 |  | 0.500 |",
        "|  | rnn | null | 0.003 |  | 0.500 |",
    ]


@pytest.mark.parametrize("other", [None, {"trials": 4}])
def test_unequal_tuning_is_no_equal_tuning(other):
    facts = tuning_facts(given(fair(record("rnn")), fair(record("elman"), tuning=other)))
    assert not facts["equal"]
    assert facts["trials"] == ("0 or 16" if other is None else "4 or 16")


def test_a_tuning_in_which_nothing_ended_well():
    facts = tuning_facts(given(fair(record(), tuning={"trials": 2, "chosen": {}, "validation_score": None})))
    assert markdown(facts["table"]).splitlines()[-1] == "| adding T=20 | rnn |  |"
    assert facts["spaces"] == [] and facts["rule"] == facts["seeds"] == ""


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (["uniform", 0.1, 0.9], "0.1 … 0.9"),
        (["log_int", 1, 64], "1 … 64 (log)"),
        (["choice", "glorot", True], "one of glorot, true"),
        (3, "one of 3"),
    ],
)
def test_spaces_in_words(entry, text):
    assert space_text(entry) == text


def test_networks_beyond_their_budget_are_counted_once_for_all_seeds():
    far = [fair(record("rnn", seed=s), budget_deviation=0.03) for s in range(3)]
    records = [*far, fair(record("elman")), record("tdnn", budget_deviation=0.5)]
    facts = what_was_run(records, runs_frame(records))
    assert (facts["budget"]["beyond"], facts["budget"]["networks"]) == (1, 3)
    assert facts["budget"]["sizes"] == "150 parameters"
    assert (facts["launchers"], facts["resumed"]) == ("basic", 0)
    records = [fair(record(), resumed=2, launcher="dask"), *four()]
    facts = what_was_run(records, runs_frame(records))
    assert facts["budget"]["sizes"] == "9,000 multiply-adds a step or 150 parameters"
    assert (facts["launchers"], facts["resumed"]) == ("basic, dask", 1)
