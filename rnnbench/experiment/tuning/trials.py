"""The trials of a tuning: runs like any other, in a study of their own."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rnnbench.experiment.conduct import conduct
from rnnbench.experiment.configuration import Configuration
from rnnbench.experiment.identity import run_key
from rnnbench.experiment.launchers.contract import LauncherError
from rnnbench.experiment.memory import TooLarge
from rnnbench.experiment.plan import Plan
from rnnbench.experiment.tuning.choice import tuned
from rnnbench.experiment.wording import counted
from rnnbench.tracking import Store, StoreError


def tune(plan: Plan, store: Store) -> Plan:
    """Return the plan with tuned values, where it asks for tuning; runs what trials are not stored yet.

    Parameters
    ----------
    plan : Plan
        From `plan.check`.
    store : Store
        Keeps the trials, in the study "<study>.tuning".

    Raises
    ------
    StoreError
        Trials could not be stored: what they chose could not be told again.
    LauncherError
        Trials were lost with their workers: nothing fair can be chosen without them.
    """
    trials = sum(c.tune.trials for c in plan.configurations)
    if not trials:
        return plan
    study = plan.configurations[0].study
    print(f"{study}: tuning on validation data, {counted(trials, 'trial')}", file=sys.stderr)
    found = tuned(plan, lambda configurations: _run(configurations, store))
    for name, configuration in zip(plan.names, found.configurations, strict=True):
        if configuration.tuning and configuration.tuning["chosen_trial"] is None:
            text = (
                f"none of its {configuration.tuning['trials']} trials ended well; it is run as it was written"
            )
            print(f"rnnbench: {name}: {text}", file=sys.stderr)
    return found


class _NotYet(Exception):
    """Trials that are to be looked up are not all stored."""


def foresee(plan: Plan, store: Store) -> tuple[Plan, int]:
    """Return what tuning will make of a plan, as far as the store tells, without running anything.

    Returns
    -------
    Plan
        With tuned values where all trials are stored; else the plan itself.
    int
        Runs of trials that are left.
    """
    left = sum(c.tune.trials * c.tune.seeds for c in plan.configurations)
    if not left or not plan.configurations[0].resume or not store.exists:
        return plan, left
    known = 0

    def look(configurations: Sequence[Configuration]) -> list[list[Mapping[str, Any]]]:
        nonlocal known
        found = _found(configurations, store)
        known += sum(run["outcome"] != "failed" for runs in found for run in runs)
        if any(run["outcome"] == "failed" for runs in found for run in runs):
            raise _NotYet
        return found

    try:
        return tuned(plan, look), 0
    except _NotYet:
        return plan, left - known


def _run(configurations: Sequence[Configuration], store: Store) -> list[list[Mapping[str, Any]]]:
    """Run configurations, or find their runs in the store; returns what each seed of each gave."""
    store.open(configurations[0].study)
    try:
        tally = conduct(Plan(list(configurations)), store, say=lambda line: None)
    except TooLarge as refused:
        # The only configuration of this round.
        print(f"rnnbench: {refused}", file=sys.stderr)
    else:
        if tally.waiting:
            raise StoreError(f"{counted(tally.waiting, 'trial')} could not be stored: {store.trouble}")
        if tally.lost:
            # They would count as the worst, and another choice would be made than on the next start.
            raise LauncherError(
                f"{counted(tally.lost, 'trial')} died with the workers; start again, and these are repeated"
            )
    return _found(configurations, store)


def _found(configurations: Sequence[Configuration], store: Store) -> list[list[Mapping[str, Any]]]:
    """Return what the store holds of every seed of every configuration; what it lacks has failed."""
    states = store.states(configurations[0].study)
    found = [[states.get(run_key(c, seed)) for seed in c.seeds] for c in configurations]
    return [
        [{"outcome": "failed"} if s is None else {**s.scores, "outcome": s.outcome} for s in seeds]
        for seeds in found
    ]
