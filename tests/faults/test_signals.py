"""Ctrl-C and SIGTERM to a real process: exit code 130, nobody is left, and the next start goes on."""

import os
import signal
import time

import pytest

from tests.faults.sweeping import SLOW, assert_undisturbed, ended, until

pytestmark = pytest.mark.faults
LAUNCHERS = {
    "basic": "",
    "dask": "hydra/launcher=dask hydra.launcher.workers=2",
    "submitit_local": "hydra/launcher=submitit_local hydra.launcher.concurrency=2",
}
EXTRAS = {"dask": "distributed", "submitit_local": "submitit"}


@pytest.mark.parametrize(
    ("launcher", "number"),
    [
        ("basic", signal.SIGINT),
        ("basic", signal.SIGTERM),
        ("dask", signal.SIGINT),
        ("submitit_local", signal.SIGTERM),
    ],
)
def test_a_signal_in_mid_run(folder, slow, launcher, number):
    if launcher in EXTRAS:
        pytest.importorskip(EXTRAS[launcher])
    line = f"{SLOW} {LAUNCHERS[launcher]}"
    process = folder.start(line)
    assert until(lambda: folder.stored() >= 2 and folder.begun())
    # A terminal sends Ctrl-C to all of its group, a cluster SIGTERM to the process.
    send = os.killpg if number == signal.SIGINT else os.kill
    send(process.pid, number)
    clock = time.monotonic()
    code, _, err = ended(process)
    took = time.monotonic() - clock
    assert code == 130 and err.splitlines()[-1] == "rnnbench: interrupted" and "Traceback" not in err, err
    assert took < 10 and folder.nobody(), folder.processes()
    begun, done = len(folder.checkpoints()), folder.statuses()["FINISHED"]
    assert begun >= 1 and 2 <= done < 4
    code, _, err = folder.run(line)
    assert code == 0, err
    assert f"{done} done, {4 - done} to run ({begun} from " in err
    assert_undisturbed(folder, slow)
    assert folder.nobody()
