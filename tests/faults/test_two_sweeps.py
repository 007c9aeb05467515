"""Two sweeps of one study at the same time: they share its runs out between them."""

import pytest
from mlflow.entities import ViewType

from tests.faults.sweeping import LONG, SHORT, assert_undisturbed, ended, until

pytestmark = pytest.mark.faults


def test_both_end_and_no_run_is_trained_twice(folder, long):
    both = [folder.start(LONG) for _ in range(2)]
    ends = [ended(process) for process in both]
    assert [code for code, _, _ in ends] == [0, 0], ends
    assert folder.statuses(view=ViewType.ALL) == {"FINISHED": len(long.runs)}
    assert_undisturbed(folder, long)


def test_one_is_killed_and_the_other_takes_its_runs(folder, short):
    dying, survivor = (folder.start(SHORT) for _ in range(2))
    assert until(lambda: folder.stored() >= 1 and len(list(folder.runs.glob("claims/*/*"))) >= 3)
    folder.kill(dying)
    code, _, err = ended(survivor)
    assert code == 0, err
    assert_undisturbed(folder, short)


def test_one_comes_later_with_another_launcher(folder, short):
    """The second finds runs that are stored, in training, and untouched."""
    pytest.importorskip("distributed")
    first = folder.start(SHORT)
    assert until(lambda: folder.stored() >= 1)
    second = folder.start(f"{SHORT} hydra/launcher=dask")
    ends = [ended(process) for process in (first, second)]
    assert [code for code, _, _ in ends] == [0, 0], ends
    assert folder.statuses(view=ViewType.ALL) == {"FINISHED": len(short.runs)}
    assert_undisturbed(folder, short)
