"""The report as a folder: complete, the same every time, whole or not at all."""

import re
import socket
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnnbench.reporting.page import write_report
from rnnbench.reporting.terminal import print_records
from tests.reporting.synthetic import NOTES, SKIPPED, fair, predictions, record, study


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    out = tmp_path_factory.mktemp("reports")
    return write_report("made", study(), predictions, out, SKIPPED)


def test_every_file_is_linked_and_every_link_is_a_file(page):
    linked = set(re.findall(r"\]\(([^)]+)\)", page.read_text()))
    assert linked | {"index.md"} == set(contents(page.parent))
    assert {"learning_curves.png", "loss_curves.png", "table.csv", "runs.csv"} < linked


def test_the_page_says_what_was_asked_how_it_was_chosen_and_where_it_comes_from(page):
    text = page.read_text()
    for note in (NOTES["question"], NOTES["source"], *NOTES["expected"]):
        assert note in text
    for fact in (
        "evaluated every 100 updates",
        "Budget: 150 parameters",
        "27 runs, 1 of them diverged",
        "abc123",
    ):
        assert fact in text
    assert SKIPPED[0]["reason"] in text
    assert "least squares on three true values" in text
    assert "*open loop*" in text
    assert "free running" not in text


def test_the_page_is_free_of_machine_and_of_leftovers(page):
    text = page.read_text()
    assert socket.gethostname() not in text
    assert str(Path.cwd()) not in text
    assert not re.search(r"\bnan\b|None|\{\{|\}\}", text)
    assert "\n\n\n" not in text


def test_the_csv_files_read_back(page):
    runs, table = (pd.read_csv(page.parent / name) for name in ("runs.csv", "table.csv"))
    assert len(runs) == 27
    assert runs["diverged"].sum() == 1
    of_models = table[table["kind"] == "model"].set_index(["task", "model"])
    assert of_models.loc[("adding T=100", "elman"), "score_min"] == -np.inf
    assert of_models.loc[("adding T=20", "rnn"), "solved"] == 3


def test_the_same_runs_in_another_order_give_the_same_bytes(page, tmp_path):
    again = write_report("made", list(reversed(study())), predictions, tmp_path, SKIPPED)
    assert contents(again.parent) == contents(page.parent)


def test_a_report_without_notes_budget_history_and_predictions(tmp_path):
    def unscored(run, name):
        raise AssertionError("a run without figures is asked for nothing else")

    bare = record(study_notes=None, budget=None, budget_deviation=None, history=[], floors=[], provenance={})
    with pytest.raises(AssertionError):
        write_report("made", [bare], unscored, tmp_path)
    text = write_report("made", [bare], predictions, tmp_path).read_text()
    assert "No common budget" in text
    assert "learning_curves" not in text
    assert "commit: unknown" in text


SPANS = {20: (0.99, True), 40: (0.97, True), 80: (0.4, False)}
NEW = (
    "## How soon it was solved",
    "## How far it reaches",
    "## Budgets",
    "## Tuning",
    "spans.png",
    "spans.csv",
)


@pytest.fixture(scope="module")
def fair_page(tmp_path_factory):
    runs = [fair(r, spans=SPANS, budget_deviation=0.05, resumed=int(r["seed"] == 0)) for r in study()]
    return write_report("made", runs, predictions, tmp_path_factory.mktemp("reports"), SKIPPED)


def test_what_newer_records_know_is_on_the_page(fair_page, page):
    text, before = fair_page.read_text(), page.read_text()
    assert not [part for part in NEW if part not in text]
    assert not [part for part in NEW if part in before and part != "## Budgets"]
    for fact in (
        "| rnn | 40<br>40 … 40 | 40<br>40 … 40 |",
        "| rnn | **19,200 3/3**<br>600 updates, 0.76 s | never 0/3 |",
        "**+5.0 % beyond**",
        "**9 of\n  9 beyond what is allowed**",
        "Every model got 16 trials on each task.",
        "every model: train.clip_norm one of null, 1; train.lr 0.0001 … 0.03 (log)",
        "- Started by: basic.",
        "- 9 of 27 runs were interrupted",
        "those with the smallest validation loss were kept",
    ):
        assert fact in text, fact
    assert "interrupted" not in before and "Started by" not in before
    linked = set(re.findall(r"\]\(([^)]+)\)", text))
    assert linked | {"index.md"} == set(contents(fair_page.parent))
    assert not re.search(r"\bnan\b|None|inf\b|\{\{|\}\}", text) and "\n\n\n" not in text


def test_the_spans_are_data_too(fair_page):
    table = pd.read_csv(fair_page.parent / "spans.csv").set_index(["task", "model", "span"])
    row = table.loc[("adding T=20", "rnn", 40.0)]
    assert (row["n"], row["solved"], row["score_median"], row["longest"]) == (3, 3, 0.97, 40.0)
    runs = pd.read_csv(fair_page.parent / "runs.csv")
    assert runs.columns[0] == "key" and runs["key"].is_unique and set(runs["launcher"]) == {"basic"}


def test_other_rules_and_unequal_tuning_are_said(tmp_path):
    runs = [fair(record("rnn", history=[]), select="last"), fair(record("elman", history=[]), tuning=None)]
    text = write_report("made", runs, predictions, tmp_path).read_text()
    assert (
        "those with the smallest validation loss were kept (elman); those after the last update were" in text
    )
    assert "**Not equal: models got 0 or 16 trials.**" in text
    assert "How far it reaches" not in text


def test_the_terminal_shows_reach_and_budget(capsys):
    print_records([fair(r, spans=SPANS, budget_deviation=0.05) for r in study()], SKIPPED)
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 110
    assert "longest span solved" in out and "40 … 40" in out
    assert "9 of 9 networks are further from their budget than is allowed" in out
    print_records(study())
    assert "longest span" not in capsys.readouterr().out


def test_an_unfinished_study_says_so(tmp_path, capsys, page):
    half = [
        r | {"plan": "a", "planned_runs": 87}
        for r in (record("rnn", history=[]), record("elman", history=[]))
    ]
    text = write_report("half", half, predictions, tmp_path).read_text()
    assert text.splitlines()[2].startswith("**Unfinished: 2 of 87 runs.**")
    print_records(half)
    assert "Unfinished: 2 of 87 runs" in capsys.readouterr().out
    assert "Unfinished" not in page.read_text()
