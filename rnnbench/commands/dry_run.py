"""`rnnbench run --dry-run`: what would be run, and how long that would take."""

from collections import Counter
from collections.abc import Mapping

from rnnbench.base import tables
from rnnbench.base.wording import clock, counted
from rnnbench.store import Store
from rnnbench.store.lookup import listed
from rnnbench.sweep.estimates import newest_of_each_size, seconds_of_a_run
from rnnbench.sweep.outlook import Outlook
from rnnbench.sweep.plan import Plan
from rnnbench.sweep.sweep import command_of
from rnnbench.sweep.tuning.trials import foresee

HEADER = ("configuration", "seeds", "done", "to run", "parameters", "time")


def show(plan: Plan, store: Store) -> None:
    """Print a table of what a plan would run, and below it the totals.

    Parameters
    ----------
    plan : Plan
        What the command would run.
    store : Store
        Where it is looked up which runs are done, and how long runs of these tasks took.
    """
    command = command_of(plan, store)
    plan, trials = foresee(plan, store, command)
    outlook = Outlook(plan, store.study(plan.configurations[0].study), command)
    known = newest_of_each_size(listed(map(store.study, store.studies())))
    times = {id(c): seconds_of_a_run(c, known) for c in plan.configurations}
    waiting = Counter(id(run.configuration) for run in outlook.left)
    rows: list[tables.Line] = []
    for name, c in zip(plan.names, plan.configurations, strict=True):
        left, seconds = waiting[id(c)], times[id(c)]
        counts = (len(c.seeds), len(outlook.stored(c)), left, c.network.n_parameters)
        each = "unknown" if seconds is None else f"{left:,} x {clock(seconds)}"
        rows.append((name, *(f"{number:,}" for number in counts), each if left else "-"))
    # In a file or a pipe each configuration stays on one line, however long its name.
    tables.show(tables.console(tables.UNBROKEN), HEADER, rows, range(1, len(HEADER)))
    print(f"\n{_totals(plan, outlook, times, trials)}")


def _totals(plan: Plan, outlook: Outlook, times: Mapping[int, float | None], trials: int) -> str:
    runs = len(outlook.left) + len(outlook.done)
    many = counted(len(plan.configurations), "configuration")
    counts = outlook.line or f"{runs:,} to run"
    first = f"{plan.configurations[0].study}: {many}, {counted(runs, 'run')}: {counts}"
    if trials:
        first += (
            f"\nbefore that, tuning takes {counted(trials, 'run')}; its result decides which runs are done"
        )
    elif not outlook.left:
        return f"{first}\nnothing to run"
    unknown = sum(times[id(run.configuration)] is None for run in outlook.left)
    if unknown and unknown == len(outlook.left):
        return f"{first}\nno estimate: no run of these tasks is stored"
    seconds = sum((times[id(run.configuration)] or 0.0) / run.configuration.threads for run in outlook.left)
    # A trial may have fewer updates than the run that it is for.
    each = [
        (times[id(c)] or 0.0) * (c.tune.updates or c.updates) / c.updates / c.threads
        for c in plan.configurations
        if c.tune.trials
    ]
    seconds += trials * sum(each) / max(1, len(each))
    threads = max(c.threads for c in plan.configurations)
    but = f", without {counted(unknown, 'run')} of tasks that have no stored run" if unknown else ""
    return (
        f"{first}\nabout {clock(seconds)} at most with {threads} at a time, estimated from stored runs{but}"
    )
