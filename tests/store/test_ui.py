"""`rnnbench sync` and `rnnbench ui` from outside."""

import os
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from rnnbench.commands.ui import server_command
from rnnbench.store.mirror import read_address
from rnnbench.store.store import Store
from tests.store.committed import KEY, commit
from tests.store.servers import answers, free_port
from tests.store.test_mirror import rows

COMMAND = [sys.executable, "-m", "rnnbench"]


def test_the_dashboard_listens_on_this_machine_only(tmp_path):
    command = server_command(read_address("sqlite:///x.db", tmp_path), Store(tmp_path), 5001)
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert command[command.index("--port") + 1] == "5001"
    assert command[command.index("--backend-store-uri") + 1] == "sqlite:///x.db"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_dashboard_shows_files_and_ends_with_its_server(root, number):
    commit(root)
    port = free_port()
    command = [*COMMAND, "ui", "--port", str(port)]
    process = subprocess.Popen(
        command, cwd=root.parent, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    try:
        end = time.monotonic() + 90
        while not answers(port) and time.monotonic() < end:
            time.sleep(0.2)
        (run,) = rows(root)
        address = f"http://127.0.0.1:{port}/get-artifact?path=config.yaml&run_uuid={run.info.run_id}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            assert answer.read() == b"model: elman\n"
        process.send_signal(number)
        assert process.wait(15) == 0
        assert not answers(port)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_sync_says_what_it_did_and_refuses_an_unknown_study(root):
    commit(root)
    commit(root, key=KEY[::-1], study="other")

    def sync(*words):
        return subprocess.run(
            [*COMMAND, "sync", *words], cwd=root.parent, capture_output=True, text=True, timeout=90
        )

    done = sync("demo")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{root}/mlflow.db: 1 run written\n"
    refused = sync("othr")
    assert refused.returncode == 1
    assert refused.stderr.startswith("rnnbench: othr: unknown study (did you mean other?)")
