"""Whether an MLflow server is there at all."""

import urllib.request

from rnnbench.tracking.database import StoreError


def knock(uri: str) -> None:
    """Fail within seconds, in one line, where MLflow's client would retry for minutes."""
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=10):
            pass
    except OSError as error:
        raise StoreError(f"tracking.uri={uri}: no MLflow server answers there ({error})") from error
