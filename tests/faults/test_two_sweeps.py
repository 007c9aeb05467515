"""Two sweeps of one study at the same time: they share its runs out between them."""

import time

import pytest

from rnnbench.store.claims import LEASE
from tests.faults.sweeping import LONG, SHORT, assert_undisturbed, ended, until

pytestmark = pytest.mark.faults


def test_both_end_and_no_run_is_trained_twice(folder, long):
    both = [folder.start(LONG) for _ in range(2)]
    ends = [ended(process) for process in both]
    assert [code for code, _, _ in ends] == [0, 0], ends
    assert [len(out.splitlines()) for _, out, _ in ends] == [4, 4]
    assert folder.begun() == 12
    assert_undisturbed(folder, long)


def test_one_is_killed_and_the_other_takes_over_its_runs_at_once(folder, short):
    dying, survivor = (folder.start(SHORT) for _ in range(2))
    assert until(lambda: len(folder.study.training()) >= 3 and folder.in_mid_run())
    folder.kill(dying)
    clock = time.monotonic()
    code, out, err = ended(survivor)
    assert code == 0 and len(out.splitlines()) == 2, err
    assert time.monotonic() - clock < LEASE
    assert_undisturbed(folder, short)
