"""The mirror beside a training: complete when a command returns, harmless where MLflow is in trouble."""

import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from rnnbench.store.claims import Claim
from rnnbench.store.mirror import Beside, Mirror
from rnnbench.store.mirror.ledger import FOLDER
from rnnbench.store.mirror.mirror import CLAIM
from rnnbench.store.store import Store
from tests.store.committed import KEY, commit, facts, history, train
from tests.store.test_mirror import rows

OTHER = "fedcba9876543210"


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    assert condition()


def beside(root, uri=None, **options):
    return Beside(Mirror(Store(root), uri), "demo", **options)


def test_every_run_is_there_when_the_command_returns(root, capfd):
    with beside(root):
        commit(root)
        commit(root, key=OTHER)
    assert len(rows(root)) == 2
    assert capfd.readouterr().err == ""


def test_what_waited_from_before_goes_along(root):
    commit(root)
    with beside(root):
        commit(root, key=OTHER)
    assert len(rows(root)) == 2


def test_a_long_run_is_watched_while_it_trains(root):
    claim = Store(root).study("demo").claim(KEY)
    made = facts()
    with beside(root):
        train(root, made, history((10,)))
        assert claim.take()
        wait_for(lambda: [run.info.status for run in rows(root)] == ["RUNNING"])
        train(root, made, history((10, 20)))
        wait_for(lambda: rows(root)[0].data.metrics["curves/train_loss"] == 0.05)
        claim.release()
        commit(root, key=KEY, run=made["run"])
    assert [run.info.status for run in rows(root)] == ["FINISHED"]


def test_mlflow_is_not_imported_before_the_first_run_nor_with_later(tmp_path):
    code = (
        "import sys, time\n"
        "from rnnbench.store.mirror import Mirror\n"
        "from rnnbench.store.mirror import Beside\n"
        "from rnnbench.store.store import Store\n"
        "from tests.store.committed import commit\n"
        f"root = {str(tmp_path / 'runs')!r}\n"
        "from pathlib import Path; root = Path(root)\n"
        "mirror = Mirror(Store(root))\n"
        "with Beside(mirror, 'demo', later=True):\n"
        "    commit(root)\n"
        "with Beside(mirror, 'other') as one:\n"
        "    time.sleep(0.5)\n"
        "print('mlflow' in sys.modules)\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert found.stdout == "False\n", found.stderr
    assert found.stderr == "rnnbench: 1 run is not in MLflow yet: rnnbench sync\n"


def test_a_locked_database_costs_one_line_and_two_seconds(root, capfd):
    Mirror(Store(root)).sync()
    commit(root)
    with closing(sqlite3.connect(root / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        with beside(root):
            pass
        assert time.monotonic() - began < 3
    said = capfd.readouterr().err
    assert said.startswith("rnnbench: 1 run is not in MLflow yet: rnnbench sync (")
    assert "locked" in said
    assert said.count("\n") == 1
    assert Mirror(Store(root)).sync()["written"] == 1


@pytest.mark.parametrize("listens", [False, True])
def test_a_server_that_does_not_answer_costs_one_line_and_two_seconds(root, capfd, listens):
    with closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        if listens:
            server.listen()
        commit(root)
        began = time.monotonic()
        with beside(root, f"http://me:secret@127.0.0.1:{server.getsockname()[1]}"):
            pass
        assert time.monotonic() - began < 2.5
    said = capfd.readouterr().err
    assert said.startswith("rnnbench: 1 run is not in MLflow yet: rnnbench sync (")
    assert "secret" not in said
    assert said.count("\n") == 1


def test_another_writer_is_waited_for(root):
    commit(root)
    (root / FOLDER).mkdir()
    claim = Claim(root / FOLDER / CLAIM)
    assert claim.take()
    second = threading.Thread(target=Mirror(Store(root)).sync)
    second.start()
    time.sleep(0.5)
    claim.release()
    second.join(30)
    assert len(rows(root)) == 1


def test_ctrl_c_ends_the_mirror_after_the_run_it_is_at(root, capfd):
    commit(root)
    for number in range(100):
        shutil.copytree(root / "demo" / KEY, root / "demo" / f"{number:016x}")
    mirror = Mirror(Store(root))
    with pytest.raises(KeyboardInterrupt), Beside(mirror, "demo"):
        commit(root, key=OTHER)
        wait_for(lambda: rows(root), 60)
        began = time.monotonic()
        raise KeyboardInterrupt
    assert time.monotonic() - began < 4
    assert "are not in MLflow yet: rnnbench sync" in capfd.readouterr().err
    Mirror(Store(root)).sync()
    assert len(rows(root)) == 102
