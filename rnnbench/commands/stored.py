"""What the commands about stored runs have in common: the store in ./runs, and the argument KEY."""

import argparse
import sys
from collections.abc import Iterable
from typing import Any

from rnnbench.base.refusals import Refused
from rnnbench.base.wording import run_name
from rnnbench.store import Store, Study
from rnnbench.store.lookup import find

KEY = "key of a stored run (see rnnbench runs) or its beginning; STUDY/KEY selects the study"
URI = "address of MLflow: a server or a database; by default MLFLOW_TRACKING_URI, else SQLite in ./runs"


def add_key(parser: argparse.ArgumentParser, name: str = "key") -> None:
    """Add the argument that names a stored run."""
    parser.add_argument(name, metavar="RUN_KEY", help=KEY)


def open_store() -> Store:
    """Return the store in ./runs; says on stderr where it also holds runs that cannot be read any more."""
    store = Store()
    if store.holds_older_layout:
        print(
            "rnnbench: runs/artifacts: runs of an earlier development version; they are not read",
            file=sys.stderr,
        )
    return store


def find_trained(store: Store, key: str) -> tuple[Study, dict[str, Any]]:
    """Return the study and the record of a run that has trained a network; its key as for `lookup.find`."""
    study, record = find(store, key)
    if record["outcome"] == "failed":
        raise Refused(f"{run_name(record)}: this run failed and has no trained network; run it again")
    return study, record


def print_problems(studies: Iterable[Study]) -> None:
    """Say on stderr which runs could not be read, a line each."""
    for study in studies:
        for problem in study.problems:
            print(f"rnnbench: {problem}", file=sys.stderr)
