"""Ctrl-C, SIGTERM and a closed terminal: exit code 130, nothing is left, and the next start goes on."""

import os
import signal
import time

import pytest

from tests.faults.sweeping import SHORT, assert_undisturbed, ended, until

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_mid_run(folder, short, number):
    process = folder.start(SHORT)
    assert until(lambda: folder.in_mid_run(2))
    # A terminal sends Ctrl-C to all of its group, a cluster SIGTERM to the process.
    send = os.killpg if number == signal.SIGINT else os.kill
    send(process.pid, number)
    clock = time.monotonic()
    code, _, err = ended(process)
    assert code == 130 and err.splitlines()[-1] == "rnnbench: interrupted" and "Traceback" not in err, err
    assert time.monotonic() - clock < 10 and until(lambda: not folder.processes(), 5), folder.processes()
    begun, done = len(folder.checkpoints()), len(folder.study.keys())
    assert begun >= 1 and 2 <= done < 6 and not folder.study.training()
    code, _, err = folder.run(SHORT)
    assert code == 0 and f"{done} done, {6 - done} to run ({begun} from " in err, err
    assert_undisturbed(folder, short)
