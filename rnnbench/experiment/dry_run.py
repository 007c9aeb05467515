"""`rnnbench run --dry-run`: what would be run, and how long it would take."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rnnbench.experiment import grids
from rnnbench.experiment.configuration import Configuration
from rnnbench.experiment.plan import Plan
from rnnbench.experiment.resume import Outlook, newest_of_each_size, seconds_of_a_run
from rnnbench.experiment.wording import clock, counted
from rnnbench.tracking import State

HEADER = ("configuration", "seeds", "done", "to run", "parameters", "time")


def show(plan: Plan, outlook: Outlook, seen: Iterable[State], trials: int = 0) -> None:
    """Print a table of the plan and below it the totals.

    Parameters
    ----------
    plan : Plan
        What the command would run.
    outlook : Outlook
        What of it is stored.
    seen : iterable of State
        Runs of any study, from which times are estimated.
    trials : int
        Runs that choose the settings before and are not stored yet.
    """
    known = newest_of_each_size(seen)
    rows: list[grids.Line] = []
    # Runs share the threads of their configuration; unknown times are left out and counted.
    total, unknown = 0.0, 0
    for name, configuration in zip(plan.names, plan.configurations, strict=True):
        left, seconds = len(outlook.left(configuration)), seconds_of_a_run(configuration, known)
        if seconds is None:
            unknown += left
        else:
            total += left * seconds / configuration.threads
        counts = (len(configuration.seeds), len(outlook.stored(configuration)), left)
        size = configuration.network.n_parameters
        rows.append((name, *(f"{number:,}" for number in (*counts, size)), _time(left, seconds)))
    # In a file or a pipe a configuration keeps its one line, however long its name.
    grids.show(grids.console(grids.UNBROKEN), HEADER, rows, range(1, len(HEADER)))
    before = _seconds_of_trials(plan, known, trials)
    print(f"\n{_totals(plan, outlook, total + before, unknown, trials)}")


def _time(runs: int, seconds: float | None) -> str:
    if not runs:
        return "-"
    return "unknown" if seconds is None else f"{runs:,} x {clock(seconds)}"


def _seconds_of_trials(plan: Plan, known: Sequence[State], left: int) -> float:
    """Return how long the runs of trials that are left take together, as far as that is known."""
    searched = [c for c in plan.configurations if c.tune.trials] if left else []
    times = [(c.tune.trials * c.tune.seeds, seconds_of_a_run(_as_tried(c), known) or 0.0) for c in searched]
    each = sum(runs * seconds for runs, seconds in times) / max(1, sum(runs for runs, _ in times))
    return left * each / max((c.threads for c in searched), default=1)


def _as_tried(configuration: Configuration) -> Configuration:
    """Return a configuration that trains for as long as its trials do."""
    if configuration.tune.updates is None:
        return configuration
    train = replace(configuration.train, updates=configuration.tune.updates, sequences=None, seconds=None)
    return replace(configuration, train=train)


def _totals(plan: Plan, outlook: Outlook, total: float, unknown: int, trials: int) -> str:
    runs = outlook.n_left + len(outlook.done)
    counts = outlook.line or f"{runs:,} to run"
    many = counted(len(plan.configurations), "configuration")
    first = f"{plan.configurations[0].study}: {many}, {counted(runs, 'run')}: {counts}"
    if trials:
        first += f"\nbefore them, {counted(trials, 'run')} of the tuning, whose choice decides which are done"
    if not outlook.n_left and not trials:
        return f"{first}\nnothing to run"
    threads = max(c.threads for c in plan.configurations)
    if unknown and unknown == outlook.n_left:
        return f"{first}\nno estimate: no run of these tasks was seen"
    but = f", without {counted(unknown, 'run')} of tasks not seen yet" if unknown else ""
    return f"{first}\nat most about {clock(total)} with {threads} at a time, from runs already seen{but}"
