"""A PostgreSQL of the tests' own and an MLflow server before it, both on loopback."""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

UNPRIVILEGED = "nobody"
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def program(name):
    """The path of one of PostgreSQL's programs, which Debian keeps out of PATH; None if there is none."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: p.parent.name, reverse=True)
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *map(str, versions)]))


def missing():
    """What PostgreSQL's tests need and is not here; "" if nothing is."""
    lacking = [name for name in ("initdb", "postgres") if program(name) is None]
    lacking += [] if importlib.util.find_spec("psycopg2") else ["psycopg2"]
    if os.geteuid() == 0 and not (shutil.which("setpriv") or shutil.which("runuser")):
        lacking.append("setpriv or runuser")
    return ", ".join(lacking)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def unprivileged(command):
    """The same command as a user PostgreSQL starts for: it refuses root."""
    if os.geteuid() != 0:
        return command
    if shutil.which("setpriv"):
        user = pwd.getpwnam(UNPRIVILEGED)
        ids = ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
        return ["setpriv", *ids, "--", *command]
    return ["runuser", "-u", UNPRIVILEGED, "--", *command]


class Process:
    """A process with all that it starts: to be stopped, paused, and started again."""

    def __init__(self, command, folder, log, alive, environment=None):
        self._command, self._folder, self._log, self._alive = command, folder, log, alive
        self._environment = {**os.environ, **(environment or {})}
        self._process = None

    def start(self):
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, env=self._environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + 120
        while not self._alive():
            ended = self._process.poll() is not None
            if ended or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"{self._command[0]} did not start: {Path(self._log).read_text()[-2000:]}")
            time.sleep(0.05)

    def send(self, number):
        os.killpg(self._process.pid, number)

    def stop(self, number=signal.SIGTERM):
        if self._process is not None:
            if self._process.poll() is None:
                self.send(number)
                try:
                    self._process.wait(20)
                except subprocess.TimeoutExpired:
                    self.send(signal.SIGKILL)
                    self._process.wait(20)
            self._process = None


@contextmanager
def postgres():
    """Yield (address for SQLAlchemy, Process) of a fresh PostgreSQL that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="rnnbench-postgres-"))
    process = None
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, UNPRIVILEGED)
        data, port = folder / "data", free_port()
        options = ["--auth=trust", "--username=rnnbench", "--encoding=UTF8", "--locale=C", "--no-sync"]
        made = subprocess.run(
            unprivileged([program("initdb"), "-D", str(data), *options]),
            cwd=folder, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stdout[-500:]}{made.stderr[-1500:]}")
        settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": ""}
        settings |= {"fsync": "off", "max_connections": 60, "shared_buffers": "16MB"}
        command = [program("postgres"), "-D", str(data)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        process = Process(
            unprivileged(command), folder, folder.with_name(folder.name + ".log"), lambda: answers(port)
        )
        process.start()
        yield f"postgresql+psycopg2://rnnbench@127.0.0.1:{port}/postgres", process
    finally:
        if process is not None:
            process.stop(signal.SIGINT)
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_name(folder.name + ".log").unlink(missing_ok=True)


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
    except OSError:
        return False
    return True


def mlflow_server(database, folder):
    """An MLflow server (not started yet) over a database; yields (address, Process)."""
    port = free_port()

    def alive():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=0.5):
                return True
        except OSError:
            return False

    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1", "--backend-store-uri", database),
        *("--artifacts-destination", (folder / "artifacts").as_uri()),
    ]
    return f"http://127.0.0.1:{port}", Process(command, folder, folder / "server.log", alive, QUIET)


@contextmanager
def group_server(folder):
    """Yield (address, MLflow's Process, PostgreSQL's Process or None) of what a group would use.

    Without PostgreSQL there is SQLite behind the server: what the client does about a server in trouble is
    the same.
    """
    with ExitStack() as stack:
        if missing():
            database, behind = f"sqlite:///{folder / 'server.db'}", None
        else:
            database, behind = stack.enter_context(postgres())
        address, process = mlflow_server(database, folder)
        stack.callback(process.stop)
        process.start()
        yield address, process, behind
