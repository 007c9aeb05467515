"""Whether anybody answers at the address of a store."""

import http.client
import socket
import urllib.parse
import urllib.request

from rnnbench.tracking.faults import StoreError, reason

PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}


def knock(uri: str, patience: float) -> None:
    """Fail within seconds, in one line, where the libraries below would retry for minutes.

    Parameters
    ----------
    uri : str
        An MLflow server is asked for its health; of a database server the port must be open. A file passes.
    patience : float
        Seconds.

    Raises
    ------
    StoreError
        Naming the address, without a password in it.
    """
    parts = urllib.parse.urlsplit(uri)
    scheme = parts.scheme.partition("+")[0]
    try:
        if scheme in ("http", "https"):
            with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=patience):
                pass
        elif scheme in PORTS and parts.hostname:
            socket.create_connection((parts.hostname, parts.port or PORTS[scheme]), patience).close()
    except (OSError, http.client.HTTPException) as error:
        who = "MLflow server" if scheme in ("http", "https") else "database"
        said = reason(error) if isinstance(error, OSError) and error.strerror else str(error)
        raise StoreError(f"tracking.uri={public(uri)}: no {who} answers there ({said})") from error


def public(uri: str) -> str:
    """Return an address without the password in it."""
    parts = urllib.parse.urlsplit(uri)
    if not parts.password:
        return uri
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user.partition(':')[0]}@{host}").geturl()
