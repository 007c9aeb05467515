"""The tracking server killed in the middle of a sweep: training goes on, and `sync` brings the rest later."""

import signal
from collections import Counter

import pytest
from mlflow import MlflowClient

from tests.faults.sweeping import LONG, STUDY, assert_undisturbed, until
from tests.store.servers import group_server

pytestmark = [pytest.mark.faults, pytest.mark.postgres]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Address and process of an MLflow server over PostgreSQL."""
    with group_server(tmp_path_factory.mktemp("server")) as (address, process, _):
        yield address, process


def statuses(client):
    """Return how many runs of the study there are in each of MLflow's states."""
    experiment = client.get_experiment_by_name(STUDY)
    found = [] if experiment is None else client.search_runs([experiment.experiment_id])
    return Counter(run.info.status for run in found)


def test_a_server_killed_in_mid_sweep(folder, server, long):
    address, process = server
    client = MlflowClient(address)
    sweep = folder.start(f"{LONG} tracking.uri={address}", mirror="tracking.mirror=auto")
    assert until(lambda: statuses(client)["FINISHED"] > 0)
    process.stop(signal.SIGKILL)
    err = sweep.communicate(timeout=240)[1]
    (told,) = [text for text in err.splitlines() if "not in MLflow" in text]
    assert sweep.returncode == 0 and told.endswith(")") and "rnnbench sync (" in told, err
    assert_undisturbed(folder, long)
    code, _, err = folder.run(f"sync {STUDY}", mirror=f"--uri={address}")
    assert code == 1 and len(err.splitlines()) == 1 and "Traceback" not in err
    process.start()
    code, _, err = folder.run(f"sync {STUDY}", mirror=f"--uri={address}")
    assert (code, err) == (0, ""), err
    assert statuses(client) == {"FINISHED": len(long[0])}
