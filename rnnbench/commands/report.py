"""`rnnbench report STUDY`: the results of a study, as tables on the terminal and as a page."""

import argparse

from rnnbench.base.refusals import Refused
from rnnbench.commands.refusing import refusing_to_write
from rnnbench.commands.stored import open_store, print_problems
from rnnbench.store.lookup import known_study


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("study", metavar="STUDY", help="name of a study that was run, such as demo")


def main(options: argparse.Namespace) -> None:
    """Write the page to reports/STUDY, print the tables and the page's path.

    Raises
    ------
    Refused
        The study has no finished runs, or the page cannot be written.
    """
    study = known_study(open_store(), options.study)
    records = list(study.records())
    print_problems([study])
    if not records:
        raise Refused(f"study {study.name}: has no finished runs")
    # pandas and Matplotlib take longer to import than the rest together.
    from rnnbench.reporting import print_records, write_report

    skipped = study.facts().get("skipped", [])
    with refusing_to_write("reports"):
        page = write_report(
            study.name, records, lambda r, name: study.read_file(r["key"], name), skipped=skipped
        )
    print_records(records, skipped)
    print(page)
