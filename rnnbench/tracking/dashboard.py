"""MLflow's dashboard over a store, on this machine only."""

import os
import subprocess
import sys

from rnnbench.tracking.store import Store


def serve(store: Store, port: int) -> int:
    """Show the store at http://127.0.0.1:port until Ctrl-C; returns the exit code.

    Parameters
    ----------
    store : Store
        A store on a server has its own dashboard: its address is printed.
    port : int
        Port on the loopback interface.
    """
    if store.uri.startswith("http"):
        print(f"the dashboard of this store: {store.uri}")
        return 0
    # Without jobs: MLflow would start one more process of 235 MB for each kind.
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    print(f"http://127.0.0.1:{port}  (Ctrl-C ends it)", flush=True)
    process = subprocess.Popen(dashboard_command(store, port), env={**os.environ, **quiet})
    try:
        return process.wait()
    except KeyboardInterrupt:
        # The terminal sent Ctrl-C to the server as well.
        process.wait()
        return 0


def dashboard_command(store: Store, port: int) -> list[str]:
    """Return the command line that serves a store."""
    return [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", store.uri),
        *("--default-artifact-root", (store.root / "artifacts").as_uri()),
    ]
