"""The mirror on an MLflow server and in PostgreSQL."""

import pytest

from rnnbench.store.mirror import Mirror
from rnnbench.store.store import Store
from tests.store import servers
from tests.store.committed import KEY, commit

OTHER = "fedcba9876543210"
pytestmark = pytest.mark.slow


def found(address):
    from mlflow import MlflowClient

    client = MlflowClient(address)
    experiment = client.get_experiment_by_name("demo")
    return client, list(client.search_runs([experiment.experiment_id]))


def changes(root):
    """What a mirror must follow: a run replaced, one removed, one added."""
    commit(root, scores={"test_score": 0.5})
    Store(root).study("demo").remove([OTHER])
    commit(root, key="a" * 16)


def test_an_mlflow_server_named_by_the_environment(tmp_path, monkeypatch):
    root = tmp_path / "runs"
    commit(root)
    commit(root, key=OTHER)
    address, process = servers.mlflow_server(f"sqlite:///{tmp_path}/server.db", tmp_path)
    process.start()
    try:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        assert Mirror(Store(root)).sync()["written"] == 2
        changes(root)
        assert Mirror(Store(root)).sync() == {"written": 2, "removed": 1}
        client, runs = found(address)
        scores = {run.data.tags["key"]: run.data.metrics["final/test_score"] for run in runs}
        assert scores == {KEY: 0.5, "a" * 16: 0.9}
        assert {file.path for file in client.list_artifacts(runs[0].info.run_id)} == {
            *("record.json", "config.yaml", "network.json", "history.csv")
        }
        assert not (root / "mlflow.db").exists()
    finally:
        process.stop()


@pytest.mark.postgres
@pytest.mark.skipif(bool(servers.missing()), reason=f"PostgreSQL needs {servers.missing()}")
def test_postgresql(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    root = tmp_path / "runs"
    commit(root)
    commit(root, key=OTHER)
    with servers.postgres() as (address, _):
        assert Mirror(Store(root), address).sync()["written"] == 2
        changes(root)
        moved = tmp_path / "moved"
        root.rename(moved)
        assert Mirror(Store(moved), address).sync()["refused"] == 0
        _, runs = found(address)
        assert {run.data.tags["key"] for run in runs} == {KEY, "a" * 16}
        assert all(str(moved) in run.info.artifact_uri for run in runs)
