"""The mirror of all runs in MLflow, written from their folders by one process at a time.

Folders are the truth. Each run is written once, and again when its folder changed; what was lost in MLflow is
written anew. Nothing here makes a training fail.
"""

import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from rnnbench.store.claims import Claim
from rnnbench.store.errors import StoreError
from rnnbench.store.index import scan
from rnnbench.store.mirror.address import read_address
from rnnbench.store.mirror.client import open_client, open_experiment, reason
from rnnbench.store.mirror.ledger import FOLDER, Entry, Ledger, suffix
from rnnbench.store.mirror.runs import RunWriter, in_training
from rnnbench.store.store import Store
from rnnbench.store.study import Study

if TYPE_CHECKING:
    from mlflow import MlflowClient

CLAIM = ".claim"
#: Seconds to wait for another process that is writing.
PATIENCE = 60.0


class Mirror:
    """The runs of a store in MLflow.

    Parameters
    ----------
    store : Store
        The runs.
    uri : str, optional
        Address of MLflow; by default that of `MLFLOW_TRACKING_URI`, else `ROOT/mlflow.db`.
    weights : bool
        Whether weights and predictions are among the files in MLflow.

    Raises
    ------
    Refused
        An address that can never work.

    Attributes
    ----------
    store : Store
        As given.
    address : Address
        Where MLflow is.
    cancelled : threading.Event
        Ends `sync` after the run that is being written.
    """

    def __init__(self, store: Store, uri: str | None = None, weights: bool = False) -> None:
        self.address = read_address(uri, store.root)
        self.cancelled = threading.Event()
        self.store, self._weights = store, weights
        self._client: MlflowClient | None = None

    def pending(self, study: str) -> int:
        """Return how many runs of a study MLflow lacks or has in an older form; MLflow is not asked."""
        with suppress(OSError):
            return len(self._read(study)[2])
        return 0

    def sync(
        self, studies: Iterable[str] | None = None, *, patience: float = PATIENCE, verify: bool = True
    ) -> Counter[str]:
        """Bring MLflow up to date with the folders.

        Parameters
        ----------
        studies : iterable of str, optional
            By default all, those whose runs were all removed included.
        patience : float
            Seconds to wait for another process that is writing.
        verify : bool
            Whether to open MLflow although nothing seems to be missing: it may have been replaced.

        Returns
        -------
        Counter
            "written", "removed", "refused": numbers of runs.

        Raises
        ------
        StoreError
            MLflow cannot be used now, or another process is writing all the time.
        """
        counts: Counter[str] = Counter()
        folder = self.store.root / FOLDER
        if not self.store.root.is_dir():
            return counts
        try:
            folder.mkdir(exist_ok=True)
            claim, end = Claim(folder / CLAIM), time.monotonic() + patience
            while not claim.take():
                if time.monotonic() >= end:
                    raise StoreError("another process is writing to MLflow")
                time.sleep(0.1)
            try:
                for name in self._all_studies() if studies is None else studies:
                    counts += self._sync_study(name, verify)
            finally:
                claim.release()
        except StoreError:
            raise
        except Exception as error:
            raise StoreError(f"{self.address.shown} cannot be used: {reason(error)}") from error
        return counts

    def _all_studies(self) -> list[str]:
        end = suffix(self.address)
        known = {path.name.removesuffix(end) for path in (self.store.root / FOLDER).glob(f"*{end}")}
        return sorted(known.union(self.store.studies()))

    def _read(self, name: str) -> tuple[Study, Ledger, dict[str, str]]:
        """Return a study, what MLflow holds of it, and what that lacks (see `Ledger.changes`)."""
        study, ledger = self.store.study(name), Ledger(self.store.root, name, self.address)
        return study, ledger, ledger.changes(stamps(study))

    def _sync_study(self, name: str, verify: bool) -> Counter[str]:
        study, ledger, changes = self._read(name)
        training = list(in_training(study))
        if not (verify or training or changes or ledger.training()):
            return Counter()
        self._client = client = open_client(self.address, self._client)
        experiment = open_experiment(client, study, ledger, self.address)
        changes = ledger.changes(stamps(study))
        new = {*changes, *(facts["key"] for facts in training)}.difference(ledger.entries)
        # Where this process is killed, the next one replaces what these left in MLflow.
        ledger.entries |= dict.fromkeys(new, Entry())
        ledger.save()
        writer = RunWriter(client, experiment, study, ledger, new, self._weights)
        try:
            counts = self._write(writer, name, ledger, changes)
            for facts in training:
                if facts["key"] not in study.keys():
                    writer.show(facts)
            writer.end_killed()
        finally:
            ledger.save()
        return counts

    def _write(self, writer: RunWriter, study: str, ledger: Ledger, changes: dict[str, str]) -> Counter[str]:
        counts: Counter[str] = Counter()
        for key, stamp in changes.items():
            if self.cancelled.is_set():
                break
            try:
                writer.write(key, stamp) if stamp else writer.remove(key)
                counts["written" if stamp else "removed"] += 1
            except Exception as error:
                code = getattr(error, "error_code", "")
                if isinstance(error, OSError) or code not in ("", "INVALID_PARAMETER_VALUE"):
                    raise
                # Not MLflow is the cause, but the run: it is tried again when its folder has changed.
                held = ledger.entries.get(key, Entry())
                if not held.id:
                    writer.remove(key)
                ledger.entries[key] = held._replace(stamp=stamp)
                counts["refused"] += 1
                print(f"rnnbench: run {study}/{key} is not in MLflow: {reason(error)}", file=sys.stderr)
        return counts


def stamps(study: Study) -> dict[str, str]:
    """Return what changes when the folder of a run is replaced or amended, by key."""
    found = {key: os.stat(entry) for key, entry in scan(study.layout).items()}
    return {key: f"{status.st_mtime_ns}.{status.st_ino}" for key, status in found.items()}
