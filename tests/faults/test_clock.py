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
    assert until(lambda: folder.in_mid_run(2))
    folder.kill(process)
    before = folder.study.summaries()
    code, _, err = folder.run(SHORT, python=("-c", BACK))
    assert code == 0, err
    assert f"{len(before)} done, {6 - len(before)} to run (" in err and "from " in err
    assert_undisturbed(folder, short)
    # A run that is trained again replaces the older one, whatever the clock says.
    old = {summary.run for summary in folder.study.summaries().values()}
    code, _, err = folder.run(f"{SHORT} seeds=[1] resume=off".replace("seeds=3 ", ""), python=("-c", BACK))
    assert code == 0, err
    assert_undisturbed(folder, short)
    assert len(old & {summary.run for summary in folder.study.summaries().values()}) == 4
