"""One command's sweep: tune where asked, train what is left, evaluate what was asked for later."""

from collections.abc import Callable
from dataclasses import replace

from rnnbench.store import Store
from rnnbench.sweep.command import Command, Figures
from rnnbench.sweep.complete import Tally, complete
from rnnbench.sweep.launchers import make_launcher
from rnnbench.sweep.plan import Plan
from rnnbench.sweep.spans import evaluate_spans
from rnnbench.sweep.tuning.trials import tune


def carry_out(
    plan: Plan, store: Store, figures: Figures | None = None, say: Callable[[str], None] = print
) -> Tally:
    """Run what is left of a plan, and return what became of it.

    Parameters
    ----------
    plan : Plan
        From `plan.check`.
    store : Store
        The folder of all studies.
    figures : callable, optional
        Draws the diagnostics of a run; a function at module level.
    say : callable
        Takes a line for each configuration.

    Raises
    ------
    StoreError, LauncherError
        Runs could not be stored or started; what had ended before is stored.
    """
    first = plan.configurations[0]
    study = store.study(first.study)
    study.open()
    study.note(str(first.notes.get("question", "")), plan.skipped)
    command = command_of(plan, store, figures)
    with make_launcher(first.launcher, command.threads) as launcher:
        plan = tune(plan, store, command, launcher)
        command = replace(command, plan=plan.as_plain())
        tally = complete(plan, study, command, launcher, say)
    evaluate_spans(plan, study)
    return tally


def command_of(plan: Plan, store: Store, figures: Figures | None = None) -> Command:
    """Return what all runs of a plan share."""
    first = plan.configurations[0]
    return Command(
        root=store.root,
        resume=first.resume,
        launcher=first.launcher.name,
        threads=first.threads,
        figures=figures,
        plan=plan.as_plain(),
    )
