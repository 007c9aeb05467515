"""The address of MLflow: which one is meant, whether it can work at all, and how messages show it."""

import os
import re
import urllib.parse
from pathlib import Path
from typing import NamedTuple

from rnnbench.base.refusals import Refused

VARIABLE = "MLFLOW_TRACKING_URI"
DATABASE = "mlflow.db"
SERVERS = ("http", "https")
SCHEMES = (*SERVERS, "sqlite", "postgresql", "mysql", "mssql")
#: What MLflow misreads in the path of an SQLite file: it looks elsewhere.
_MISREAD = ("%", "?", "#")
_USER = re.compile(r"://\S*@")
_QUERY = re.compile(r"([?&][^=&\s]*=)[^&\s]*")


class Address(NamedTuple):
    """Where MLflow keeps the mirror.

    Attributes
    ----------
    uri : str
        As MLflow reads it; may hold a password.
    file : Path or None
        The database, where it is an SQLite file.
    local : bool
        Whether it is the store's own file, `ROOT/mlflow.db`.
    """

    uri: str
    file: Path | None
    local: bool

    @property
    def scheme(self) -> str:
        """The kind of server or database, without the name of a driver."""
        return self.uri.partition(":")[0].partition("+")[0]

    @property
    def served(self) -> bool:
        """Whether an MLflow server keeps it."""
        return self.scheme in SERVERS

    @property
    def shown(self) -> str:
        """The file, or the address without anything secret."""
        return str(self.file) if self.file else without_secrets(self.uri)


def without_secrets(text: str) -> str:
    """Return a text in which users, passwords and the values of queries of all addresses are `***`."""
    return _QUERY.sub(r"\1***", _USER.sub("://***@", text))


def read_address(uri: str | None, root: Path) -> Address:
    """Return the address that is meant: `uri`, else that of the environment, else `ROOT/mlflow.db`.

    Parameters
    ----------
    uri : str or None
        The setting `tracking.uri`.
    root : Path
        The folder of all studies.

    Raises
    ------
    Refused
        The address can never work: an unknown scheme, no file, no host, a folder that cannot be written.
    """
    for key, value in (("tracking.uri", uri), (VARIABLE, os.environ.get(VARIABLE))):
        if value:
            return _checked(key, value.strip(), root)
    # Relative to the current folder, the path may lack the characters that MLflow misreads.
    path = root / DATABASE
    written = os.path.relpath(path) if _misread(str(path)) else str(path)
    return Address(f"sqlite:///{written}", path, True)


def _checked(key: str, uri: str, root: Path) -> Address:
    said, address = f"{key}={without_secrets(uri)}", Address(uri, None, False)
    if address.scheme not in SCHEMES or "://" not in uri:
        raise Refused(f"{said}: unknown kind of address\nallowed: {', '.join(f'{s}://...' for s in SCHEMES)}")
    if address.scheme == "sqlite":
        return _sqlite(said, uri, root)
    try:
        parts = urllib.parse.urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise Refused(f"{said}: is no address ({without_secrets(str(error))})") from error
    if address.served and not host:
        raise Refused(f"{said}: needs a host, such as {address.scheme}://127.0.0.1:5000")
    return address


def _sqlite(said: str, uri: str, root: Path) -> Address:
    rest = uri.partition("://")[2]
    if not rest.startswith("/") or rest.strip("/") in ("", ":memory:"):
        raise Refused(f"{said}: needs a file, such as sqlite:///mlflow.db or sqlite:////tmp/mlflow.db")
    if sign := _misread(rest):
        raise Refused(f"{said}: MLflow cannot read a path with {sign} in it")
    file = Path(rest[1:]).absolute()
    folder = next(parent for parent in file.parents if parent.exists())
    if file.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise Refused(f"{said}: the file cannot be written; {folder} must be a folder that can")
    return Address(uri, file, file == root / DATABASE)


def _misread(path: str) -> str:
    return next((sign for sign in _MISREAD if sign in path), "")
