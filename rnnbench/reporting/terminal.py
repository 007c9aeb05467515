"""A study's table on the terminal."""

from collections.abc import Mapping, Sequence

import pandas as pd
from rich.console import Console

from rnnbench.reporting.facts import unfinished, what_was_run
from rnnbench.reporting.frame import Record, extra_scores, floors_frame, runs_frame
from rnnbench.reporting.generalisation import longest_frame, longest_table, spans_frame
from rnnbench.reporting.rendering import console, print_grid
from rnnbench.reporting.statistics import summarise
from rnnbench.reporting.table import Table, columns_of, details, overview

#: Columns of the details that are left to the page, where there is room.
ONLY_ON_PAGE = ("loss", "sees", "updates")
#: On a screen narrower than this some more are left out: the spread stands in the overview as well.
ROOMY, ONLY_WITH_ROOM = 100, ("min…max", "solved at", "seconds")
#: Width in characters that the names of models and floors get at most, unless a longer one is broken.
NAMES = 26


def print_records(records: Sequence[Record], skipped: Sequence[Mapping[str, str]] = ()) -> None:
    """Print the tables of given records on the terminal: all tasks in detail, then the overview.

    Parameters
    ----------
    records : sequence of mapping
        Run records.
    skipped : sequence of mapping
        Pairs that a task refused: model, task_label, reason.
    """
    runs, floors = runs_frame(records), floors_frame(records)
    summary, extra, screen = summarise(runs), extra_scores(runs), console()
    width = min(NAMES, max(map(len, [*runs["model"].cat.categories, *floors["floor"]])))
    hidden = ONLY_ON_PAGE if screen.width >= ROOMY else ONLY_ON_PAGE + ONLY_WITH_ROOM
    for task in runs["task"].cat.categories:
        here = runs[runs["task"] == task]
        scores = [name for name in extra if name.endswith("_score") and here[name].notna().any()]
        table = details(summary, floors, task, scores)
        kept = [place for place, name in enumerate(table.header) if name not in hidden]
        print_grid(screen, columns_of(table, kept), task, width, break_headings=True)
    whole = overview(summary, floors, skipped)
    for places in _blocks(whole, screen.width - width):
        print_grid(screen, columns_of(whole, [0, *places]), first_width=width)
    lines = [
        "median test score over seeds (best constant 0, perfect 1; or accuracy), k/n seeds solved, min … max"
    ]
    diverged = int(runs["diverged"].sum())
    if diverged:
        lines.append(f"{diverged} of {len(runs)} runs diverged: unsolved, and lower than every score")
    for line in (*whole.notes, *lines):
        screen.print(line, style="dim", markup=False, highlight=False)
    spans = spans_frame(records, runs)
    if not spans.empty:
        _print_longest(screen, spans, width)
    budget = what_was_run(records, runs)["budget"]
    if budget and budget["beyond"]:
        which = f"{budget['beyond']} of {budget['networks']} networks"
        said = f"{which} are further from their budget than is allowed"
        screen.print(said, style="bold", markup=False, highlight=False)
    if missing := unfinished(records):
        screen.print(missing, style="bold", markup=False, highlight=False)


def _print_longest(screen: Console, spans: pd.DataFrame, width: int) -> None:
    """Print the longest span that each model solved on each task."""
    whole = longest_table(longest_frame(spans))
    screen.print()
    for number, places in enumerate(_blocks(whole, screen.width - width)):
        print_grid(screen, columns_of(whole, [0, *places]), "" if number else "longest span solved", width)
    said = "median over seeds of the longest span whose test data met the criterion, 95 % bootstrap interval"
    screen.print(said, style="dim", markup=False, highlight=False)


def _blocks(table: Table, room: int) -> list[list[int]]:
    """Return the columns after the first in blocks that fit side by side into so many characters."""
    blocks: list[list[int]] = []
    left = 0
    for place, heading in enumerate(table.header[1:], start=1):
        wide = 2 + max(
            len(line) for line in (heading, *(li for row in table.rows for li in row.cells[place].lines))
        )
        if not blocks or wide > left:
            blocks.append([])
            left = room
        blocks[-1].append(place)
        left -= wide
    return blocks
