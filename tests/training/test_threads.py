"""Seeds in parallel threads: the bits of one seed after another."""

import sys

import pytest

from rnnbench.models.elman import Elman
from rnnbench.models.narx import NARX
from rnnbench.training import drain, fit
from rnnbench.training.threads import processors, quick_switching
from tests.training.in_threads import fit_in_threads
from tests.training.small_tasks import Delay
from tests.training.test_fit import bits

KEYWORDS = {"updates": 60, "batch": 8, "evaluate_every": 10, "lr": 0.02}
SEEDS = [0, 1, 5, 7]


@pytest.mark.parametrize("model", [Elman(hidden=6), NARX(hidden=4, output_taps=2)])
def test_threads_change_no_bit(model):
    task = Delay()
    one_after_another = [drain(fit(model.build(1, 1), task, seed=seed, **KEYWORDS)) for seed in SEEDS]
    for threads in (2, 4):
        together = fit_in_threads(model.build(1, 1), task, SEEDS, threads, **KEYWORDS)
        assert [result.seed for result in together] == SEEDS
        assert [bits(result) for result in together] == [bits(result) for result in one_after_another]


def test_the_switch_interval_is_put_back():
    before = sys.getswitchinterval()
    with pytest.raises(ZeroDivisionError), quick_switching():
        assert sys.getswitchinterval() < before
        raise ZeroDivisionError
    assert sys.getswitchinterval() == before


def test_there_is_a_processor():
    assert processors() >= 1
