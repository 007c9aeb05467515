"""`rnnbench ui`: MLflow's dashboard over the runs, on this machine only."""

import argparse
import os
import signal
import subprocess
import sys
from contextlib import suppress

from rnnbench.base.refusals import Refused
from rnnbench.commands.stored import URI, open_store
from rnnbench.commands.sync import sync
from rnnbench.store.lookup import NO_RUNS
from rnnbench.store.mirror import Address, read_address
from rnnbench.store.store import Store
from rnnbench.sweep.interruption import terminable

#: Without jobs: MLflow would start one more process of 235 MB for each kind.
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--port", type=int, default=5000, help="port on 127.0.0.1 (default 5000)")
    parser.add_argument("--uri", help=URI)


def main(options: argparse.Namespace) -> int:
    """Carry out `rnnbench ui`; see `ui`."""
    return ui(open_store(), options.uri, options.port)


def ui(store: Store, uri: str | None = None, port: int = 5000) -> int:
    """Bring MLflow up to date and show it at http://127.0.0.1:port until Ctrl-C; returns the exit code.

    Parameters
    ----------
    store : Store
        The runs.
    uri : str, optional
        Address of MLflow (see `Mirror`). A server has its own dashboard: its address is printed.
    port : int
        Port on the loopback interface.

    Raises
    ------
    Refused
        There are no runs, or the port or the address cannot be.
    StoreError
        MLflow cannot be used now.
    """
    if not 1 <= port <= 65535:
        raise Refused(f"--port={port}: must lie between 1 and 65535")
    address = read_address(uri, store.root)
    if address.local and not store.studies():
        raise Refused(NO_RUNS)
    sync(store, uri=uri)
    if address.served:
        print(f"the dashboard of this server: {address.shown}")
        return 0
    print(f"http://127.0.0.1:{port}  (Ctrl-C ends it)", flush=True)
    return _serve(server_command(address, store, port))


def server_command(address: Address, store: Store, port: int) -> list[str]:
    """Return the command line of MLflow's server over a database."""
    return [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", address.uri),
        *("--default-artifact-root", (store.root / ".mlflow" / "others").as_uri()),
    ]


def _serve(command: list[str]) -> int:
    """Run a server until it ends, or this process is told to; its workers end with it."""
    process = subprocess.Popen(command, env={**os.environ, **QUIET}, start_new_session=True)
    try:
        with terminable():
            return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL) if os.name == "posix" else ():
            with suppress(ProcessLookupError, PermissionError, subprocess.TimeoutExpired):
                os.killpg(process.pid, number)
                process.wait(5)
        process.kill()
