"""The store of runs: MLflow behind four verbs (open, write, runs, read_file).

A run is written whole, after it has ended: one `create_run`, one `log_batch` for each thousand metrics, its
files, then its status. A process that dies leaves nothing half-written that looks finished, and nothing is
logged while a network trains.
"""

import json
import logging
import math
import os
import tempfile
import time
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnbench.tracking import database
from rnnbench.tracking.artifacts import local_path, write_all
from rnnbench.tracking.database import StoreError
from rnnbench.tracking.lock import locked
from rnnbench.tracking.naming import columns, finite, metrics_of, tags_of
from rnnbench.tracking.server import knock

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASE = "mlflow.db"
SCHEMES = ("http", "https", "sqlite", "postgresql", "mysql", "mssql")
BATCH = 1000
LONGEST_PARAMETER = 6000
#: When a run's writing began, in ms: its start_time is that of its training, which may be hours before.
WRITING_TAG = "rnnbench.writing_since"
#: Seconds after which a run that is still RUNNING is taken for one whose writer was killed.
ABANDONED = 60.0
SKIPPED_TAG = "rnnbench.not_applicable"


class Store:
    """Runs of all studies, kept by MLflow.

    Parameters
    ----------
    uri : str or None
        Address of an MLflow server (`http://...`) or of a database; None is SQLite in `root`.
    root : str or Path
        Folder of the database, its lock and, unless a server keeps them, of all artifacts. Made on `open`.

    Raises
    ------
    StoreError
        If the address has a scheme that no store is known for.

    Notes
    -----
    MLflow makes a new database in about 50 steps that two processes must not take at the same time, and that
    a kill can leave half-done. Here it is made under a lock, beside its place, and moved there whole, in WAL
    mode. Artifacts lie at an absolute address, so that the folder a later command is started in does not
    matter; a store folder that was moved is still read: artifacts are then looked for below `root`.
    """

    def __init__(self, uri: str | None = None, root: str | Path = "runs") -> None:
        if uri is not None:
            scheme = urllib.parse.urlsplit(uri).scheme.partition("+")[0]
            if scheme not in SCHEMES:
                raise StoreError(
                    f"tracking.uri={uri}: must be null or an address beginning with {', '.join(SCHEMES)}"
                )
        self.root = Path(root).absolute()
        self.local = uri is None
        self.uri: str = uri if uri is not None else f"sqlite:///{self.root / DATABASE}"
        self._client: MlflowClient | None = None
        self._studies: dict[str, str] = {}

    @property
    def exists(self) -> bool:
        """Whether there is anything to read: always True for a server, else whether the database was made."""
        return not self.local or (self.root / DATABASE).exists()

    def open(self, study: str, note: str = "") -> None:
        """Make the database and the study, once, whoever else is doing the same at this moment.

        Runs that a killed writer left RUNNING are given the status KILLED.

        Parameters
        ----------
        study : str
            Name of the MLflow experiment. A deleted one is restored.
        note : str
            What MLflow's dashboard shows beside the name.
        """
        if study in self._studies:
            return
        if self.served:
            self._studies[study] = self._find_or_create(study)
        else:
            with locked(self.root / ".lock"):
                if self.local and not (self.root / DATABASE).exists():
                    database.create(self.root / DATABASE, lambda uri: _mlflow().MlflowClient(uri))
                self._studies[study] = self._find_or_create(study)
        self._end_abandoned(self._studies[study])
        if note:
            self._connect().set_experiment_tag(self._studies[study], "mlflow.note.content", note)

    def write(self, record: Mapping[str, Any], files: Mapping[str, bytes]) -> str:
        """Store one run and return MLflow's id of it.

        Parameters
        ----------
        record : mapping
            The run record: plain data. `record["outcome"] == "failed"` gives the run status FAILED, any other
            FINISHED. Numbers that are not finite become null in `record.json` and NaN in MLflow's metrics.
        files : mapping of str to bytes
            Artifacts by name; `record.json` is added.

        Notes
        -----
        `timings["tracking"]`, in seconds, is what this call took up to the writing of `record.json`.
        """
        self.open(record["study"])
        client = self._connect()
        clock = time.perf_counter()
        ended = time.time()
        took = sum(v for v in record.get("timings", {}).values() if v is not None and math.isfinite(v))
        run = client.create_run(
            self._studies[record["study"]],
            start_time=int(1000 * (ended - took)),
            tags=tags_of(record) | {WRITING_TAG: str(int(1000 * ended))},
            run_name=f"{record['model']} · {record['task_label']} · seed {record['seed']}",
        )
        self._log(client, run.info.run_id, record)
        self._store_files(client, run.info, files)
        tracking = time.perf_counter() - clock
        whole = {**record, "timings": {**record.get("timings", {}), "tracking": tracking}}
        text = json.dumps(finite(whole), allow_nan=False, ensure_ascii=False).encode()
        self._store_files(client, run.info, {"record.json": text})
        client.log_metric(run.info.run_id, "seconds.tracking", tracking)
        status = "FAILED" if record["outcome"] == "failed" else "FINISHED"
        client.set_terminated(run.info.run_id, status, end_time=int(1000 * ended))
        return str(run.info.run_id)

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
        newest: dict[str, dict[str, Any]] = {}
        for run in self._search(study):
            key = run.data.tags.get("key", run.info.run_id)
            if key not in newest:
                newest[key] = self._read_record(run.info, study)
        return list(reversed(newest.values()))

    def keyed(self, prefix: str, most: int = 20) -> list[dict[str, Any]]:
        """Return the newest finished run of each key that begins with a prefix, of all studies.

        Parameters
        ----------
        prefix : str
            Hexadecimal digits; "" for all keys.
        most : int
            Keys at most.

        Returns
        -------
        list of dict
            Records as from `runs`, newest first.
        """
        if not self.exists or not set(prefix) <= set("0123456789abcdef"):
            return []
        client = self._connect()
        studies = {e.experiment_id: e.name for e in client.search_experiments(max_results=BATCH)}
        where = "attributes.status = 'FINISHED' AND tags.`mlflow.source.name` = 'rnnbench'"
        where += f" AND tags.key LIKE '{prefix}%'"
        newest: dict[str, dict[str, Any]] = {}
        page = None
        while len(newest) < most:
            order = ["attributes.end_time DESC"]
            runs = client.search_runs(
                list(studies), where, max_results=BATCH, order_by=order, page_token=page
            )
            for run in runs:
                key = run.data.tags["key"]
                if key not in newest and len(newest) < most:
                    newest[key] = self._read_record(run.info, studies[run.info.experiment_id])
            page = runs.token
            if not page:
                break
        return list(newest.values())

    def studies(self) -> list[str]:
        """Names of all studies with an MLflow experiment, sorted."""
        if not self.exists:
            return []
        found = self._connect().search_experiments(max_results=BATCH)
        return sorted(e.name for e in found if e.experiment_id != "0")

    def read_file(self, record: Mapping[str, Any], name: str) -> bytes:
        """Return one artifact of a run read by `runs`.

        Raises
        ------
        StoreError
            If the run has no such file.
        """
        info = self._connect().get_run(record["run_id"]).info
        return self._read(info, record["study"], name)

    def write_skipped(self, study: str, skipped: list[dict[str, str]]) -> None:
        """Keep which configurations of a study did not apply: dicts of model, task, task_label and reason.

        Later calls add to what is known; a pair of model and task keeps its newest reason.
        """
        self.open(study)
        known = {(s["model"], s["task_label"]): s for s in [*self.skipped(study), *skipped]}
        text = json.dumps(list(known.values()), ensure_ascii=False)
        self._connect().set_experiment_tag(self._studies[study], SKIPPED_TAG, text)

    def skipped(self, study: str) -> list[dict[str, str]]:
        """Return what `write_skipped` kept: the configurations that did not apply, with their reasons."""
        if not self.exists:
            return []
        found = self._connect().get_experiment_by_name(study)
        return [] if found is None else list(json.loads(found.tags.get(SKIPPED_TAG, "[]")))

    @property
    def served(self) -> bool:
        """Whether an MLflow server keeps the runs."""
        return self.uri.startswith("http")

    def _connect(self) -> "MlflowClient":
        """Import MLflow, quietly, and return the client of this store."""
        if self._client is None:
            if self.served:
                knock(self.uri)
            if self.local:
                database.check(self.root / DATABASE)
            self._client = _mlflow().MlflowClient(self.uri)
        return self._client

    def _find_or_create(self, study: str) -> str:
        """Return the id of an experiment, made or restored if need be."""
        client = self._connect()
        from mlflow.exceptions import MlflowException

        try:
            found = client.get_experiment_by_name(study)
            if found is None and self.served:
                return _create_on_server(client, study)
            if found is None:
                folder = self.root / "artifacts" / study
                return str(client.create_experiment(study, artifact_location=folder.as_uri()))
            if found.lifecycle_stage == "deleted":
                client.restore_experiment(found.experiment_id)
        except MlflowException as error:
            reason = " ".join(str(error).split())[:200]
            raise StoreError(f"the store {self.uri} cannot be opened: {reason}") from error
        return str(found.experiment_id)

    def _end_abandoned(self, experiment_id: str) -> None:
        """Give the status KILLED to our runs that have been RUNNING for more than a minute."""
        client, now = self._connect(), int(1000 * time.time())
        ours = "attributes.status = 'RUNNING' AND tags.`mlflow.source.name` = 'rnnbench'"
        for run in client.search_runs([experiment_id], ours, max_results=BATCH):
            since = int(run.data.tags.get(WRITING_TAG, run.info.start_time))
            if now - since > 1000 * ABANDONED:
                client.set_terminated(run.info.run_id, "KILLED", end_time=since)

    def _log(self, client: "MlflowClient", run_id: str, record: Mapping[str, Any]) -> None:
        from mlflow.entities import Metric, Param

        now = int(1000 * time.time())
        metrics = [Metric(name, value, now, step) for name, value, step in metrics_of(record)]
        params = [Param(name, str(value)[:LONGEST_PARAMETER]) for name, value in columns(record).items()]
        client.log_batch(run_id, metrics=metrics[:BATCH], params=params)
        for first in range(BATCH, len(metrics), BATCH):
            client.log_batch(run_id, metrics=metrics[first : first + BATCH])

    def _store_files(self, client: "MlflowClient", info: Any, files: Mapping[str, bytes]) -> None:
        if info.artifact_uri.startswith("file:"):
            write_all(local_path(info.artifact_uri), files)
            return
        with tempfile.TemporaryDirectory() as folder:
            write_all(Path(folder), files)
            client.log_artifacts(info.run_id, folder)

    def _search(self, study: str) -> list[Any]:
        """Finished runs of a study, newest first."""
        if not self.exists:
            return []
        client = self._connect()
        found = client.get_experiment_by_name(study)
        runs: list[Any] = []
        page = None
        while found is not None:
            part = client.search_runs(
                [found.experiment_id],
                "attributes.status = 'FINISHED'",
                max_results=BATCH,
                order_by=["attributes.end_time DESC"],
                page_token=page,
            )
            runs.extend(part)
            page = part.token
            if not page:
                break
        return runs

    def _read_record(self, info: Any, study: str) -> dict[str, Any]:
        record: dict[str, Any] = json.loads(self._read(info, study, "record.json"))
        record["run_id"] = info.run_id
        return record

    def _read(self, info: Any, study: str, name: str) -> bytes:
        if not info.artifact_uri.startswith("file:"):
            return self._download(info.run_id, study, name)
        moved: Path = self.root / "artifacts" / study / info.run_id / "artifacts" / name
        for candidate in (local_path(info.artifact_uri) / name, moved):
            if candidate.is_file():
                return candidate.read_bytes()
        raise StoreError(f"run {info.run_id} of study {study} has no file {name}")

    def _download(self, run_id: str, study: str, name: str) -> bytes:
        from mlflow.exceptions import MlflowException

        with tempfile.TemporaryDirectory() as folder:
            try:
                path = self._connect().download_artifacts(run_id, name, folder)
            except MlflowException as error:
                raise StoreError(f"run {run_id} of study {study} has no file {name}") from error
            return Path(path).read_bytes()


def _mlflow() -> Any:
    """Import MLflow with its telemetry off and its loggers at WARNING (1.3 s: only when a store is used)."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    import mlflow

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return mlflow


def _create_on_server(client: "MlflowClient", study: str) -> str:
    """Create an experiment on a server, where a process on another machine may be first."""
    from mlflow.exceptions import MlflowException

    try:
        return str(client.create_experiment(study))
    except MlflowException:
        found = client.get_experiment_by_name(study)
        if found is None:
            raise
        return str(found.experiment_id)
