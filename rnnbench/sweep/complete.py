"""A checked plan, carried out: what is done is left out, the rest is launched until every run has ended."""

import sys
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from rnnbench.base.wording import counted
from rnnbench.config.run_settings import budget_warning
from rnnbench.store import Claim, Study
from rnnbench.store.layout import KEY, NEW
from rnnbench.sweep.command import Command
from rnnbench.sweep.launchers.contract import Launcher, LauncherError, PlannedRun
from rnnbench.sweep.outlook import Outlook, edited_plugins
from rnnbench.sweep.plan import Plan
from rnnbench.sweep.record import RunDied, common, failed_run
from rnnbench.sweep.watcher import Watcher
from rnnbench.training.checkpoint import Checkpoint

#: How often runs are launched again whose processes never began them.
AGAIN = 2
#: Seconds between two looks at runs that another process claims.
LOOK = 0.5


@dataclass(frozen=True)
class Tally:
    """What became of the runs of a plan: how many were to be run, failed, and died with their processes."""

    runs: int = 0
    failed: int = 0
    died: int = 0


def complete(
    plan: Plan, study: Study, command: Command, launcher: Launcher, say: Callable[[str], None] = print
) -> Tally:
    """Run what is left of a plan.

    Parameters
    ----------
    plan : Plan
        What shall have been run in the end.
    study : Study
        Where its runs lie; open.
    command : Command
        What the runs have in common.
    launcher : Launcher
        Where they are trained; its context was entered.
    say : callable
        Takes a line for each configuration that was run; where nothing is left to run, for each one.

    Raises
    ------
    LauncherError, StoreError
        Runs could not be started or stored.
    """
    outlook = Outlook(plan, study, command)
    _announce(plan, outlook, study)
    _tidy_up(study, set(outlook.done) if command.resume else {run.key for run in outlook.left})
    with Watcher(plan, outlook, study, command, say) as watcher:
        died = _train(outlook.left, watcher, study, command, launcher)
    failed = sum(not run.finished for run in watcher.ended.values())
    return Tally(len(outlook.left), failed, died)


def _train(
    runs: Sequence[PlannedRun], watcher: Watcher, study: Study, command: Command, launcher: Launcher
) -> int:
    """Launch runs until all have ended; returns how many died with their processes.

    A run that nobody holds after a launch was not begun, as its batch lost its worker before, or has written
    a checkpoint and given way (`scancel`). Such runs are launched again, `AGAIN` times at most in all.
    """
    left, died, again = list(runs), 0, 0
    while left:
        lost, problem = "", None
        try:
            lost = launcher.launch(left, command)
        except LauncherError as error:
            problem = error
        left = watcher.not_ended(left)
        dead, held, unbegun = _after_launch(left, study, command) if launcher.in_processes else (0, left, [])
        died += dead
        if problem is not None:
            raise problem
        if unbegun and (again := again + 1) > AGAIN:
            raise LauncherError(lost or f"{counted(len(unbegun), 'run')} were not started")
        left = unbegun + held if unbegun else _wait_for(watcher.not_ended(held), watcher, study)
    return died


def _after_launch(
    runs: Sequence[PlannedRun], study: Study, command: Command
) -> tuple[int, list[PlannedRun], list[PlannedRun]]:
    """Store a failed run for each whose process died; its checkpoint stays.

    Returns
    -------
    int
        How many died.
    list of PlannedRun
        Those that a process still claims.
    list of PlannedRun
        Those that none claims.
    """
    dead, held, unbegun = 0, [], []
    for run in runs:
        claim = study.claim(run.key)
        if not claim.path.exists():
            unbegun.append(run)
        elif not claim.take():
            held.append(run)
        else:
            try:
                shared = common(run.configuration, run.seed, command)
                error = RunDied("the process that trained it died (killed, or out of memory)")
                study.commit(claim, run.key, *failed_run(run.configuration, error, shared))
                dead += 1
            finally:
                claim.release()
    return dead, held, unbegun


def _wait_for(runs: list[PlannedRun], watcher: Watcher, study: Study) -> list[PlannedRun]:
    """Wait for runs whose claims other processes hold; returns those that are given up.

    Mostly another command trains them; but the claim of a process that died on another machine looks held
    too, until it expires. To find that, the same object is asked again and again.
    """
    if runs:
        be = "is" if len(runs) == 1 else "are"
        print(f"{counted(len(runs), 'run')} {be} claimed by another process; waiting", file=sys.stderr)
    claims: dict[str, Claim] = {run.key: study.claim(run.key) for run in runs}
    while runs:
        free = []
        for run in runs:
            if claims[run.key].take():
                claims[run.key].release()
                free.append(run)
        if free := watcher.not_ended(free):
            return free
        time.sleep(LOOK)
        runs = watcher.not_ended(runs)
    return []


def _tidy_up(study: Study, afresh: Collection[str]) -> None:
    """Put in order what processes that were killed left of their runs.

    Parameters
    ----------
    study : Study
        Open.
    afresh : collection of str
        Keys of runs that are not to go on from their checkpoints: a run is finished and the process that
        committed it was killed before it removed them, or all runs are trained afresh.
    """
    layout = study.layout
    left = [*layout.work.iterdir(), *layout.folder.glob(f"*{NEW}")]
    for key in {path.name.lstrip(".").partition(".")[0] for path in left}:
        claim = study.claim(key)
        if KEY.fullmatch(key) and claim.take():
            try:
                study.recover(key)
                if key in afresh:
                    Checkpoint(layout.checkpoint(key), None, "").remove()
                    layout.progress(key).unlink(missing_ok=True)
                    layout.running(key).unlink(missing_ok=True)
            finally:
                claim.release()


def _announce(plan: Plan, outlook: Outlook, study: Study) -> None:
    """Say on stderr how much there is to do, and what is odd about the runs that are there."""
    line, many = outlook.line, len(plan.configurations)
    if many > 1 or line:
        runs = len(outlook.left) + len(outlook.done)
        parts = [f"{study.name}: "]
        parts += [f"{counted(many, 'configuration')}, {counted(runs, 'run')}"] if many > 1 else []
        parts += [": " if many > 1 else "", line] if line else []
        if not (outlook.left or plan.configurations[0].trial):
            parts.append("; resume=off runs them again")
        print("".join(parts), file=sys.stderr)
    named = zip(plan.configurations, plan.names, strict=True)
    widths = [budget_warning(c.width, c.budget_of, name) for c, name in named if outlook.left_of(c)]
    for problem in [*study.problems, *edited_plugins(plan, outlook), *filter(None, widths)]:
        print(f"rnnbench: {problem}", file=sys.stderr)
    if outlook.others:
        what = f"{counted(outlook.others, 'finished run')} with other settings than tuning chose"
        print(f"rnnbench: {study.name}: {what}; the report shows them too", file=sys.stderr)
