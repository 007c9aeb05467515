"""MLflow's client, opened where MLflow answers within a second, and the experiments of studies in it."""

import logging
import os
import secrets
import shutil
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rnnbench.base.startup import without_garbage_collection
from rnnbench.store.errors import StoreError
from rnnbench.store.errors import reason as plain_reason
from rnnbench.store.mirror.address import Address, without_secrets
from rnnbench.store.mirror.ledger import Ledger
from rnnbench.store.study import Study

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

#: The description that the dashboard shows above the runs of an experiment.
NOTE = "mlflow.note.content"
#: So many runs MLflow returns at most.
ALL = 50_000
#: Seconds to wait for a lock or an answer.
PATIENCE = 1.0
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
#: What these print of an error, or for each attempt, is told in one line here.
_LOGGERS = {
    "mlflow": logging.WARNING,
    "alembic": logging.WARNING,
    "mlflow.store.db.utils": logging.CRITICAL,
    "urllib3": logging.ERROR,
}


@without_garbage_collection()
def open_client(address: Address, known: "MlflowClient | None") -> "MlflowClient":
    """Return MLflow's client; a damaged database, if it is the store's own, is put aside.

    Parameters
    ----------
    address : Address
        Where MLflow is.
    known : MlflowClient or None
        The client that was opened before in this process; it is returned if MLflow can still be written.

    Raises
    ------
    Exception
        It is locked, full, read-only or damaged; nobody answers; a driver is missing.
    """
    if address.file is not None:
        _prepare_file(address, address.file, known is not None)
    elif address.served:
        import requests

        try:
            requests.get(f"{address.uri.rstrip('/')}/health", timeout=PATIENCE)
        except (requests.ConnectionError, requests.Timeout) as error:
            raise StoreError(f"{address.shown} does not answer") from error
    else:
        import sqlalchemy

        # MLflow would try a wrong password ten times, for a minute and a half.
        wait = {"timeout" if address.scheme == "mssql" else "connect_timeout": 2}
        engine = sqlalchemy.create_engine(address.uri, connect_args=wait, poolclass=sqlalchemy.NullPool)
        engine.connect().close()
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for name, level in _LOGGERS.items():
        logging.getLogger(name).setLevel(level)
    return known or MlflowClient(address.uri)


def reason(error: BaseException) -> str:
    """Return what an exception says on one line, without SQL and secrets."""
    if isinstance(error, ModuleNotFoundError) and error.name == "psycopg2":
        return "PostgreSQL needs the package psycopg2: pip install 'rnnbench[postgres]'"
    said = plain_reason(error).partition("[SQL:")[0].partition("(Background on this error")[0]
    return without_secrets(said.strip())


def open_experiment(client: "MlflowClient", study: Study, ledger: Ledger, address: Address) -> str:
    """Return the id of a study's experiment; if it is not the one of the ledger, both are begun anew.

    Parameters
    ----------
    client : MlflowClient
        MLflow, open.
    study : Study
        The folders of the runs.
    ledger : Ledger
        What MLflow should hold of them.
    address : Address
        Where MLflow is.

    Notes
    -----
    An experiment cannot be moved to another folder: it is renamed and deleted, and a new one is made. Where
    others may use the same MLflow, this is done only if its files lay in our folder before that was moved;
    otherwise only runs of keys that are also here are deleted.
    """
    found = client.get_experiment_by_name(study.name)
    if found is None or not _is_known(client, found, ledger):
        if found is not None:
            found = _cleared(client, found, study, ledger, address.local)
        if found is None:
            shutil.rmtree(ledger.folder, ignore_errors=True)
            made = client.create_experiment(study.name, artifact_location=ledger.location)
            found = client.get_experiment(made)
        ledger.experiment, ledger.entries = found.experiment_id, {}
    question = str(study.facts().get("question", ""))
    if question and found.tags.get(NOTE) != question:
        client.set_experiment_tag(found.experiment_id, NOTE, question)
    return str(found.experiment_id)


def _prepare_file(address: Address, file: Path, in_use: bool) -> None:
    """Look whether a database file can be written; read all of it once (1 ms for each 10^6 bytes)."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)) as database:
            if address.local:
                # Written through a log beside it, each run takes a third less time.
                database.execute("PRAGMA journal_mode=WAL")
            database.execute("BEGIN IMMEDIATE")
            (found,) = ("ok",) if in_use else database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found == "ok":
        return
    damaged = f"{file} is damaged ({' '.join(found.split())})"
    # MLflow keeps a file open for as long as this process lives: then it is the next one's work.
    if in_use or not address.local:
        raise StoreError(damaged)
    for end in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            file.with_name(file.name + end).replace(file.with_name(f"{file.name}.damaged{end}"))
    print(f"rnnbench: {damaged}; it is now {file.name}.damaged, a new one is filled", file=sys.stderr)


def _is_known(client: "MlflowClient", found: "Experiment", ledger: Ledger) -> bool:
    """Whether an experiment is that of the ledger, and not an older copy without the newest run."""
    from mlflow.entities import ViewType

    if found.lifecycle_stage == "deleted" or found.experiment_id != ledger.experiment:
        return False
    newest = next((entry.id for entry in reversed(ledger.entries.values()) if entry.id), None)
    where = f"attributes.run_id = '{newest}'"
    return newest is None or bool(client.search_runs([found.experiment_id], where, ViewType.ALL))


def _cleared(
    client: "MlflowClient", found: "Experiment", study: Study, ledger: Ledger, local: bool
) -> "Experiment | None":
    """Return an experiment without our runs; None if it had to be deleted."""
    number = found.experiment_id
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(number)
    former = Path(ledger.former or ledger.folder)
    if local or (found.artifact_location == former.as_uri() and not former.exists()):
        client.rename_experiment(number, f"{study.name} (replaced, {secrets.token_hex(4)})")
        client.delete_experiment(number)
        return None
    keys = study.keys()
    for run in client.search_runs([number], max_results=ALL):
        if run.data.tags.get("key") in keys:
            client.delete_run(run.info.run_id)
    return found
