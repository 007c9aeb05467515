"""The tracking server stopped in the middle of a sweep: what is finished waits, and is sent once."""

import signal

import pytest

from tests.faults.sweeping import SHORT, STUDY, assert_undisturbed, ended, until
from tests.tracking.servers import group_server

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def group(tmp_path_factory):
    with group_server(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture
def server(group):
    """Address and process of the server, which runs."""
    address, process, _ = group
    yield address, process
    if not process._alive():
        process.start()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_stopped_in_mid_sweep(folder, server, short, number):
    address, process = server
    client = folder.store(address)._connect()
    for experiment in client.search_experiments(filter_string=f"name = '{STUDY}'"):
        client.rename_experiment(experiment.experiment_id, f"before-{experiment.experiment_id}")
    line = f"{SHORT} tracking.uri={address}"
    sweep = folder.start(line)
    assert until(lambda: client.get_experiment_by_name(STUDY))
    assert until(lambda: folder.statuses(address)["FINISHED"] > 0)
    process.stop(number)
    code, _, err = ended(sweep)
    assert code == 1
    told, last = err.splitlines()[1:]
    assert told.startswith("rnnbench: ") and "finished runs wait in" in told and "MLflow server" in told
    assert len(told) < 300 + len(str(folder.path))
    # The first too, where the server went between the end of that run and its answer.
    waiting = int(last.split()[1])
    assert 1 <= waiting <= 6 and last.endswith(" in runs/spool, to be stored on the next start")
    code, _, err = folder.run(line)
    assert code == 1 and len(err.splitlines()) == 1 and "no MLflow server answers there" in err
    process.start()
    code, _, err = folder.run(line)
    assert code == 0, err
    assert err.startswith("stored what had waited on this disk: ")
    assert_undisturbed(folder, short, address)
