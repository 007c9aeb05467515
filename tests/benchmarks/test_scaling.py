"""Seeds on two cores, memory of a step (kept or computed twice), and time per step over the length."""

import statistics
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rnnbench.models.rnn import RNN
from rnnbench.tasks.adding import Adding
from rnnbench.training import drain, fit
from rnnbench.training.threads import processors, quick_switching
from tests.benchmarks.comparison import single
from tests.benchmarks.turns import interleaved
from tests.benchmarks.work import difference, make_case

B, HIDDEN = 32, 64
LENGTHS = (100, 1000, 10_000, 100_000)
#: Of a training: about a second.
UPDATES = 800
#: Sequences and steps of the training in pieces; the plain one of the shorter length fits into memory.
FEW, COMPARED, LONGEST = 8, 20_000, 1_000_000
GIBIBYTE = 1 << 30
#: Bytes besides values and gradients that count as "a block" of steps.
BLOCK_BYTES = 1 << 20


@pytest.mark.skipif(processors() < 2, reason="one processor")
@pytest.mark.benchmark(group="seeds")
def test_two_seeds_on_two_cores(benchmark):
    task = Adding(length=100)
    net = RNN(hidden=HIDDEN).build(task.n_in, task.n_out)
    alone, together, cores = [], [], []

    def train_one(seed):
        return drain(
            fit(net, task, seed=seed, updates=UPDATES, evaluate_every=UPDATES, stop_when_solved=False)
        )

    def train(seeds):
        clock, cpu = time.perf_counter(), time.process_time()
        with quick_switching(), ThreadPoolExecutor(len(seeds)) as pool:
            results = list(pool.map(train_one, seeds))
        assert [result.updates for result in results] == [UPDATES] * len(seeds)
        seconds = time.perf_counter() - clock
        cores.append((time.process_time() - cpu) / seconds)
        return seconds

    train([0, 1])
    benchmark.pedantic(
        lambda: together.append(train([0, 1])), setup=lambda: alone.append(train([0])), rounds=5
    )
    # The last turn was of two seeds: well below 2, other work kept a core from us.
    benchmark.extra_info["cores_used"] = cores[-1]
    speed_up = 2 * statistics.median(alone) / statistics.median(together)
    single(benchmark, "two seeds on two cores, times one", speed_up, "x", at_least=1.9)


@pytest.mark.benchmark(group="memory")
@pytest.mark.parametrize("hidden", [64, 75])
def test_memory_of_a_step(benchmark, hidden):
    steps = 1000
    net = RNN(hidden=hidden).build(2, 1)
    warm, case = make_case(net, 2, B, last_only=True), make_case(net, steps, B, last_only=True)
    warm.loss_and_grad()
    tracemalloc.start()
    benchmark.pedantic(case.loss_and_grad, rounds=1)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # One slot for h_{-1}; values and gradients, four bytes each.
    formula = 2 * 4 * ((steps + 1) * B * hidden + steps * B * net.n_out)
    benchmark.extra_info.update(bytes=most, formula_bytes=formula, T=steps, B=B, H=hidden)
    row = f"memory of a step, H={hidden}: bytes of the formula and a block"
    single(benchmark, row, most / (formula + BLOCK_BYTES), "x", at_most=1.0)


@pytest.mark.benchmark(group="length")
def test_time_per_step_does_not_depend_on_the_length(benchmark):
    net = RNN(hidden=HIDDEN).build(2, 1)
    steps = {T: make_case(net, T, B, last_only=True).training_step() for T in LENGTHS}
    others = {str(T): steps[T] for T in LENGTHS[:-1]}
    seconds = interleaved(benchmark, steps[LENGTHS[-1]], others, rounds=5)
    seconds[str(LENGTHS[-1])] = seconds.pop("ours")
    per_step = {T: 1e6 * seconds[str(T)] / T for T in LENGTHS}
    benchmark.extra_info.update(microseconds_per_step={str(T): t for T, t in per_step.items()}, B=B, H=HIDDEN)
    spread = 100 * (max(per_step.values()) / min(per_step.values()) - 1)
    single(benchmark, "time per step, T = 100 to 100,000: spread", spread, "%", at_most=10.0)


@pytest.mark.benchmark(group="recompute")
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_gradient_in_pieces_is_the_plain_one(benchmark, dtype):
    net = RNN(hidden=HIDDEN).build(2, 1)
    case = make_case(net, COMPARED, FEW).of_type(dtype)
    plain = dict(case.loss_and_grad()[1])
    found = benchmark.pedantic(case.loss_and_grad, kwargs={"memory": "recompute"}, rounds=1)[1]
    benchmark.extra_info.update(T=COMPARED, B=FEW, H=HIDDEN)
    row = f"recompute, T = {COMPARED:,}, {np.dtype(dtype)}: distance to the plain gradient"
    single(benchmark, row, difference(dict(found), plain), at_most=1e-6)


@pytest.mark.benchmark(group="recompute")
def test_time_of_computing_twice(benchmark):
    net = RNN(hidden=HIDDEN).build(2, 1)
    case = make_case(net, COMPARED, FEW)
    others = {"plain": case.single_step()}
    seconds = interleaved(benchmark, case.single_step(memory="recompute"), others)
    benchmark.extra_info.update(T=COMPARED, B=FEW, H=HIDDEN)
    row = f"recompute, T = {COMPARED:,}: time of a step, times the plain one"
    # Three passes become four; a piece that starts from its state costs a little.
    single(benchmark, row, seconds["ours"] / seconds["plain"], "x", at_most=1.5)


@pytest.mark.benchmark(group="recompute")
def test_a_million_steps(benchmark):
    net = RNN(hidden=HIDDEN).build(2, 1)
    make_case(net, 2, FEW).loss_and_grad(memory="recompute")
    tracemalloc.start()
    # The data count too.
    case = make_case(net, LONGEST, FEW)
    data, _ = tracemalloc.get_traced_memory()
    step = case.single_step(memory="recompute")
    tracemalloc.reset_peak()
    clock = time.perf_counter()
    benchmark.pedantic(step, rounds=1)
    seconds = time.perf_counter() - clock
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    benchmark.extra_info.update(bytes=most, bytes_of_data=data, T=LONGEST, B=FEW, H=HIDDEN)
    benchmark.extra_info.update(seconds=seconds, microseconds_per_time_step=1e6 * seconds / LONGEST)
    row = f"recompute, T = {LONGEST:,}, B = {FEW}, H = {HIDDEN}: memory, data included"
    single(benchmark, row, most / GIBIBYTE, "GiB", at_most=1.0)
