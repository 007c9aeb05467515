"""What is finished is kept: the store locked, read-only, gone or damaged, and the disk full."""

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from rnnbench.tracking import Store, StoreError, artifacts, spool
from tests.tracking.records import DIVERGED, FILES, record

REPO = Path(__file__).parents[2]
KEYS = [letter * 16 for letter in "abcdef"]


@pytest.fixture
def opened(store):
    store.open("demo")
    store.PATIENCE = 0.2
    return store


@contextmanager
def held_by_another(database):
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@contextmanager
def another_user():
    """As root no file is read-only: for a while this process is nobody in particular."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def next_start(root):
    """What a new process sends and finds: in this one MLflow keeps its connection to the old file."""
    code = f"""
import json
from rnnbench.tracking import Store
store = Store(root={str(root)!r})
store.open("demo")
print(json.dumps([store.sent, sorted(store.states("demo"))]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=REPO)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return json.loads(done.stdout)


def waiting(root):
    return sorted(p.name for p in root.glob("spool/demo/*"))


def test_a_locked_store_is_waited_for_once(opened, root, capsys):
    assert opened.keep(record(key=KEYS[0]), FILES)
    opened.PATIENCE = 1.0
    with held_by_another(root / "mlflow.db"):
        clock = time.perf_counter()
        kept = [opened.keep(record(key=key), FILES) for key in KEYS[1:]]
        took = time.perf_counter() - clock
    assert kept == [False] * 5 and 1.0 < took < 2.5
    assert waiting(root) == KEYS[1:]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"rnnbench: the store {root / 'mlflow.db'} cannot be written: database is locked;")
    assert str(root / "spool") in line and opened.trouble in line


def test_what_waits_is_stored_when_the_store_is_back(opened, root):
    with held_by_another(root / "mlflow.db"):
        assert not opened.keep(record(key=KEYS[0]), FILES)
    assert opened.keep(record(key=KEYS[1]), FILES)
    assert opened.trouble == "" and opened.sent == 1
    assert sorted(opened.states("demo")) == KEYS[:2]
    assert waiting(root) == []


def test_what_waits_is_stored_on_the_next_start_as_it_was(opened, root):
    kept = [record(key=KEYS[0]), record(key=KEYS[1], **DIVERGED), record(key=KEYS[2], outcome="failed")]
    before = time.time()
    with held_by_another(root / "mlflow.db"):
        assert not any([opened.keep(one, FILES) for one in kept])
    ended = time.time()
    time.sleep(0.1)
    again = Store(root=root)
    again.open("other")
    assert again.sent == 3 and waiting(root) == []
    states = again.states("demo")
    assert [states[key].outcome for key in KEYS[:3]] == ["finished", "diverged", "failed"]
    assert all(before - 0.1 <= state.ended <= ended + 0.1 for state in states.values())
    directly = Store(root=root)
    directly.write(record(key=KEYS[3], **DIVERGED), FILES)
    one, other = (r for r in directly.runs("demo") if r["outcome"] == "diverged")
    for name in ("key", "run_id", "timings"):
        assert one.pop(name) != other.pop(name)
    assert one == other
    assert directly.read_file({"run_id": states[KEYS[0]].run_id, "study": "demo"}, "config.yaml")
    metrics = [
        directly._connect().get_run(directly.states("demo")[key].run_id).data.metrics
        for key in (KEYS[1], KEYS[3])
    ]
    assert metrics[0].keys() == metrics[1].keys()


def test_a_run_that_was_stored_all_the_same_does_not_appear_twice(opened, root):
    """As where a server stored it and its answer was lost, or a kill came before it left the spool."""
    one = record(key=KEYS[0])
    with held_by_another(root / "mlflow.db"):
        opened.keep(one, FILES)
    shutil.copytree(root / "spool", root / "copy")
    for _ in range(2):
        again = Store(root=root)
        again.open("demo")
        shutil.copytree(root / "copy" / "demo", root / "spool" / "demo", dirs_exist_ok=True)
    assert again.sent == 0
    client = again._connect()
    everything = client.search_runs([client.get_experiment_by_name("demo").experiment_id], run_view_type=3)
    assert len(everything) == 1
    assert opened.remove("demo", [KEYS[0]]) == 1
    Store(root=root).open("demo")
    assert again.states("demo") == {}


def test_an_older_run_that_waited_does_not_drive_out_a_newer(opened, root):
    with held_by_another(root / "mlflow.db"):
        opened.keep(record(key=KEYS[0], updates=1), FILES)
        opened.keep(record(key=KEYS[0], updates=2), FILES)
    assert waiting(root) == [KEYS[0], f"{KEYS[0]}-2"]
    shutil.move(root / "spool", root / "later")
    time.sleep(0.01)
    opened.write(record(key=KEYS[0], updates=3), FILES)
    shutil.move(root / "later", root / "spool")
    again = Store(root=root)
    again.open("demo")
    assert (again.sent, again.states("demo")[KEYS[0]].updates) == (2, 3)
    assert len(list((root / "artifacts" / "demo" / "retired").iterdir())) == 2


def test_an_attempt_that_broke_off_is_cleared_away(opened, root, monkeypatch):
    """The server, or the disk, gave out in the middle: the run is there, RUNNING, and waits as well."""
    with monkeypatch.context() as broken:
        broken.setattr("rnnbench.tracking.writing.store_files", raising(OSError(errno.EIO, "broken")))
        assert not opened.keep(record(key=KEYS[0]), FILES)
    assert opened.keep(record(key=KEYS[1]), FILES) and opened.sent == 1
    client = opened._connect()
    found = client.search_runs([client.get_experiment_by_name("demo").experiment_id])
    assert sorted(run.info.status for run in found) == ["FINISHED", "FINISHED"]


def raising(error):
    def function(*arguments, **keywords):
        raise error

    return function


def test_a_read_only_store(opened, root, capsys):
    with another_user_owning(root):
        (root / "mlflow.db").chmod(0o444)
        try:
            assert not opened.keep(record(key=KEYS[0]), FILES)
        finally:
            (root / "mlflow.db").chmod(0o644)
        assert "readonly" in opened.trouble
    assert waiting(root) == KEYS[:1]


def test_a_store_that_may_only_be_read(opened, root):
    closed = root.parent / "closed"
    closed.mkdir()
    with sqlite3.connect(root / "mlflow.db") as connection:
        connection.execute("VACUUM INTO ?", (str(closed / "mlflow.db"),))
    with sqlite3.connect(closed / "mlflow.db") as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    with another_user_owning(closed):
        (closed / "mlflow.db").chmod(0o444)
        closed.chmod(0o555)
        try:
            with pytest.raises(StoreError, match=r"may not be written, .*a copy of its folder can be read$"):
                Store(root=closed).studies()
            closed.chmod(0)
            with pytest.raises(StoreError, match="cannot be used: Permission denied"):
                _ = Store(root=closed).exists
        finally:
            closed.chmod(0o755)


def test_where_nothing_can_be_written_the_run_is_said_to_be_lost(opened, root):
    with another_user_owning(root):
        (root / "mlflow.db").chmod(0o444)
        (root / "spool").mkdir(mode=0o555)
        try:
            with pytest.raises(StoreError, match=r"^run a+ is lost: .*readonly.*; .*spool cannot be written"):
                opened.keep(record(key=KEYS[0]), FILES)
        finally:
            (root / "mlflow.db").chmod(0o644)
            (root / "spool").chmod(0o755)


@contextmanager
def another_user_owning(root):
    """Be a user for whom permissions count, who owns the store."""
    if os.geteuid() == 0:
        parents = [p for p in root.parents if p.stat().st_mode & 0o005 != 0o005 and p.owner() == "root"]
        modes = {p: p.stat().st_mode for p in parents}
        for path in [root, *root.rglob("*")]:
            os.chown(path, 65534, 65534)
        for path in parents:
            path.chmod(0o755)
        try:
            with another_user():
                yield
        finally:
            for path, mode in modes.items():
                path.chmod(mode)
    else:
        yield


def test_a_store_that_vanished(opened, root):
    """Someone tidied up; MLflow would go on writing into the file that has no name any more."""
    opened.write(record(key=KEYS[0]), FILES)
    shutil.rmtree(root)
    assert [opened.keep(record(key=key), FILES) for key in KEYS[1:3]] == [False, False]
    assert next_start(root) == [2, KEYS[1:3]]


def test_a_mistake_of_ours_loses_nothing_either(opened, root, monkeypatch, capsys):
    with monkeypatch.context() as broken:
        broken.setattr("rnnbench.tracking.writing.settle", raising(TypeError("a mistake")))
        assert not opened.keep(record(key=KEYS[0]), FILES)
        assert opened.trouble == "TypeError: a mistake"
        again = Store(root=root)
        again.open("demo")
    assert (again.sent, waiting(root)) == (0, KEYS[:1])
    assert "stays there: a mistake" in capsys.readouterr().err
    again = Store(root=root)
    again.open("demo")
    assert (again.sent, waiting(root)) == (1, [])


@pytest.mark.parametrize("damage", ["parcel.json", "config.yaml", "missing"])
def test_a_waiting_run_that_is_damaged_is_told_of_and_harms_no_other(opened, root, capsys, damage):
    with held_by_another(root / "mlflow.db"):
        for key in KEYS[:2]:
            opened.keep(record(key=key), FILES)
    capsys.readouterr()
    folder = root / "spool" / "demo" / KEYS[0]
    if damage == "missing":
        (folder / "config.yaml").unlink()
    else:
        (folder / damage).write_bytes((folder / damage).read_bytes()[:-3])
    again = Store(root=root)
    again.open("demo")
    assert again.sent == 1 and list(again.states("demo")) == [KEYS[1]]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"rnnbench: {folder} cannot be read") and f"{KEYS[0]}.damaged" in line
    assert waiting(root) == [f"{KEYS[0]}.damaged"]
    Store(root=root).open("demo")
    assert capsys.readouterr().err == ""


def test_a_waiting_run_appears_whole_or_not_at_all(opened, root, monkeypatch):
    class Killed(BaseException):
        pass

    written = spool._write_through
    calls = []

    def dying(path, content):
        calls.append(path)
        if len(calls) == 2:
            raise Killed
        written(path, content)

    monkeypatch.setattr(spool, "_write_through", dying)
    with held_by_another(root / "mlflow.db"), pytest.raises(Killed):
        opened.keep(record(key=KEYS[0]), FILES)
    assert waiting(root) == []
    half = root / "spool" / "demo" / f".{KEYS[0]}.half"
    half.mkdir(parents=True)
    os.utime(half, (1, 1))
    Store(root=root).open("demo")
    assert not half.exists()


def test_a_folder_that_a_sender_takes_away_costs_no_run(root, monkeypatch):
    one, make = spool.Spool(root), spool.tempfile.mkdtemp
    one.put(record(key=KEYS[0]), FILES)

    def meanwhile_stored(**named):
        for parcel in one.waiting():
            one.take_out(parcel)
        return make(**named)

    monkeypatch.setattr(spool.tempfile, "mkdtemp", meanwhile_stored)
    one.put(record(key=KEYS[1]), FILES)
    assert waiting(root) == [KEYS[1]]


def test_what_a_kill_left_of_a_stored_run_is_in_nobodys_way(opened, root, capsys):
    with held_by_another(root / "mlflow.db"):
        assert not opened.keep(record(key=KEYS[0]), FILES)
    left = root / "spool" / "demo" / f".{KEYS[0]}.gone"
    left.mkdir()
    (left / "parcel.json").write_text("")
    Store(root=root).open("demo")
    assert waiting(root) == [] and not left.exists()


@pytest.mark.parametrize("name", ["spool", "spool/demo"])
def test_where_no_folder_can_be_made_it_is_not_tried_for_ever(name, tmp_path):
    place = tmp_path / name
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(tmp_path / "not" / "mounted")
    with pytest.raises(StoreError, match="cannot be written: File exists"):
        spool.Spool(tmp_path).put(record(key=KEYS[0]), FILES)


FULL = """
import json, sys
from pathlib import Path
import tests.tracking.test_trouble as trouble
print(json.dumps(trouble.fill_the_disk(Path(sys.argv[1]))))
"""


def fill_the_disk(root):
    """Runs in a process of its own, on a file system of 24 MiB that holds `root`."""
    from rnnbench.tracking import Store, StoreError
    from tests.tracking.records import FILES, record

    store, seen = Store(root=root), {}
    store.open("demo")
    seen["first"] = store.keep(record(key=KEYS[0]), FILES)
    rest = root / "rest"
    with open(rest, "wb", buffering=0) as file:
        for size in (65536, 512):
            with suppress(OSError):
                while True:
                    file.write(b"\1" * size)
    seen["reserve"] = (root / ".reserve").exists()
    seen["full"] = [store.keep(record(key=key), FILES) for key in KEYS[1:3]]
    seen["given up"] = not (root / ".reserve").exists()
    try:
        store.keep(record(key=KEYS[3]), {"weights.npz": bytes(9 * 2**20)})
    except StoreError as error:
        seen["lost"] = str(error)
    seen["waiting"] = waiting(root)
    rest.unlink()
    again = Store(root=root)
    again.open("demo")
    seen["sent"], seen["states"] = again.sent, sorted(again.states("demo"))
    seen["set aside again"] = (root / ".reserve").exists()
    seen["left"] = waiting(root)
    return seen


def mounted(folder, *command):
    """A command inside a name space of its own, where a small file system lies on the folder."""
    script = f"mount -t tmpfs -o size=24m tmpfs '{folder}' && exec \"$@\""
    return ["unshare", "-Urm", "sh", "-c", script, "sh", *command]


def test_a_full_disk(tmp_path):
    root = tmp_path / "disk"
    root.mkdir()
    try:
        possible = subprocess.run(mounted(root, "true"), capture_output=True, timeout=20).returncode == 0
    except OSError:
        possible = False
    if not possible:
        pytest.skip("no small file system can be mounted here (unshare -Urm and mount)")
    done = subprocess.run(
        mounted(root, sys.executable, "-c", FULL, str(root)),
        capture_output=True, text=True, timeout=120, cwd=REPO,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    lost = seen.pop("lost")
    assert lost.startswith(f"run {KEYS[3]} is lost: ") and "No space left on device" in lost
    assert seen == {
        **{"first": True, "reserve": True, "full": [False, False], "given up": True},
        **{"waiting": KEYS[1:3], "sent": 2, "states": KEYS[:3], "set aside again": True, "left": []},
    }
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_a_full_disk_where_none_can_be_mounted(opened, root, monkeypatch):
    """The operating system says that there is no room until the reserve is given up."""
    full = OSError(errno.ENOSPC, "No space left on device")
    written = spool._write_through

    def write(path, content):
        if (root / ".reserve").exists():
            raise full
        written(path, content)

    monkeypatch.setattr(spool, "_write_through", write)
    monkeypatch.setattr(artifacts.Path, "write_bytes", raising(full))
    assert (root / ".reserve").stat().st_size == 8 * 2**20
    assert not opened.keep(record(key=KEYS[0]), FILES)
    assert waiting(root) == KEYS[:1] and not (root / ".reserve").exists()
    assert "No space left on device" in opened.trouble
    assert not list((root / "artifacts").rglob("*.draft"))


def damaged(kind, content):
    middle = len(content) // 2
    return {
        "empty": b"",
        "cut": content[:middle],
        "cut within a page": content[: middle + 100],
        "text": b"this is no database" * 1000,
        "zeros inside": content[:8192] + bytes(200 * 1024) + content[8192 + 200 * 1024 :],
        "head": b"\0" * 100 + content[100:],
    }[kind]


@pytest.mark.parametrize("kind", ["empty", "cut", "cut within a page", "text", "zeros inside", "head"])
@pytest.mark.parametrize("verb", ["open", "runs", "states", "studies"])
def test_a_damaged_database_is_one_line(root, kind, verb, capfd):
    path = root / "mlflow.db"
    path.write_bytes(damaged(kind, path.read_bytes()))
    before = path.read_bytes()
    store = Store(root=root)
    with pytest.raises(StoreError) as told:
        getattr(store, verb)(*(() if verb == "studies" else ("demo",)))
    message = str(told.value)
    assert message.startswith(f"the store {path} cannot be opened: ") and "\n" not in message
    assert path.read_bytes() == before
    assert capfd.readouterr().err == ""


def test_a_database_damaged_in_mid_sweep_costs_no_result(opened, root, capfd):
    assert opened.keep(record(key=KEYS[0]), FILES)
    connection = sqlite3.connect(root / "mlflow.db")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = (root / "mlflow.db").read_bytes()
    (root / "mlflow.db").write_bytes(content[: len(content) // 3])
    assert not opened.keep(record(key=KEYS[1]), FILES)
    (line,) = capfd.readouterr().err.splitlines()
    assert "malformed" in line
    (root / "mlflow.db").write_bytes(content)
    assert next_start(root) == [1, KEYS[:2]]
