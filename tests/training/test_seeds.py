"""Seeds in parallel: same bits, whole results beside failed ones, and an end when interrupted."""

import threading
import time
from dataclasses import dataclass

import pytest

from rnnbench.models.elman import Elman
from rnnbench.models.narx import NARX
from rnnbench.training import Result, drain, fit, fit_seeds
from tests.training.small_tasks import Delay
from tests.training.test_fit import bits

KEYWORDS = {"updates": 60, "batch": 8, "evaluate_every": 10, "lr": 0.02}
SEEDS = [0, 1, 5, 7]


@pytest.mark.parametrize("model", [Elman(hidden=6), NARX(hidden=4, output_taps=2)])
def test_threads_change_no_bit(model):
    task = Delay()
    one_after_another = [drain(fit(model.build(1, 1), task, seed=seed, **KEYWORDS)) for seed in SEEDS]
    for threads in (1, 2, 4, None):
        together = fit_seeds(model.build(1, 1), task, SEEDS, threads=threads, **KEYWORDS)
        assert [result.seed for result in together] == SEEDS
        assert [bits(result) for result in together] == [bits(result) for result in one_after_another]


@dataclass
class Failing(Delay):
    """Fails for the seed whose first number is large."""

    above: float = 0.5

    def training(self, rng, size):
        """Fail or draw."""
        if rng.random() > self.above:
            raise RuntimeError("no data")
        return super().training(rng, size)


def test_one_seed_s_failure_loses_no_other():
    task = Failing(above=0.995)
    outcomes = fit_seeds(Elman(hidden=3).build(1, 1), task, range(8), threads=2, **KEYWORDS)
    failed = [outcome for outcome in outcomes if isinstance(outcome, RuntimeError)]
    whole = [outcome for outcome in outcomes if isinstance(outcome, Result)]
    assert failed and whole
    assert len(failed) + len(whole) == 8
    assert all(len(result.history) == 6 for result in whole)


def test_records_are_reported_one_at_a_time():
    seen, inside = [], threading.Lock()

    def report(seed, record):
        assert inside.acquire(blocking=False)
        seen.append((seed, record["update"]))
        inside.release()

    results = fit_seeds(Elman(hidden=3).build(1, 1), Delay(), SEEDS, threads=3, on_record=report, **KEYWORDS)
    for seed, result in zip(SEEDS, results, strict=True):
        updates = [update for number, update in seen if number == seed]
        assert updates == [record["update"] for record in result.history] == list(range(10, 61, 10))


def test_a_failing_report_is_that_seed_s_failure():
    def report(seed, record):
        if seed == 5:
            raise OSError("disk full")

    results = fit_seeds(Elman(hidden=3).build(1, 1), Delay(), SEEDS, on_record=report, **KEYWORDS)
    assert [type(result).__name__ for result in results] == ["Result", "Result", "OSError", "Result"]


def test_interruption_stops_all_seeds_at_their_next_record():
    seen = []

    def report(seed, record):
        seen.append(seed)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_seeds(
            Elman(hidden=3).build(1, 1), Delay(), range(50), threads=1, on_record=report,
            **KEYWORDS | {"updates": 100_000},
        )  # fmt: skip
    assert len(seen) <= 2


def test_arguments_are_checked_before_any_seed_starts():
    with pytest.raises(ValueError, match=r"train\.threads=0: must be a whole number of at least 1"):
        fit_seeds(Elman().build(1, 1), Delay(), [0], threads=0)
    with pytest.raises(ValueError, match="seed=-1: must be a whole number"):
        fit_seeds(Elman().build(1, 1), Failing(above=-1), [0, -1])
    assert fit_seeds(Elman().build(1, 1), Delay(), []) == []


def test_interruption_stops_the_others_at_their_next_block():
    started = threading.Event()

    class Interrupting(Delay):
        def training(self, rng, size):
            if threading.current_thread().name.endswith("_0"):
                assert started.wait(60)
                raise KeyboardInterrupt
            started.set()
            return super().training(rng, size)

    # The other seed would not come to a record for minutes.
    keywords = KEYWORDS | {"updates": 10**7, "evaluate_every": 10**7}
    clock = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        fit_seeds(Elman(hidden=3).build(1, 1), Interrupting(), [0, 1], threads=2, **keywords)
    assert time.perf_counter() - clock < 30


def test_unknown_arguments_are_refused():
    with pytest.raises(TypeError, match="unknown arguments update"):
        fit_seeds(Elman().build(1, 1), Delay(), [0], update=3)
