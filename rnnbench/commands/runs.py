"""`rnnbench runs`: lists, deletes and restores stored runs."""

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from math import isfinite

from rich.text import Text

from rnnbench.base import tables
from rnnbench.base.plain import as_json, finite
from rnnbench.base.refusals import Refused
from rnnbench.base.wording import counted, score_text
from rnnbench.commands.stored import open_store, print_problems
from rnnbench.store import Store, Study, Summary
from rnnbench.store.filters import Filter, is_filter, read_filter
from rnnbench.store.lookup import NO_RUNS, known_study, listed

#: Keys in JSON and columns in CSV, in this order.
FIELDS = (
    *("key", "study", "run", "status", "outcome", "model", "task", "task_label", "seed"),
    *("score", "validation_score", "updates", "parameters", "seconds", "ended"),
)
EXAMPLES = """\
examples
  rnnbench runs demo model=elman,rnn 'task=adding*' seed=0
  rnnbench runs outcome=failed
  rnnbench runs demo 'score<0.5' 'updates>=1000'     quoted, because < and > mean something to the shell
  rnnbench runs demo outcome=diverged --delete"""
_STYLES = {"solved": "green", "diverged": "yellow", "failed": "red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = EXAMPLES
    parser.add_argument("words", nargs="*", metavar="STUDY KEY=VALUE", help="a study; conditions on its runs")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--delete", action="store_true", help="delete the listed runs, after a question")
    action.add_argument("--restore", action="store_true", help="restore deleted runs of a study")
    parser.add_argument("--yes", action="store_true", help="delete without a question")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON, with all scores")
    form.add_argument("--csv", action="store_true", help="print CSV")


def main(options: argparse.Namespace) -> int:
    """List, delete or restore runs; returns the exit code.

    Raises
    ------
    Refused
        An unknown study or condition, or a deletion that was not confirmed.
    """
    conditions = [read_filter(word) for word in options.words if is_filter(word)]
    names = [word for word in options.words if not is_filter(word)]
    if len(names) > 1:
        raise Refused(f"{' '.join(names)}: only one study can be named; conditions are written KEY=VALUE")
    store = open_store()
    studies = [known_study(store, name) for name in names] or [store.study(name) for name in store.studies()]
    if options.restore:
        return _restore(studies if names else [], conditions)
    found = [run for run in listed(studies) if all(condition.fits(run) for condition in conditions)]
    print_problems(studies)
    rows = [{name: finite(getattr(run, name)) for name in FIELDS} for run in found]
    if options.delete:
        return _delete(store, found, options.yes)
    if options.json:
        print(as_json([row | {"scores": run.scores} for row, run in zip(rows, found, strict=True)]).decode())
    elif options.csv:
        writer = csv.DictWriter(sys.stdout, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            row | {"ended": _time(run).isoformat()} for row, run in zip(rows, found, strict=True)
        )
    elif found:
        _print(found)
    else:
        print("no run matches" if options.words else NO_RUNS, file=sys.stderr)
    return 0


def _time(run: Summary) -> datetime:
    return datetime.fromtimestamp(int(run.ended), UTC)


def _print(found: Sequence[Summary]) -> None:
    # The trials of a tuning have no test score.
    score = "score" if any(isfinite(run.score) for run in found) else "validation_score"
    header = ["key", "study", "model", "task", "seed", "outcome", score.partition("_")[0]]
    lines: list[tables.Line] = [
        [
            *(Text(run.key, "bold"), run.study, run.model, run.task_label, str(run.seed)),
            Text(run.outcome, _STYLES.get(run.outcome, "")),
            score_text(getattr(run, score)) if isfinite(getattr(run, score)) else "",
            *(f"{run.updates:,}", f"{run.seconds:.1f}", f"{_time(run).astimezone():%Y-%m-%d}"),
        ]
        for run in found
    ]
    # Columns of numbers are never broken, and neither are the keys.
    tables.show(tables.console(), [*header, "updates", "seconds", "ended"], lines, [0, 4, 6, 7, 8, 9])
    print(f"\n{_totals(found)}")


def _totals(found: Sequence[Summary]) -> str:
    counts = sorted(Counter(run.outcome for run in found).items())
    return f"{counted(len(found), 'run')}: {', '.join(f'{count:,} {outcome}' for outcome, count in counts)}"


def _delete(store: Store, found: Sequence[Summary], confirmed: bool) -> int:
    if not found:
        raise Refused("no run matches; nothing is deleted")
    if not confirmed and not _confirm(found):
        print("nothing is deleted")
        return 0
    left = len(found)
    for name in dict.fromkeys(run.study for run in found):
        if moved := store.study(name).remove([run.key for run in found if run.study == name]):
            left -= len(moved)
            print(
                f"{name}: {counted(len(moved), 'run')} deleted; restored by: rnnbench runs {name} --restore"
            )
    if left:
        print(f"rnnbench: {counted(left, 'run')} in training: not deleted", file=sys.stderr)
    return 1 if left else 0


def _confirm(found: Sequence[Summary]) -> bool:
    if not sys.stdin.isatty():
        raise Refused(f"{_totals(found)}\nto delete them without a terminal to confirm on, add --yes")
    _print(found)
    # On stderr, so that a redirected list stays a list.
    print("delete them? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _restore(studies: Sequence[Study], conditions: Sequence[Filter]) -> int:
    if not studies:
        raise Refused("--restore needs the name of a study: rnnbench runs STUDY --restore")
    if any((condition.field, condition.sign) != ("key", "=") for condition in conditions):
        raise Refused("--restore: the only condition allowed is key=KEY")
    keys = [value.lower() for condition in conditions for value in condition.values]
    print(f"{studies[0].name}: {counted(len(studies[0].restore(keys or None)), 'run')} restored")
    return 0
