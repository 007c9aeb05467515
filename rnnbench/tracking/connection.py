"""The way to MLflow: which store is meant, whether it can be used, and the ids of its studies."""

import logging
import os
import re
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnbench.tracking import database
from rnnbench.tracking.artifacts import Folders
from rnnbench.tracking.faults import StoreError, plainly
from rnnbench.tracking.lock import locked
from rnnbench.tracking.server import knock, public

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASE = "mlflow.db"
SCHEMES = ("http", "https", "sqlite", "postgresql", "mysql", "mssql")
#: What MLflow takes for something else in the path of a database: it looks elsewhere, or tries for minutes.
MISREAD = ("%", "?")
BATCH = 1000
#: Attempts of MLflow to reach a database for the first time; each waits twice as long as the one before.
ATTEMPTS = 3
#: Seconds for which somebody else may be making the tables of a database.
TABLES_TAKE = 90.0
_IN_THE_MAKING = re.compile(
    "already exists|duplicate|out-of-date|deadlock|concurrent|relation .* does not exist"
)
#: Seconds for a server to say that it is there.
LONGEST_KNOCK = 10.0


class Connection:
    """An MLflow client, made when it is first used, and what it needs to know about its store.

    Parameters
    ----------
    uri : str or None
        As for `Store`.
    root : Path
        As for `Store`.

    Raises
    ------
    StoreError
        If the address has a scheme that no store is known for, or the folder a name in which MLflow finds no
        database.
    """

    def __init__(self, uri: str | None, root: Path) -> None:
        if uri is not None:
            try:
                address = urllib.parse.urlsplit(uri)
                scheme, _ = address.scheme.partition("+")[0], address.port
            except ValueError as error:
                raise StoreError(f"tracking.uri={uri}: is no address ({error})") from error
            if scheme not in SCHEMES:
                raise StoreError(
                    f"tracking.uri={uri}: must be null or an address beginning with {', '.join(SCHEMES)}"
                )
        elif met := [sign for sign in MISREAD if sign in str(root)]:
            raise StoreError(
                f"{root}: MLflow finds no database below a folder with {met[0]} in its name; start in "
                "another folder, or give tracking.uri"
            )
        self.root = root
        self.local = uri is None
        self.uri: str = uri if uri is not None else f"sqlite:///{root / DATABASE}"
        self.served = self.uri.startswith("http")
        #: The database, where it is a file.
        self.file = _sqlite_file(self.uri)
        self.name = str(self.file) if self.file else public(self.uri)
        self._client: MlflowClient | None = None
        self._studies: dict[str, str] = {}

    @property
    def exists(self) -> bool:
        """Whether there is anything to read: always True for a server, else whether the database was made."""
        return not self.local or (self.root / DATABASE).exists()

    def client(self) -> "MlflowClient":
        """Import MLflow, quietly, and return the client of this store."""
        if self._client is None:
            if self.file is None:
                knock(self.uri, LONGEST_KNOCK)
            elif self.local or self.file.exists():
                database.check(self.file)
            with plainly(self.name):
                mlflow = _mlflow()
                if self.file is None and not self.served:
                    _wait_for_tables(lambda: mlflow.MlflowClient(self.uri))
                self._client = mlflow.MlflowClient(self.uri)
        return self._client

    def probe(self, patience: float) -> None:
        """Fail within so many seconds where the store cannot be written now.

        Raises
        ------
        StoreError
            Where no server answers; where a database file is locked, read-only, damaged or gone.
        """
        if self.file is None:
            knock(self.uri, min(patience, LONGEST_KNOCK))
        elif self.file.exists() or self._studies:
            database.probe(self.file, patience)

    def alone(self) -> AbstractContextManager[None]:
        """Hold the lock of the store's folder in a `with` block, unless a server keeps the runs."""
        return nullcontext() if self.served else locked(self.root / ".lock")

    def folders(self, study: str) -> Folders:
        """Return where runs of a study lie, for a local store."""
        return Folders(self.root / "artifacts" / study)

    def knows(self, study: str) -> bool:
        """Whether `open` was called for this study."""
        return study in self._studies

    def open(self, study: str) -> str:
        """Return the id of a study; it, and the database, are made if missing, restored if deleted."""
        if study not in self._studies:
            with plainly(self.name), self.alone():
                if self.local and not self.exists:
                    database.create(self.root / DATABASE, lambda uri: _mlflow().MlflowClient(uri))
                self._studies[study] = self._find_or_create(study)
        return self._studies[study]

    def find(self, study: str) -> str | None:
        """Return the id of a study, None if there is none; nothing is made."""
        if study in self._studies:
            return self._studies[study]
        if not self.exists:
            return None
        found = self.client().get_experiment_by_name(study)
        return None if found is None else str(found.experiment_id)

    def search(self, studies: list[str], where: str, view: int | None = None) -> Iterator[Any]:
        """Yield MLflow's runs of the studies with these ids, the newest end first.

        Parameters
        ----------
        studies : list of str
            Ids.
        where : str
            MLflow's filter.
        view : int, optional
            MLflow's `ViewType`; by default deleted runs are left out.
        """
        from mlflow.entities import ViewType

        page = None
        while True:
            part = self.client().search_runs(
                studies,
                where,
                run_view_type=ViewType.ACTIVE_ONLY if view is None else view,
                max_results=BATCH,
                order_by=["attributes.end_time DESC"],
                page_token=page,
            )
            yield from part
            page = part.token
            if not page:
                return

    def _find_or_create(self, study: str) -> str:
        client = self.client()
        found = client.get_experiment_by_name(study)
        if found is None:
            return self._create(client, study)
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        if self.local:
            assert self.file is not None
            here = self.folders(study).folder.as_uri()
            if found.artifact_location != here:
                database.move(self.file, found.experiment_id, found.artifact_location, here)
        return str(found.experiment_id)

    def _create(self, client: "MlflowClient", study: str) -> str:
        """Create a study where a process on another machine may be first."""
        from mlflow.exceptions import MlflowException

        place = None if self.served else self.folders(study).folder.as_uri()
        try:
            return str(client.create_experiment(study, artifact_location=place))
        except MlflowException:
            time.sleep(0.1)
            found = client.get_experiment_by_name(study)
            if found is None:
                raise
            return str(found.experiment_id)


def _sqlite_file(uri: str) -> Path | None:
    """Return the file that an SQLAlchemy address of SQLite names."""
    scheme, _, rest = uri.partition("://")
    path = rest.removeprefix("/").partition("?")[0]
    return Path(path).absolute() if scheme.partition("+")[0] == "sqlite" and path else None


def _mlflow() -> Any:
    """Import MLflow with its telemetry off and its loggers at WARNING (1.3 s: only when a store is used).

    A server that is there but does not answer costs three attempts of 20 seconds, once; MLflow's own
    settings would wait for a quarter of an hour.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    import mlflow

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # These print what is told in one line here: a traceback, a warning for each attempt.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    return mlflow


def _wait_for_tables(connect: Callable[[], Any]) -> None:
    """Connect to a database server, in which somebody on another machine may be making MLflow's tables.

    MLflow does not guard their making; whoever comes second fails, and finds them made a little later. A
    database that refuses a password it would try ten times, for a minute and a half: here three times.
    """
    from mlflow.store.db import utils

    utils.MAX_RETRY_COUNT = min(utils.MAX_RETRY_COUNT, ATTEMPTS)
    end = time.monotonic() + TABLES_TAKE
    while True:
        try:
            connect()
            return
        except Exception as error:
            if not _IN_THE_MAKING.search(str(error)) or time.monotonic() > end:
                raise
            time.sleep(1.0)
