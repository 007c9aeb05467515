"""A checked plan carried out: what is stored is left out, the rest is trained and stored."""

import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from rnnbench.experiment.execution import checkpoint_path
from rnnbench.experiment.fair import budget_note
from rnnbench.experiment.further import evaluate_further
from rnnbench.experiment.job import Figures, Runner
from rnnbench.experiment.launchers.contract import LauncherError
from rnnbench.experiment.launchers.sending import RunFailed
from rnnbench.experiment.memory import TooLarge
from rnnbench.experiment.plan import Plan
from rnnbench.experiment.progress import Progress
from rnnbench.experiment.queue import Queue
from rnnbench.experiment.refusals import Refused
from rnnbench.experiment.resume import Outlook, edited
from rnnbench.experiment.summary import Ending, Summary, summarise
from rnnbench.experiment.wording import counted
from rnnbench.tracking import Claims, Store, StoreError
from rnnbench.training.checkpoint import Checkpoint


@dataclass
class Tally:
    """What became of the runs of a plan.

    Attributes
    ----------
    runs : int
        Those that were to be run.
    failed : int
        Those that an error ended, or that did not fit into memory.
    lost : int
        Of these, those that ended through no fault of their own: their worker died.
    waiting : int
        Those that could not be stored and wait on this disk for the next start.
    summaries : list of Summary
        One for each configuration that was run.
    """

    runs: int = 0
    failed: int = 0
    lost: int = 0
    waiting: int = 0
    summaries: list[Summary] = field(default_factory=list)


def open_store(plan: Plan) -> Store:
    """Make the store and the study before the first run; runs that wait on this disk are stored now.

    Raises
    ------
    Refused
        Where the store cannot be used.
    """
    first = plan.configurations[0]
    try:
        store = Store(first.uri)
        store.open(first.study, str(first.notes.get("question", "")))
    except StoreError as error:
        raise Refused(str(error)) from error
    except OSError as error:
        raise Refused(f"{error.filename or './runs'}: the store cannot be made ({error.strerror})") from error
    if store.sent:
        print(f"stored what had waited on this disk: {counted(store.sent, 'run')}", file=sys.stderr)
    if plan.skipped:
        store.write_skipped(first.study, plan.skipped)
    return store


def look_out(plan: Plan, store: Store) -> Outlook:
    """Return what of a plan is in the store, which need not exist."""
    first = plan.configurations[0]
    states = store.states(first.study) if store.exists else {}
    return Outlook(plan, states, store.root, first.resume)


def conduct(
    plan: Plan, store: Store, figures: Figures | None = None, say: Callable[[str], None] = print
) -> Tally:
    """Run what is left of a plan.

    Parameters
    ----------
    plan : Plan
        What shall have been run in the end.
    store : Store
        Open for the study.
    figures : callable, optional
        Draws the diagnostics of a run.
    say : callable
        Takes a line for each configuration that was run; where nothing is left to run, for each one.
    """
    # Claims first: who has stored runs since the store was looked at, is seen by them.
    with Claims(store.root, plan.configurations[0].study) as claims:
        outlook = look_out(plan, store)
        _announce(plan, outlook)
        for line in edited(plan, outlook):
            print(f"rnnbench: {line}", file=sys.stderr)
        if others := outlook.of_other_settings:
            what = f"{counted(others, 'finished run')} with other settings than tuning chose"
            study = plan.configurations[0].study
            print(f"rnnbench: {study}: {what}; the report shows them too", file=sys.stderr)
        tally = Tally(outlook.n_left)
        if outlook.n_left:
            with Progress(sum(bool(outlook.left(c)) for c in plan.configurations)) as progress:
                runner = Runner(store, claims, progress, plan.as_plain(), figures)
                _train(Queue(runner, plan, outlook), runner, plan, say, tally)
            tally.waiting = store.waiting
        else:
            _tell(plan, outlook, say)
        _clear(plan.configurations[0].study, outlook, claims, store)
        evaluate_further(plan, outlook, store)
    return tally


def _clear(study: str, outlook: Outlook, claims: Claims, store: Store) -> None:
    """Remove checkpoints of runs that are done: whoever stored them was killed before it could."""
    folder = checkpoint_path(store.root, study, "").parent
    left = {path.name.partition(".")[0] for path in folder.glob("*.npz*")}
    for key in left & outlook.done.keys():
        # Not of a run that another sweep runs afresh.
        if claims.take(key):
            Checkpoint(checkpoint_path(store.root, study, key), None, "").remove()
            claims.release(key)


def _train(queue: Queue, runner: Runner, plan: Plan, say: Callable[[str], None], tally: Tally) -> None:
    names = plan.names
    width = max(map(len, names))
    runner.compile(dict.fromkeys(c.train.dtype for c in plan.configurations))
    with closing(queue.jobs()) as jobs:
        for done, job in enumerate(jobs, start=1):
            try:
                tally.summaries.append(runner.finish(job))
            except TooLarge as refused:
                if len(names) == 1:
                    raise
                tally.failed += len(job.training.seeds)
                print(f"rnnbench: {job.name}: {refused}", file=sys.stderr)
            else:
                tally.failed += tally.summaries[-1].failed
                tally.lost += sum(_is_lost(result) for result in job.stored.values())
                say(tally.summaries[-1].line(width))
            runner.progress.end(job.number, done)


def _tell(plan: Plan, outlook: Outlook, say: Callable[[str], None]) -> None:
    """Say what the store holds of each configuration, as it was said when it was run."""
    names = plan.names
    width = max(map(len, names))
    for name, configuration in zip(names, plan.configurations, strict=True):
        if stored := outlook.stored(configuration):
            endings = [Ending.of(state) for state in stored.values()]
            seconds = sum(state.seconds for state in stored.values())
            note = budget_note(configuration.width, configuration.budget_of)
            say(summarise(name, endings, seconds, note).line(width))


def _is_lost(result: Any) -> bool:
    """Whether a run was ended by what trained it: a worker that died, a queue that did not take it."""
    return isinstance(result, LauncherError) and not isinstance(result, RunFailed)


def _announce(plan: Plan, outlook: Outlook) -> None:
    """Say on stderr how much there is to do, where that is more than one run or some of it is done."""
    line, many = outlook.line, len(plan.configurations)
    if many == 1 and not line:
        return
    runs = outlook.n_left + len(outlook.done)
    parts = [f"{plan.configurations[0].study}: "]
    parts += [f"{counted(many, 'configuration')}, {counted(runs, 'run')}"] if many > 1 else []
    parts += [": " if many > 1 else "", line] if line else []
    if not (outlook.n_left or plan.configurations[0].trial):
        parts.append("; resume=off runs them again")
    print("".join(parts), file=sys.stderr)
