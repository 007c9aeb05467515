"""`rnnbench run`: read the command line, check every configuration, and only then train the first.

Hydra composes and type-checks configurations and reads the notation of overrides and sweeps. The loop over
configurations is ours: it composes each configuration once (Hydra's own sweeper and launcher: three times),
accepts a list of grids, and checks ranges and applicability before anything is written.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from hydra._internal.utils import get_args_parser
from hydra.core.global_hydra import GlobalHydra

from rnnbench.base.refusals import Refused
from rnnbench.base.startup import without_garbage_collection
from rnnbench.commands import dry_run
from rnnbench.commands.run_options import help_text, read_flags
from rnnbench.commands.stored import open_store
from rnnbench.config import available
from rnnbench.config.composition import PRIMARY, composing
from rnnbench.store import Store
from rnnbench.store.mirror import Beside, Mirror
from rnnbench.sweep.interruption import terminable
from rnnbench.sweep.launchers import LauncherError
from rnnbench.sweep.plan import Plan, read_plans
from rnnbench.sweep.sweep import carry_out


def main(arguments: Sequence[str]) -> int:
    """Carry out `rnnbench run` and return the exit code.

    Parameters
    ----------
    arguments : sequence of str
        What follows `rnnbench run` on the command line.

    Raises
    ------
    Refused
        The command line or a configuration is wrong, and nothing has been trained or written; or runs could
        not be started, and those that had ended before are stored.
    StoreError
        A run could not be stored.
    """
    flags = read_flags(arguments)
    with without_garbage_collection(), composing(flags.overrides, flags.config_dir) as overrides:
        if flags.help:
            print(help_text())
            return 0
        plans = [] if flags.hydra_help else read_plans(overrides, flags.multirun)
        available.print_problems()
        if flags.hydra_help or flags.info or flags.cfg:
            show(flags, [line for plan in plans for line in plan.lines])
            return 0
    store = open_store()
    if flags.dry_run:
        for plan in plans:
            dry_run.show(plan, store)
        return 0
    try:
        with terminable():
            return max([train(plan, store) for plan in plans])
    except LauncherError as error:
        raise Refused(str(error)) from error


def draw_diagnostics(record: Mapping[str, Any], seen: Mapping[str, Any]) -> dict[str, bytes]:
    """Draw the diagnostics of a run; imports Matplotlib only where there are any."""
    from rnnbench.reporting.seen import figures

    return figures(record, seen)


def train(plan: Plan, store: Store) -> int:
    """Run what is left of a plan and print a line for each configuration; returns the exit code."""
    for skipped in plan.skipped:
        print(f"{skipped['model']} · {skipped['task_label']}  not applicable: {skipped['reason']}")
    first = plan.configurations[0]
    with Beside(Mirror(store, first.uri), first.study, later=first.mirror == "later"):
        tally = carry_out(plan, store, draw_diagnostics, lambda line: print(line, flush=True))
    if tally.failed:
        print(f"rnnbench: {tally.failed} of {tally.runs} runs failed", file=sys.stderr)
    return 1 if tally.failed else 0


def show(flags: argparse.Namespace, lines: Sequence[Sequence[str]]) -> None:
    """Print what `--cfg`, `--info` or `--hydra-help` ask for, as Hydra does; in a block of `composing`.

    Parameters
    ----------
    flags : Namespace
        From `run_options.read_flags`, with `hydra_help`, `info` or `cfg`.
    lines : sequence of sequences of str
        The overrides of each configuration.
    """
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    if flags.hydra_help:
        hydra.hydra_help(None, get_args_parser(), argparse.Namespace(overrides=[]))
    elif flags.info:
        hydra.show_info(flags.info, PRIMARY, list(lines[0]))
    else:
        for place, line in enumerate(lines):
            print("---\n" if place else "", end="")
            hydra.show_cfg(PRIMARY, list(line), flags.cfg, flags.package, flags.resolve)
