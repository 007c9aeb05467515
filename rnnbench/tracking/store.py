"""The store of runs: MLflow behind a few verbs.

`open`, `write` or `keep`, `amend`, `remove`, `restore`; `runs`, `states`, `record`, `read_file`. Nothing is
logged while a network trains, and a process that dies leaves nothing half-written that looks finished.
"""

import json
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnbench.tracking import reading, retirement, writing
from rnnbench.tracking.connection import Connection
from rnnbench.tracking.faults import StoreError, plainly
from rnnbench.tracking.keeping import PAUSE, Keeping
from rnnbench.tracking.reading import State

if TYPE_CHECKING:
    from mlflow import MlflowClient

SKIPPED_TAG = "rnnbench.not_applicable"


class Store:
    """Runs of all studies, kept by MLflow: one run for each key in a study.

    Parameters
    ----------
    uri : str or None
        Address of an MLflow server (`http://...`) or of a database; None is SQLite in `root`.
    root : str or Path
        Folder of the database, its lock, of runs that wait for the store and, unless a server keeps them, of
        all artifacts. Made on `open`.

    Raises
    ------
    StoreError
        If the address has a scheme that no store is known for. All verbs raise it, with one plain line, where
        the store cannot be used.

    Notes
    -----
    MLflow makes a new database in about 50 steps that two processes must not take at the same time, and that
    a kill can leave half-done. Here it is made under a lock, beside its place, and moved there whole, in WAL
    mode. Artifacts lie at an absolute address, so that the folder a later command is started in does not
    matter, each run's in a folder named by its key; a store folder that was moved is still read, and its
    addresses are put right when it is opened. Servers, and databases elsewhere, keep MLflow's own layout.
    """

    #: Seconds that `write` waits for a locked database, or for a server to answer.
    PATIENCE = 20.0

    def __init__(self, uri: str | None = None, root: str | Path = "runs") -> None:
        self.root = Path(root).absolute()
        self._connection = Connection(uri, self.root)
        self._keeping = Keeping(self._connection, self.root)
        self._silent_until = 0.0

    @property
    def uri(self) -> str:
        """The address, as MLflow's client takes it."""
        return self._connection.uri

    @property
    def local(self) -> bool:
        """Whether it is the SQLite database in `root`."""
        return self._connection.local

    @property
    def served(self) -> bool:
        """Whether an MLflow server keeps the runs."""
        return self._connection.served

    @property
    def sent(self) -> int:
        """How many runs that had waited for the store this object has stored."""
        return self._keeping.sent

    @property
    def waiting(self) -> int:
        """How many runs that `keep` could not store wait on this disk still."""
        return self._keeping.waiting

    @property
    def trouble(self) -> str:
        """Why the last `keep` could not store; "" when it could."""
        return self._keeping.trouble

    @property
    def exists(self) -> bool:
        """Whether there is anything to read: always True for a server, else whether the database was made."""
        with plainly(self._connection.name):
            return self._connection.exists

    def open(self, study: str, note: str = "") -> None:
        """Make the database and the study, once, whoever else is doing the same at this moment.

        Runs that a killed writer left RUNNING are given the status KILLED; runs of any study that waited for
        the store are stored (`sent`); room for runs that will have to wait is set aside.

        Parameters
        ----------
        study : str
            Name of the MLflow experiment. A deleted one is restored.
        note : str
            What MLflow's dashboard shows beside the name.
        """
        if self._connection.knows(study):
            return
        with plainly(self._connection.name):
            experiment = self._connection.open(study)
            writing.end_abandoned(self._connection, study)
            if note:
                self._connect().set_experiment_tag(experiment, "mlflow.note.content", note)
            self._keeping.send()
            self._keeping.set_aside()

    def write(self, record: Mapping[str, Any], files: Mapping[str, bytes]) -> str:
        """Store one run and return MLflow's id of it; older runs of its key in its study are retired.

        Parameters
        ----------
        record : mapping
            The run record: plain data. `record["outcome"] == "failed"` gives the run status FAILED, any other
            FINISHED. Numbers that are not finite become null in `record.json` and NaN in MLflow's metrics.
        files : mapping of str to bytes
            Artifacts by name; `record.json` is added.

        Notes
        -----
        `timings["tracking"]`, in seconds, is what this call took up to the writing of `record.json`. A failed
        run does not drive out a finished one of its key: it is stored and retired itself. What is retired is
        deleted in MLflow's sense, and can be restored.
        """
        if self._connection.knows(record["study"]):
            self._connection.probe(0.0 if self.trouble and not self.served else self.PATIENCE)
        self.open(record["study"])
        with plainly(self._connection.name):
            return writing.write_run(self._connection, record, files)

    def keep(self, record: Mapping[str, Any], files: Mapping[str, bytes]) -> bool:
        """Store one run or, where that is not possible now, put it where the next `open` finds and stores it.

        Parameters
        ----------
        record, files : mapping
            As for `write`.

        Returns
        -------
        bool
            Whether it is stored. The first of a series that are not is told on stderr, in one line.

        Raises
        ------
        StoreError
            If it could not even be put aside; nothing of it is kept then.

        Notes
        -----
        Only the first failure costs time: after it a database is not waited for, and a server not asked again
        for a minute. After a full disk the store is left alone until the reserve can be set aside again.
        """
        try:
            self._keeping.refuse_hopeless()
            self.write(record, files)
        except Exception as error:
            self._keeping.put(record, files, error)
            return False
        self._keeping.recover()
        return True

    def amend(self, run_id: str, record: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        """Replace the record of a stored run, whole, and add files and metrics to it.

        Parameters
        ----------
        run_id : str
            MLflow's id, as in the records that `runs` returns.
        record : mapping
            The whole record. Metrics that the run does not have, or has with another value, are added; the
            history is left as it is.
        files : mapping of str to bytes
            Further artifacts; one of a name that is there replaces it.
        """
        with plainly(self._connection.name):
            writing.amend_run(self._connection, run_id, record, files)

    def remove(self, study: str, keys: Iterable[str]) -> int:
        """Delete the runs of keys so that `restore` can bring them back; returns the number of runs."""
        if study not in self.studies():
            return 0
        self.open(study)
        with plainly(self._connection.name):
            return retirement.remove(self._connection, study, keys)

    def restore(self, study: str, keys: Iterable[str] | None = None) -> int:
        """Bring the runs of keys back that have none now, of each the newest; returns the number of runs.

        Without keys, those of all that was deleted of the study.
        """
        if study not in self.studies():
            return 0
        self.open(study)
        with plainly(self._connection.name):
            return retirement.restore(self._connection, study, keys)

    def runs(self, study: str) -> list[dict[str, Any]]:
        """Return the records of a study: of each key the newest finished run, oldest first.

        Parameters
        ----------
        study : str
            An unknown study has no runs. Runs that failed, or never ended, are left out.

        Returns
        -------
        list of dict
            The records as written (null where a number was not finite), each with MLflow's `run_id` added.
        """
        with plainly(self._connection.name):
            return reading.runs(self._connection, study)

    def states(self, study: str) -> dict[str, State]:
        """Return what became of every key of a study, failed runs included, without reading the records.

        Returns
        -------
        dict of str to State
            By key, oldest first. A run that is being written, or was never ended, is not there. Where a key
            has several runs (of an older version, or restored by hand), the newest finished one counts.
        """
        with plainly(self._connection.name):
            return reading.states(self._connection, study)

    def has(self, study: str, key: str) -> bool:
        """Whether a study has a finished run of a key; False where the store cannot say so now."""
        if self.trouble or time.monotonic() < self._silent_until:
            return False
        with suppress(StoreError), plainly(self._connection.name):
            return reading.has(self._connection, study, key)
        # A server that hangs costs a minute: it is not asked so for every run.
        self._silent_until = time.monotonic() + PAUSE
        return False

    def record(self, study: str, run_id: str) -> dict[str, Any]:
        """Return the whole record of one run, failed or not, as `runs` does, with the study it is of."""
        with plainly(self._connection.name):
            return {**reading.record(self._connection, study, run_id), "study": study}

    def studies(self) -> list[str]:
        """Names of all studies with an MLflow experiment, sorted."""
        with plainly(self._connection.name):
            return reading.studies(self._connection)

    def read_file(self, record: Mapping[str, Any], name: str) -> bytes:
        """Return one artifact of a run read by `runs`.

        Raises
        ------
        StoreError
            If the run has no such file.
        """
        with plainly(self._connection.name):
            return reading.read_file(self._connection, record, name)

    def write_skipped(self, study: str, skipped: list[dict[str, str]]) -> None:
        """Keep which configurations of a study did not apply: dicts of model, task, task_label and reason.

        Later calls add to what is known; a pair of model and task keeps its newest reason.
        """
        self.open(study)
        known = {(s["model"], s["task_label"]): s for s in [*self.skipped(study), *skipped]}
        text = json.dumps(list(known.values()), ensure_ascii=False)
        with plainly(self._connection.name):
            self._connect().set_experiment_tag(self._connection.open(study), SKIPPED_TAG, text)

    def skipped(self, study: str) -> list[dict[str, str]]:
        """Return what `write_skipped` kept: the configurations that did not apply, with their reasons."""
        if not self.exists:
            return []
        with plainly(self._connection.name):
            found = self._connect().get_experiment_by_name(study)
        return [] if found is None else list(json.loads(found.tags.get(SKIPPED_TAG, "[]")))

    def _connect(self) -> "MlflowClient":
        """Return MLflow's client of this store."""
        return self._connection.client()
