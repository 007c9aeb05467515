"""The trials of a tuning: runs like any other, in a study of their own."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rnnbench.base.wording import counted
from rnnbench.config.configuration import Configuration
from rnnbench.config.identity import run_key
from rnnbench.store import Store
from rnnbench.sweep.command import Command
from rnnbench.sweep.complete import complete
from rnnbench.sweep.launchers import Launcher, LauncherError
from rnnbench.sweep.plan import Plan
from rnnbench.sweep.tuning.search import tuned


def tune(plan: Plan, store: Store, command: Command, launcher: Launcher) -> Plan:
    """Return the plan with tuned values, where it asks for tuning; runs what trials are not stored yet.

    Parameters
    ----------
    plan : Plan
        From `plan.check`.
    store : Store
        Keeps the trials, in the study "<study>.tuning".
    command : Command
        What all runs of the command share.
    launcher : Launcher
        Where trials are trained.

    Raises
    ------
    LauncherError
        Trials died with their processes: without them nothing fair can be chosen.
    """
    trials = sum(c.tune.trials for c in plan.configurations)
    if not trials:
        return plan
    study = plan.configurations[0].study
    print(f"{study}: tuning on validation data, {counted(trials, 'trial')}", file=sys.stderr)

    def run(configurations: Sequence[Configuration]) -> list[list[Mapping[str, Any]]]:
        trial_study = store.study(configurations[0].study)
        trial_study.open()
        tally = complete(Plan(list(configurations)), trial_study, command, launcher, say=lambda line: None)
        if tally.died:
            # They would count as the worst, and another choice would be made than on the next start.
            raise LauncherError(
                f"{counted(tally.died, 'trial')} died with their processes; start again to repeat them"
            )
        return _results(configurations, store)

    found = tuned(plan, run)
    for name, configuration in zip(plan.names, found.configurations, strict=True):
        if configuration.tuning and configuration.tuning["chosen_trial"] is None:
            count = configuration.tuning["trials"]
            print(
                f"rnnbench: {name}: none of its {count} trials ended well; it is run as configured",
                file=sys.stderr,
            )
    return found


class _NotYet(Exception):
    """Trials that are to be looked up are not all stored."""


def foresee(plan: Plan, store: Store, command: Command) -> tuple[Plan, int]:
    """Return what tuning will make of a plan, as far as stored runs tell, without running anything.

    Returns
    -------
    Plan
        With tuned values where all trials are stored; else the plan itself.
    int
        Runs of trials that are left.
    """
    left = sum(c.tune.trials * c.tune.seeds for c in plan.configurations)
    if not left or not command.resume:
        return plan, left
    ended: list[str] = []

    def look(configurations: Sequence[Configuration]) -> list[list[Mapping[str, Any]]]:
        found = _results(configurations, store)
        outcomes = [run["outcome"] for runs in found for run in runs]
        ended.extend(outcome for outcome in outcomes if outcome != "failed")
        if "failed" in outcomes:
            raise _NotYet
        return found

    try:
        return tuned(plan, look), 0
    except _NotYet:
        return plan, left - len(ended)


def _results(configurations: Sequence[Configuration], store: Store) -> list[list[Mapping[str, Any]]]:
    """Return scores and outcome of every seed of every configuration; a run that is missing has failed."""
    study = store.study(configurations[0].study)
    found = study.summaries()
    rows = [[found.get(run_key(c, seed)) for seed in c.seeds] for c in configurations]
    return [
        [{"outcome": "failed"} if run is None else {**run.scores, "outcome": run.outcome} for run in row]
        for row in rows
    ]
