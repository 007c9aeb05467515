"""Every benchmark runs once, in its smallest size and without its bounds: a broken one fails `make test`."""

import inspect
import math
import pkgutil
import time
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest

from tests import benchmarks
from tests.benchmarks import test_architectures as architectures
from tests.benchmarks import test_scaling as scaling
from tests.benchmarks import test_start as start
from tests.benchmarks import test_sweep as sweep
from tests.benchmarks import test_sweep_of_others as sweep_of_others
from tests.benchmarks import test_training as training
from tests.benchmarks import turns
from tests.benchmarks.peak import Peak

#: What is left of constants that say how large a benchmark is.
SMALL = {
    turns: {"LEAST": 0.0, "ONE_THREAD": math.inf},
    architectures: {"T": 5, "B": 2},
    scaling: {"UPDATES": 2, "LENGTHS": (2, 3), "COMPARED": 50, "LONGEST": 60},
}


class Once:
    """Stands in for the fixture of pytest-benchmark: one call, whatever is asked for."""

    def __init__(self):
        self.extra_info = {}
        self.stats = None

    def pedantic(self, target, args=(), kwargs=None, setup=None, rounds=1):
        """Call setup and target once; return what the target does."""
        if setup is not None:
            setup()
        clock = time.perf_counter()
        returned = target(*args, **(kwargs or {}))
        self.stats = SimpleNamespace(stats=SimpleNamespace(median=time.perf_counter() - clock))
        return returned


@pytest.fixture
def once(monkeypatch):
    for module, constants in SMALL.items():
        for name, value in constants.items():
            monkeypatch.setattr(module, name, value)
    return Once()


@pytest.fixture(scope="module")
def peak():
    return Peak(turns.best_of_three)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return sweep.run_commands(tmp_path_factory.mktemp("small"), [sweep.SMALL])


#: The benchmarks that need nothing but small sizes: arguments by name.
PLAIN = {
    scaling.test_two_seeds_on_two_cores: {},
    scaling.test_memory_of_a_step: {"hidden": 4},
    scaling.test_time_per_step_does_not_depend_on_the_length: {},
    scaling.test_gradient_in_pieces_is_the_plain_one: {"dtype": np.float32},
    scaling.test_time_of_computing_twice: {},
    scaling.test_a_million_steps: {},
}
POINT = {"torch": None, "jax": None, "T": 5, "B": 2, "I": 2, "H": 4}
TIMED = {training.test_training_step: POINT, training.test_inference: POINT}
STARTS = (start.test_cold_start, start.test_numba_share_of_a_start)
SPLITS = (sweep.test_between_first_and_last_update, sweep.test_of_the_whole_sweep)
OTHERS = {
    architectures.test_training_step,
    start.test_first_compilation,
    sweep_of_others.test_two_widths_three_seeds,
}


def named(functions):
    """Parametrise a test by functions."""
    return pytest.mark.parametrize("function", functions, ids=lambda function: function.__name__)


@named(PLAIN)
def test_benchmarks_of_scaling(once, function):
    function(once, **PLAIN[function])
    assert once.extra_info["measured"] >= 0


@named(TIMED)
def test_benchmarks_of_a_step(once, peak, function):
    function(once, peak, **TIMED[function])
    assert 0 < once.extra_info["share_of_peak"] < 1


@pytest.mark.parametrize("architecture", architectures.ARCHITECTURES)
def test_benchmarks_of_architectures(once, peak, architecture):
    architectures.test_training_step(once, peak, None, architecture)
    assert 0 < once.extra_info["share_of_peak"] < 1


@named(STARTS)
def test_benchmarks_of_a_start(once, tmp_path, function):
    function(once, tmp_path)
    assert once.extra_info["measured"] > 0


def test_benchmark_of_the_first_compilation(once, tmp_path, monkeypatch):
    """Compiling takes too long here; the start itself is tried above."""
    monkeypatch.setattr(start, "first_update", lambda folder, **environment: ("compiling the kernels", 1.0))
    start.test_first_compilation(once, tmp_path)
    assert once.extra_info["measured"] > 0


@named(SPLITS)
def test_benchmarks_of_a_sweep(once, demo, function):
    function(once, demo)
    assert 0 < once.extra_info["measured"] <= 100


def test_benchmark_against_a_sweep_in_pytorch(once, tmp_path, monkeypatch):
    small = {"hidden=32,64": "hidden=4,5", "model.hidden=32,64": "model.hidden=4,5", "seed=0,1,2": "seed=0"}
    small |= {"seeds=3": "seeds=1", "train.updates=1000": "train.updates=2"}
    for name in ("OURS", "THEIRS"):
        words = [small.get(word, word) for word in getattr(sweep_of_others, name)]
        monkeypatch.setattr(sweep_of_others, name, words + ["updates=2"] * (name == "THEIRS"))
    sweep_of_others.test_two_widths_three_seeds(once, tmp_path, "later", 0.0)
    assert once.extra_info["measured"] > 0


def test_every_benchmark_is_tried_here():
    found = set()
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if module.name.startswith("test_"):
            for function in vars(import_module(f"tests.benchmarks.{module.name}")).values():
                if (
                    inspect.isfunction(function)
                    and function.__name__.startswith("test_")
                    and "benchmark" in inspect.signature(function).parameters
                ):
                    found.add(function)
    assert found == {*PLAIN, *TIMED, *STARTS, *SPLITS, *OTHERS}
