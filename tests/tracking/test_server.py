"""The store on an MLflow server with PostgreSQL behind it, on loopback: as a group would use it."""

import multiprocessing
import signal
import time

import pytest
from mlflow.entities import ViewType

from rnnbench.tracking import Store, StoreError, keeping
from tests.tracking import servers
from tests.tracking.records import DIVERGED, FILES, record

pytestmark = pytest.mark.slow
KEYS = [letter * 16 for letter in "abcdef"]


@pytest.fixture(scope="module")
def group(tmp_path_factory):
    with servers.group_server(tmp_path_factory.mktemp("group")) as found:
        yield found


@pytest.fixture
def study(request):
    """A study of its own for each test: the server is one for all."""
    return request.node.name.partition("[")[0]


@pytest.fixture
def store(group, tmp_path):
    address, _, _ = group
    return Store(address, root=tmp_path / "runs")


@pytest.fixture
def server(group):
    _, process, _ = group
    yield process
    process.send(signal.SIGCONT)


def all_runs(store, study, view=ViewType.ACTIVE_ONLY):
    client = store._connect()
    return client.search_runs([client.get_experiment_by_name(study).experiment_id], run_view_type=view)


@pytest.mark.postgres
def test_postgres_is_behind_it(group, store, study):
    if servers.missing():
        pytest.skip(f"PostgreSQL is not installed: no {servers.missing()}")
    import psycopg2

    store.write(record(key=KEYS[0], study=study), FILES)
    _, _, behind = group
    port = next(part for part in behind._command if part.startswith("port=")).partition("=")[2]
    connection = psycopg2.connect(host="127.0.0.1", port=port, user="rnnbench", dbname="postgres")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tags WHERE key = 'key' AND value = %s", (KEYS[0],))
        assert cursor.fetchone()[0] >= 1
    connection.close()


def test_round_trip(store, study, tmp_path):
    written = record(study=study)
    run_id = store.write(written, FILES)
    (read,) = store.runs(study)
    assert read.pop("run_id") == run_id and read["timings"].pop("tracking") > 0
    assert read == written
    assert store.read_file({"run_id": run_id, "study": study}, "config.yaml") == FILES["config.yaml"]
    with pytest.raises(StoreError, match=r"has no file weights\.npz"):
        store.read_file({"run_id": run_id, "study": study}, "weights.npz")
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == [".reserve"]


def test_one_run_per_key(store, study):
    store.write(record(key=KEYS[0], study=study, updates=1), FILES)
    newest = store.write(record(key=KEYS[0], study=study, updates=2), FILES)
    store.write(record(key=KEYS[0], study=study, updates=3, outcome="failed"), FILES)
    assert [run.info.run_id for run in all_runs(store, study)] == [newest]
    assert len(all_runs(store, study, ViewType.ALL)) == 3
    assert [r["updates"] for r in store.runs(study)] == [2]
    assert store.remove(study, [KEYS[0]]) == 1 and store.states(study) == {}
    assert store.restore(study, [KEYS[0]]) == 1
    assert store.states(study)[KEYS[0]].updates == 2


def test_states_and_amendments(store, study):
    run_id = store.write(record(key=KEYS[0], study=study), FILES)
    store.write(record(key=KEYS[1], study=study, outcome="failed"), {})
    store.write(record(key=KEYS[2], study=study, **DIVERGED), FILES)
    assert [(s.status, s.outcome) for s in store.states(study).values()] == [
        ("finished", "finished"),
        ("failed", "failed"),
        ("finished", "diverged"),
    ]
    read = next(r for r in store.runs(study) if r["key"] == KEYS[0])
    read["scores"]["free_running_score"] = 0.5
    store.amend(run_id, read, {"more.json": b"{}"})
    assert next(r for r in store.runs(study) if r["key"] == KEYS[0]) == read
    assert store.read_file(read, "more.json") == b"{}"
    assert store.states(study)[KEYS[0]].scores["free_running_score"] == 0.5


def write_some(address, root, study, number, barrier):
    barrier.wait()
    store = Store(address, root=root / str(number))
    store.open(study)
    # A key of its own, and one that all write at the same time.
    for key in (f"{number:016x}", "f" * 16):
        store.write(record(key=key, study=study, seed=number), FILES)


def start_all(count, *arguments):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(count)
    processes = [context.Process(target=write_some, args=(*arguments, n, barrier)) for n in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(240)
    return [process.exitcode for process in processes]


def test_eight_writers_start_at_once(store, study, group, tmp_path):
    address, _, _ = group
    assert start_all(8, address, tmp_path, study) == [0] * 8
    assert sorted(s.key for s in store.states(study).values()) == [*(f"{n:016x}" for n in range(8)), "f" * 16]
    runs = all_runs(store, study)
    assert sorted(run.data.tags["key"] for run in runs) == sorted(store.states(study))
    assert len(all_runs(store, study, ViewType.ALL)) == 16


def test_a_server_stopped_in_mid_sweep(store, study, server, capsys):
    assert store.keep(record(key=KEYS[0], study=study), FILES)
    server.stop()
    clock = time.perf_counter()
    kept = [store.keep(record(key=key, study=study), FILES) for key in KEYS[1:]]
    took = time.perf_counter() - clock
    assert kept == [False] * 5 and took < 2.0
    (line,) = capsys.readouterr().err.splitlines()
    assert "no MLflow server answers there" in line and str(store.root / "spool") in line
    with pytest.raises(StoreError, match="no MLflow server answers there"):
        Store(store.uri, root=store.root).open(study)
    server.start()
    again = Store(store.uri, root=store.root)
    again.open(study)
    assert again.sent == 5 and sorted(again.states(study)) == KEYS
    assert not list((store.root / "spool").glob("*/*"))


def test_a_server_that_hangs_costs_seconds_once(store, study, server, monkeypatch):
    monkeypatch.setattr("rnnbench.tracking.connection.LONGEST_KNOCK", 1.0)
    assert store.keep(record(key=KEYS[0], study=study), FILES)
    server.send(signal.SIGSTOP)
    clock = time.perf_counter()
    assert not any([store.keep(record(key=key, study=study), FILES) for key in KEYS[1:]])
    assert time.perf_counter() - clock < 4.0
    server.send(signal.SIGCONT)
    # It is not asked again at once ...
    assert not store.keep(record(key=KEYS[5], study=study, updates=40), FILES)
    # ... but after a while, and then gets all that waits.
    monkeypatch.setattr(keeping, "PAUSE", 0.0)
    assert store.keep(record(key=KEYS[1], study=study, updates=30), FILES)
    assert sorted(store.states(study)) == KEYS and store.sent == 6
    states = store.states(study)
    assert (states[KEYS[1]].updates, states[KEYS[5]].updates) == (30, 40)
    assert len(all_runs(store, study)) == 6


@pytest.mark.postgres
def test_postgres_stopped_behind_its_server(store, study, group, monkeypatch):
    _, _, behind = group
    if behind is None:
        pytest.skip(f"PostgreSQL is not installed: no {servers.missing()}")
    assert store.keep(record(key=KEYS[0], study=study), FILES)
    behind.stop(signal.SIGINT)
    clock = time.perf_counter()
    assert not store.keep(record(key=KEYS[1], study=study), FILES)
    first = time.perf_counter() - clock
    assert not store.keep(record(key=KEYS[2], study=study), FILES)
    assert first < 60.0 and time.perf_counter() - clock - first < 1.0
    behind.start()
    monkeypatch.setattr(keeping, "PAUSE", 0.0)
    assert store.keep(record(key=KEYS[3], study=study), FILES)
    assert sorted(store.states(study)) == KEYS[:4]


@pytest.mark.postgres
def test_a_postgres_without_a_server(group, study, tmp_path):
    if servers.missing():
        pytest.skip(f"PostgreSQL is not installed: no {servers.missing()}")
    with servers.postgres() as (address, _):
        # Each has a folder of its own, and so no lock in common: as on several machines.
        assert start_all(4, address, tmp_path, study) == [0] * 4
        store = Store(address, root=tmp_path / "runs")
        assert len(store.states(study)) == 5
        wrong = address.replace("/postgres", "/nobody")
        clock = time.perf_counter()
        with pytest.raises(StoreError, match=r"cannot be used: .*does not exist") as told:
            Store(wrong, root=tmp_path / "wrong").open(study)
        assert time.perf_counter() - clock < 10.0 and "\n" not in str(told.value)
    with pytest.raises(StoreError, match="no database answers there"):
        Store(address, root=tmp_path / "gone").open(study)
