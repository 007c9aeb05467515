"""Threads of this process."""

import sys
import threading

import pytest

from rnnbench.training import Result, fit_seeds
from rnnbench.training.seeds import Interrupted
from tests.experiment.launchers.runs import endless, opened, small, until


def test_seeds_in_their_order_with_the_bits_of_fit_seeds(empty):
    configuration = small(seeds=3)
    started, records = [], []
    with opened("basic") as local:
        training = local.start(
            configuration, (2, 0, 1), on_start=started.append, on_record=lambda *pair: records.append(pair)
        )
        results = training.results()
        assert (local.name, local.slots) == ("basic", 2) and training.done and training.seconds > 0
    assert [e.result.seed for e in results] == training.seeds == [2, 0, 1]
    assert sorted(started) == [0, 1, 2] and {seed for seed, _ in records} == {0, 1, 2}
    net, task, keywords = configuration.network, configuration.task, configuration.fit_keywords
    before = fit_seeds(net, task, (2, 0, 1), threads=1, **keywords)
    for one, other in zip(results, before, strict=True):
        assert isinstance(other, Result)
        assert one.result.parameters.vector.tobytes() == other.parameters.vector.tobytes()
        assert one.result.scores == other.scores


def test_what_is_seen_comes_with_the_result(empty):
    with opened("basic") as local:
        (watched,) = local.start(small("diagnostics=on"), (0,)).results()
        (plain,) = local.start(small(), (0,)).results()
    assert watched.seen["training"] and plain.seen is None
    assert watched.result.parameters.vector.tobytes() == plain.result.parameters.vector.tobytes()


def test_stop_ends_what_runs_and_lets_nothing_begin(empty):
    begun = threading.Event()
    with opened("basic", threads=1) as local:
        training = local.start(endless(2), (0, 1), on_start=lambda seed: begun.set())
        assert begun.wait(20)
        local.stop()
        local.stop()
        assert [type(error) for error in training.results()] == [Interrupted, Interrupted]
        assert training.finished() == {} and local.interruption is None
        assert isinstance(local.start(endless(), (0,)).results()[0], Interrupted)


def test_an_exception_in_the_context_ends_the_runs(empty):
    interval = sys.getswitchinterval()
    begun = threading.Event()
    with pytest.raises(ZeroDivisionError), opened("basic") as local:
        training = local.start(endless(3), (0, 1, 2), on_start=lambda seed: begun.set())
        assert begun.wait(20) and sys.getswitchinterval() != interval
        raise ZeroDivisionError
    assert all(isinstance(error, Interrupted) for error in training.results())
    assert sys.getswitchinterval() == interval


def test_an_interruption_in_a_thread_ends_all(empty):
    def interrupted(seed, record):
        if seed == 0:
            raise KeyboardInterrupt

    with opened("basic") as local:
        training = local.start(endless(2), (0, 1), on_record=interrupted)
        assert until(lambda: training.done)
        assert isinstance(local.interruption, KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            training.results()
        assert isinstance(training.futures[1].exception(), Interrupted)


def test_an_error_of_one_seed_is_its_own(empty):
    def failing(seed, record):
        if seed == 0:
            raise OSError("no room")

    with opened("basic") as local:
        first, second = local.start(small(seeds=2), (0, 1), on_record=failing).results()
    assert isinstance(first, OSError) and second.result.outcome == "finished"


def test_wrong_arguments_before_anything_starts(empty):
    configuration = small()
    configuration.train.batch = 0
    with opened("basic") as local, pytest.raises(ValueError, match=r"train\.batch=0"):
        local.start(configuration, (0,))
