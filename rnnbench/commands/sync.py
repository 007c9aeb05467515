"""`rnnbench sync`: MLflow brought up to date with the folders of runs."""

import argparse

from rnnbench.base.wording import counted
from rnnbench.commands.stored import URI, open_store
from rnnbench.store.lookup import known_study
from rnnbench.store.mirror import Mirror
from rnnbench.store.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("study", nargs="?", metavar="STUDY", help="one study; all by default")
    parser.add_argument("--uri", help=URI)


def main(options: argparse.Namespace) -> int:
    """Carry out `rnnbench sync`; see `sync`."""
    return sync(open_store(), options.study, options.uri)


def sync(store: Store, study: str | None = None, uri: str | None = None) -> int:
    """Write to MLflow what it lacks, print how much that was, and return the exit code.

    Parameters
    ----------
    store : Store
        The runs.
    study : str, optional
        By default all studies.
    uri : str, optional
        Address of MLflow (see `Mirror`).

    Raises
    ------
    Refused
        An unknown study, or an address that can never work.
    StoreError
        MLflow cannot be used now.
    """
    mirror = Mirror(store, uri)
    if study is not None:
        known_study(store, study)
    counts = mirror.sync(None if study is None else [study])
    done = [f"{counted(counts[name], 'run')} {name}" for name in ("written", "removed") if counts[name]]
    print(f"{mirror.address.shown}: {', '.join(done) or 'up to date'}")
    return 1 if counts["refused"] else 0
