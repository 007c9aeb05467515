"""What became of a thousand runs, without reading them; and what is added to a run later."""

import json
import math
import time

import pytest

from rnnbench.tracking import State, Store, StoreError, reading
from tests.tracking.records import DIVERGED, FILES, record


def through_mlflow(store, study):
    """The same states by the way that servers take."""
    file, store._connection.file = store._connection.file, None
    try:
        return reading.states(store._connection, study)
    finally:
        store._connection.file = file


def test_a_state_says_what_the_record_says(store):
    before = time.time()
    run_id = store.write(record(key="a" * 16, seed=3), FILES)
    (state,) = store.states("demo").values()
    assert before - 1 < state.ended < time.time() + 1
    assert state.seconds == pytest.approx(0.6)
    expected = State(
        **{"key": "a" * 16, "run_id": run_id, "study": "demo", "status": "finished", "outcome": "finished"},
        **{"model": "elman", "task": "adding", "task_label": "adding T=20", "seed": 3, "updates": 20},
        **{"seconds": state.seconds, "parameters": 105, "ended": state.ended},
        scores={"validation_score": 0.95, "test_score": 0.9, "test_loss": 0.1},
    )
    assert state == expected
    assert (state.score, state.validation_score) == (0.9, 0.95)


def test_failed_and_diverged_runs_are_there_and_running_ones_not(store):
    store.write(record(key="a" * 16, outcome="failed", scores={}, timings={}), {})
    store.write(record(key="b" * 16, **DIVERGED), {})
    client = store._connect()
    client.create_run(client.get_experiment_by_name("demo").experiment_id, tags={"key": "c" * 16})
    states = store.states("demo")
    assert {key: (s.status, s.outcome) for key, s in states.items()} == {
        "a" * 16: ("failed", "failed"),
        "b" * 16: ("finished", "diverged"),
    }
    assert set(states["b" * 16].scores) == set(DIVERGED["scores"])
    assert all(math.isnan(score) for score in states["b" * 16].scores.values())
    assert list(states) == ["a" * 16, "b" * 16]


def test_both_ways_of_reading_agree(store):
    for n in range(4):
        store.write(record(key=f"{n:016x}", seed=n, outcome="failed" if n == 2 else "solved"), FILES)
    assert through_mlflow(store, "demo") == store.states("demo")
    assert len(store.states("demo")) == 4


def test_no_store_has_no_states(tmp_path):
    assert Store(root=tmp_path / "none").states("demo") == {}
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_a_thousand_runs_take_a_second(store):
    """The study is made of one run, copied in the database."""
    import sqlite3

    run_id = store.write(record(), FILES)
    connection = sqlite3.connect(store.root / "mlflow.db")
    for table in ("runs", "params", "tags", "latest_metrics", "metrics"):
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        rows = connection.execute(f"SELECT * FROM {table} WHERE run_uuid = ?", (run_id,)).fetchall()
        for n in range(999):
            for row in rows:
                changed = dict(zip(names, row, strict=True)) | {"run_uuid": f"{n:032x}"}
                if table == "tags" and changed["key"] == "key":
                    changed["value"] = f"{n:016x}"
                marks = ", ".join("?" * len(names))
                connection.execute(f"INSERT INTO {table} VALUES ({marks})", [changed[name] for name in names])
    connection.commit()
    connection.close()
    clock = time.perf_counter()
    states = Store(root=store.root).states("demo")
    took = time.perf_counter() - clock
    assert len(states) == 1000
    assert took < 2.0  # 0.1 s on a quiet machine
    assert through_mlflow(store, "demo").keys() == states.keys()


def test_further_evaluations_are_added_to_a_run(store):
    run_id = store.write(record(), FILES)
    (read,) = store.runs("demo")
    read["scores"] |= {"test_score": 0.8, "free_running_score": 0.7}
    spans = {"field": "length", "values": [40, 80], "scores": [0.5, None], "losses": [0.2, 0.4], "solved": []}
    read["generalisation"] = spans
    store.amend(run_id, read, {"spans.json": b"[40, 80]", "config.yaml": b"new"})
    (again,) = store.runs("demo")
    assert again == read
    assert store.read_file(again, "spans.json") == b"[40, 80]"
    assert store.read_file(again, "config.yaml") == b"new"
    assert store.read_file(again, "history.json") == FILES["history.json"]
    run = store._connect().get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["generalisation.score.length.40"] == 0.5
    assert run.data.metrics["generalisation.loss.length.80"] == 0.4
    assert store.states("demo")[read["key"]].scores == read["scores"]
    points = store._connect().get_metric_history(run_id, "train_loss")
    assert [p.step for p in points] == [10, 20]


def test_an_amended_run_that_is_not_there(store):
    store.open("demo")
    with pytest.raises(StoreError, match="not found"):
        store.amend("0" * 32, record(), {})


def test_a_damaged_record_is_one_line(store):
    store.write(record(), FILES)
    path = store.root / "artifacts" / "demo" / record()["key"] / "record.json"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(StoreError, match=r"^run \w+ of study demo: record\.json is damaged .*$"):
        store.runs("demo")
    assert json.dumps(store.states("demo"))
