"""The clock set back between a kill and the next start."""

import pytest

from tests.faults.sweeping import SHORT, assert_undisturbed, until

pytestmark = pytest.mark.faults
#: The clock of a machine whose battery is empty, for one process.
BACK = """
import sys, time
real, real_ns = time.time, time.time_ns
time.time = lambda: real() - 2 * 86400
time.time_ns = lambda: real_ns() - 2 * 86400 * 10**9
from rnnbench.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_clock_set_back_before_the_next_start(folder, short):
    process = folder.start(SHORT)
    assert until(lambda: folder.stored() >= 2 and folder.begun())
    folder.kill(process)
    before = folder.store().states("faults")
    code, _, err = folder.run(SHORT, python=("-c", BACK))
    assert code == 0, err
    assert f"{len(before)} done, {6 - len(before)} to run (" in err and "from " in err
    assert_undisturbed(folder, short)
    # A run that is done again counts as newer than all before it, whatever the clock says.
    old = {state.run_id for state in folder.store().states("faults").values()}
    code, _, err = folder.run(f"{SHORT} resume=off", python=("-c", BACK))
    assert code == 0, err
    assert_undisturbed(folder, short)
    assert not old & {state.run_id for state in folder.store().states("faults").values()}
    code, _, err = folder.run(SHORT)
    assert code == 0 and "6 done, 0 to run" in err
