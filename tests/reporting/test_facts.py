"""What a page says beside its numbers."""

from rnnbench.reporting.facts import provenance, settings, study_notes, unfinished, what_was_run
from rnnbench.reporting.frame import runs_frame
from tests.reporting.synthetic import record


def test_each_setting_is_said_once():
    def run(model, length, hidden, **own):
        train = {
            "updates": 10 * length,
            "optimizer": "adam",
            "lr": 0.01,
            "threads": length,
            "clip_norm": None,
        }
        return record(
            model, length=length, model_fields={"hidden": hidden, **own}, train_fields=train, budget=700
        )

    runs = [
        run("tdnn", 20, 9, window=4),
        run("tdnn", 100, 10, window=4),
        run("rnn", 20, 9),
        run("rnn", 100, 9),
    ]
    found = settings(runs, runs_frame(runs))
    assert found["common"] == "optimizer=adam, lr=0.01, budget=700"
    assert found["tasks"] == {"adding T=20": "updates=200", "adding T=100": "updates=1000"}
    assert found["models"] == {"tdnn": "hidden=9 or 10, window=4", "rnn": "hidden=9"}


def test_budgets_and_their_largest_deviation():
    runs = [record(), record("elman", budget=900, budget_deviation=-0.05), record("narx", budget=None)]
    facts = what_was_run(runs, runs_frame(runs))
    assert facts["budget"] == {
        "sizes": "150, 900 parameters",
        "deviation": -5.0,
        "where": "elman on adding T=20",
        "networks": 2,
        "beyond": 0,
    }
    runs = [record(budget=None, budget_deviation=None)]
    assert what_was_run(runs, runs_frame(runs))["budget"] is None


def test_core_seconds_are_those_of_all_runs():
    runs = [record(seed=s) for s in range(12)]
    facts = what_was_run(runs, runs_frame(runs))
    assert {part: round(s, 6) for part, s in facts["split"].items()} == {
        "train": 18.0,
        "data": 1.2,
        "evaluate": 2.4,
        "compile": 0.0,
    }
    assert facts["seeds"] == "12 from 0 to 11"


def test_notes_are_those_last_written_in_their_order():
    runs = [record(study_notes={"question": "old"}), record(study_notes=None)]
    runs.insert(
        1,
        record(
            study_notes={"name": "x", "question": " two\n lines ", "expected": ["a", {"b": 1}], "source": ""}
        ),
    )
    assert study_notes(runs) == [("Question", ["two lines"]), ("Expected", ["a", "b: 1"])]
    assert study_notes([record(study_notes=None)]) == []


def test_provenance_lists_every_value_and_no_host():
    first, second = (record(provenance={"commit": c, "dirty": c == "b", "host": "secret"}) for c in "ab")
    assert provenance([first, second]) == [("commit", "a, b, with uncommitted changes")]
    assert provenance([record(provenance={})]) == [("commit", "unknown")]


def test_what_is_unfinished():
    plan = {"plan": "a", "planned_runs": 3}
    whole = [record(seed=seed, **plan) for seed in range(3)]
    assert unfinished(whole) == unfinished([record()]) == unfinished([]) == ""
    assert unfinished(whole[:2]) == "Unfinished: 2 of 3 runs"
    # The study once more with one other seed: what belongs to the older plan is neither missing nor counted.
    other = [record(seed=7 + n, plan="b", planned_runs=2) for n in range(2)]
    assert unfinished([*whole, *other[:1]]) == "Unfinished: 1 of 2 runs"
    assert unfinished([*whole[:2], *other]) == ""
