"""Interleaved turns: every contender is timed in every round, so that noise meets all alike."""

import math
import statistics
import time

#: A turn repeats a call for at least this many seconds.
LEAST = 2e-3
ROUNDS = 7
#: CPU seconds per second of a call on one thread, with room for one that waits while another computes.
ONE_THREAD = 1.25


def steps_of(call):
    """Return how many steps a call makes: its attribute `steps`, else 1."""
    return getattr(call, "steps", 1)


def timed(call, repeats=1):
    """Return the seconds of one step, a mean over all steps of `repeats` calls."""
    clock = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - clock) / (repeats * steps_of(call))


def best_of_three(call):
    """Return the seconds of a step in the fastest of three calls."""
    return min(timed(call) for _ in range(3))


def repeats_of(call):
    """Warm a call up and return how often a turn repeats it."""
    call()
    return max(1, math.ceil(LEAST / (best_of_three(call) * steps_of(call))))


def threads_used(call, repeats):
    """Return the CPU seconds per second of some turns: about 1 for a call that keeps to one thread."""
    rounds = max(3, math.ceil(0.02 / LEAST) if repeats > 1 else 1)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(rounds * repeats):
        call()
    return (time.process_time() - cpu) / (time.perf_counter() - wall)


def interleaved(benchmark, ours, others, rounds=ROUNDS):
    """Time `ours` with pytest-benchmark and the others in turn before each of its rounds.

    Parameters
    ----------
    benchmark : fixture
        Of pytest-benchmark; its statistics are of `calls_per_round` calls of `ours`.
    ours : callable
        What is benchmarked.
    others : dict of str to callable
        What it is compared with.
    rounds : int
        Turns of each.

    Returns
    -------
    dict of str to float
        Median seconds of a step, under "ours" and the others' names.
    """
    calls = {"ours": ours, **others}
    repeats = {name: repeats_of(call) for name, call in calls.items()}
    for name, call in calls.items():
        used = threads_used(call, repeats[name])
        assert used < ONE_THREAD, f"{name} uses {used:.2f} threads"
    seconds = {name: [] for name in calls}

    def turn_of_others():
        for name, call in others.items():
            seconds[name].append(timed(call, repeats[name]))

    def turn():
        seconds["ours"].append(timed(ours, repeats["ours"]))

    benchmark.pedantic(turn, setup=turn_of_others, rounds=rounds)
    benchmark.extra_info.update(calls_per_round=repeats["ours"], steps_per_call=steps_of(ours))
    return {name: statistics.median(values) for name, values in seconds.items()}
