"""The tables of a fixed set of runs, to the letter."""

import pytest

from rnnbench.reporting.frame import extra_scores, floors_frame, runs_frame
from rnnbench.reporting.numbers import count_text, range_text, score_text, seconds_text
from rnnbench.reporting.rendering import markdown
from rnnbench.reporting.statistics import summarise
from rnnbench.reporting.table import csv_frame, details, overview
from rnnbench.reporting.terminal import print_records
from tests.reporting.synthetic import SKIPPED, record, study

OVERVIEW = """\
| model | adding T=20 | adding T=100 |
| :-- | --: | --: |
| tdnn | 0.010 0/3<br>0.000 … 0.020 | -0.290 0/3<br>-0.300 … -0.280 |
| elman | 0.390 0/3<br>0.380 … 0.400 | 0.080 0/3<br>failed … 0.100 |
| narx | 0.590 0/3<br>0.580 … 0.600 | 0.290 0/3<br>0.280 … 0.300 |
| rnn | **0.970 3/3**<br>0.960 … 0.980 | 0.670 0/3<br>0.660 … 0.680 |
| brnn | **0.980 3/3**<br>0.970 … 0.990 | n/a¹ |
| *best constant* | *0.000* | *0.000* |
| *linear* | *0.050* | *0.050* |
| *oracle* | *1.000* | *1.000* |

¹ its input holds the answer"""

DETAILS = """\
| model | score | min…max | solved | solved at | open loop | loss | sees | parameters | updates | seconds |
| :-- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |
| tdnn | 0.010 | 0.000 … 0.020 | 0/3 |  |  | 0.165 | 10 | 151 | 1,000 | 1.80 |
| elman | 0.390 | 0.380 … 0.400 | 0/3 |  |  | 0.1017 | ∞ | 151 | 1,000 | 1.80 |
| narx | 0.590 | 0.580 … 0.600 | 0/3 |  | 0.690 | 0.06833 | ∞ | 151 | 1,000 | 1.80 |
| **rnn** | **0.970** | 0.960 … 0.980 | **3/3** | 600 |  | 0.005 | ∞ | 151 | 600 | 1.80 |
| **brnn** | **0.980** | 0.970 … 0.990 | **3/3** | 600 |  | 0.003333 | ∞ + future | 151 | 600 | 1.80 |
| *best constant* | *0.000* |  |  |  | *0.000* | *0.1667* |  |  |  |  |
| *linear* | *0.050* |  |  |  |  | *0.158* |  |  |  |  |
| *AR(3) (open loop)* |  |  |  |  | *0.700* | *0.05* |  |  |  |  |
| *oracle* | *1.000* |  |  |  | *1.000* | *0* |  |  |  |  |"""


def tables_of(records):
    runs, floors = runs_frame(records), floors_frame(records)
    return summarise(runs), floors, extra_scores(runs)


def test_the_overview_to_the_letter():
    summary, floors, _ = tables_of(study())
    assert markdown(overview(summary, floors, SKIPPED)) == OVERVIEW


def test_the_details_of_a_task_to_the_letter():
    summary, floors, extra = tables_of(study())
    assert markdown(details(summary, floors, "adding T=20", extra)) == DETAILS


def test_one_seed_shows_no_interval():
    summary, floors, extra = tables_of(study(seeds=1))
    shown = markdown(overview(summary, floors)) + markdown(details(summary, floors, "adding T=20", extra))
    assert "…" not in shown.replace("min…max", "")
    assert "nan" not in shown
    assert "**0.980 1/1**" in shown


def test_a_pair_that_was_not_run_is_told_from_one_that_was_refused():
    summary, floors, _ = tables_of(study())
    assert "| - |" in markdown(overview(summary, floors)).splitlines()[6]
    two = [
        *SKIPPED,
        {"model": "tdnn", "task": "adding", "task_label": "adding T=20", "reason": "it ran, though"},
    ]
    assert markdown(overview(summary, floors, two)) == OVERVIEW


def test_a_refusal_finds_the_cell_of_a_labelled_model():
    fields = {"hidden": 10}
    runs = [record("narx", model_fields=fields | {"loop": loop}, key=loop) for loop in ("open", "closed")]
    runs.append(record("narx", length=50, model_fields=fields | {"loop": "closed"}))
    skipped = [
        {"model": "narx", "task": "adding", "task_label": "adding T=50", "reason": "no targets to feed"}
    ]
    summary, floors, _ = tables_of(runs)
    lines = markdown(overview(summary, floors, skipped)).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:4]] == ["| narx (closed)", "| narx (open)"]
    assert lines[2].endswith("0.300 0/1 |")
    assert lines[3].endswith("n/a¹ |")


def test_the_csv_has_every_row_of_the_tables():
    summary, floors, _ = tables_of(study())
    frame = csv_frame(summary, floors)
    assert list(frame["task"].unique()) == ["adding T=20", "adding T=100"]
    assert frame.groupby("kind").size().to_dict() == {"floor": 8, "model": 9}
    assert list(frame.columns[:3]) == ["task", "kind", "model"]


def test_markdown_escapes_what_it_would_read_as_markup():
    runs = [record(model="rnn", task_label="a|b*c_d")]
    summary, floors, _ = tables_of(runs)
    assert markdown(overview(summary, floors)).startswith(r"| model | a\|b\*c\_d |")


def test_the_terminal_shows_both_tables_within_its_width(capsys):
    print_records(study(), SKIPPED)
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 110
    for text in (
        "adding T=100",
        "best constant",
        "0.970 3/3",
        "failed … 0.100",
        "n/a¹",
        "its input holds the answer",
    ):
        assert text in out
    assert "1 of 27 runs diverged" in out


def test_many_tasks_are_printed_in_blocks_that_fit(capsys):
    print_records([record(length=n) for n in range(100, 115)])
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 110
    assert sum(line.startswith("model ") for line in out.splitlines()) == 15 + 3
    assert all(out.count(f"adding T={n}") == 2 for n in range(100, 115))


@pytest.mark.parametrize(
    ("score", "text"),
    [
        (1.0, "1.000"),
        (-0.0001, "0.000"),
        (-45.678, "-45.7"),
        (-12345.6, "-1e+04"),
        (float("-inf"), "failed"),
        (float("nan"), ""),
    ],
)
def test_scores_as_text(score, text):
    assert score_text(score) == text


def test_other_numbers_as_text():
    assert [count_text(n) for n in (1234.0, float("inf"), float("nan"))] == ["1,234", "∞", ""]
    assert [seconds_text(s) for s in (0.123, 9.99, 123.4)] == ["0.12", "9.99", "123"]
    assert range_text(float("nan"), 1.0) == ""
