"""`rnnbench run`: read the command line, check every configuration, and only then train the first.

Hydra composes and type-checks configurations and reads the notation of overrides and sweeps. The loop over
configurations is ours: it composes each configuration once (Hydra's own sweeper and launcher: three times),
can take a list of grids, and checks ranges and applicability before anything is written.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from typing import NoReturn

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import OmegaConf

from rnnbench.experiment import available, dry_run, folders, schema
from rnnbench.experiment.composition import compose_one, composing
from rnnbench.experiment.conduct import conduct, look_out, open_store
from rnnbench.experiment.interruption import terminable
from rnnbench.experiment.job import Figures
from rnnbench.experiment.launchers.contract import LauncherError
from rnnbench.experiment.plan import Plan, check
from rnnbench.experiment.refusals import Refused
from rnnbench.experiment.stored.lookup import listed
from rnnbench.experiment.sweep import Reader, choices_of, expand, read_grids
from rnnbench.experiment.tuning.trials import foresee, tune
from rnnbench.experiment.wording import counted
from rnnbench.tracking import Store, StoreError

USAGE = """\
rnnbench run [-m] [--cfg] [--dry-run] [KEY=VALUE ...]

  rnnbench run model=elman model.hidden=64 task=adding task.length=50 seeds=5
  rnnbench run -m model=elman,rnn task.length=20,50     every combination
  rnnbench run experiment=demo                          a study: experiments/demo.yaml
  rnnbench run --cfg model=narx                         print the configuration, run nothing
  rnnbench run --dry-run experiment=demo                what is done, what would be run, and for how long

Runs that are stored already are left out, those that failed or were interrupted are run again.
"""
OTHERS = """\
others
  seeds=1                  how many (5 means 0 to 4), or a list such as [0,3]
  budget.parameters=null   solves the model's width for the nearest parameter count
  budget.macs=null         the same for the nearest number of multiply-adds of a step
  tune.trials=0            so many trials of each model on each task first, chosen on validation data
  tune.seeds=1  tune.updates=null  tune.sampler=tpe  tune.seed=0  tune.space=null
  init.input=glorot  init.recurrent=orthogonal  init.output=glorot  init.bias=0.0
  resume=on                off: run everything afresh, whatever is stored
  evaluate.spans=null      a list of further spans of the task on which the trained networks are tried
  tracking.uri=null        http://host:port of an MLflow server; SQLite in ./runs by default
  study.name=null          the study file's name, else default
  diagnostics=off          on: influence, gradients, memory through time, as metrics and figures

The fields of models and tasks: rnnbench list models, rnnbench list tasks."""


def run(arguments: Sequence[str], figures: Figures | None = None) -> int:
    """Carry out `rnnbench run` and return the exit code.

    Parameters
    ----------
    arguments : sequence of str
        What follows `rnnbench run` on the command line.
    figures : callable, optional
        Draws the diagnostics of a run: gives files by name for its record and what was seen. Without it there
        are none.

    Raises
    ------
    Refused
        Before anything is trained or written.
    """
    flags = read_flags(arguments)
    if flags.help:
        print(help_text())
        return 0
    with composing():
        lines = read_lines(flags.overrides, sweeping=flags.multirun)
        plan = check(lines)
        available.print_problems()
        if flags.cfg:
            print("---\n".join(OmegaConf.to_yaml(compose_one(line)[0]) for line in lines), end="")
            return 0
    try:
        if flags.dry_run:
            store = Store(plan.configurations[0].uri)
            tuned, trials = foresee(plan, store)
            dry_run.show(tuned, look_out(tuned, store), listed(store, store.studies()), trials)
            return 0
        with terminable():
            return carry_out(plan, figures)
    except StoreError as error:
        print(f"rnnbench: a run could not be stored: {error}", file=sys.stderr)
        return 1
    except LauncherError as error:
        raise Refused(str(error)) from error


def read_flags(arguments: Sequence[str]) -> argparse.Namespace:
    """Split flags from overrides; an unknown flag is refused. `--cfg job` is Hydra's spelling of `--cfg`."""
    given = ["--cfg" if text == "--cfg=job" else text for text in arguments]
    given = [t for n, t in enumerate(given) if not (t == "job" and n and given[n - 1] == "--cfg")]
    parser = _FlagParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("-m", "--multirun", action="store_true")
    parser.add_argument("--cfg", action="store_true")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("overrides", nargs="*")
    return parser.parse_intermixed_args(given)


class _FlagParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(f"{message}\nallowed: -m, --cfg, --dry-run, --help and KEY=VALUE")


def read_lines(arguments: Sequence[str], sweeping: bool) -> list[list[str]]:
    """Return the overrides of each configuration that a command line describes.

    Parameters
    ----------
    arguments : sequence of str
        Overrides as typed; may name a study with `experiment=NAME`.
    sweeping : bool
        Whether `-m` was given: without it, several values for a key are refused.

    Raises
    ------
    Refused
        For what can be told from the names alone; types and ranges are checked by `plan.check`.
    """
    read = Reader(OverridesParser.create(GlobalHydra.instance().config_loader()), schema.groups())
    given = [read(text) for text in arguments]
    _check_given(given, sweeping)
    experiment = next((choices_of(o) for o in given if o.key_or_group == "experiment"), [])
    rest = [o for o in given if o.key_or_group != "experiment"]
    if len(experiment) > 1:
        raise Refused(f"experiment={','.join(experiment)}: one study at a time")
    if not experiment or experiment == ["null"]:
        return expand([{}], rest)
    name = experiment[0]
    sweep = schema.register_study(name, folders.studies()[name])
    return [[f"experiment={name}", *line] for line in expand(read_grids(sweep, name, read), rest)]


def _check_given(given: Sequence[Override], sweeping: bool) -> None:
    """Refuse several values without `-m`, and a key that is given twice."""
    first: dict[str, str] = {}
    for override in given:
        line, key = override.input_line or "", override.get_key_element()
        if override.is_sweep_override() and not sweeping:
            raise Refused(f"{line}: several values; rnnbench run -m sweeps over them, {key}=[...] is a list")
        if key in first:
            raise Refused(f"{line}: {key} is already given by {first[key]}")
        first[key] = line


def carry_out(plan: Plan, figures: Figures | None = None) -> int:
    """Run what is left of every configuration, print a line for each; returns the exit code."""
    for skipped in plan.skipped:
        print(f"{skipped['model']} · {skipped['task_label']}  not applicable: {skipped['reason']}")
    store = open_store(plan)
    tally = conduct(tune(plan, store), store, figures, lambda line: print(line, flush=True))
    if tally.failed:
        print(f"rnnbench: {tally.failed} of {tally.runs} runs failed", file=sys.stderr)
    if tally.waiting:
        where = f"{store.root.name}/spool"
        many = counted(tally.waiting, "finished run")
        print(f"rnnbench: {many} in {where}, to be stored on the next start", file=sys.stderr)
    return 1 if tally.failed or tally.waiting else 0


def help_text() -> str:
    """Return usage, the groups with their options, and the keys of training with their defaults."""
    options = "\n".join(f"  {group}={'|'.join(names)}" for group, names in schema.groups().items())
    train = "\n".join(f"  train.{f.name}={f.default}".replace("=None", "=null") for f in fields(schema.Train))
    others = ", ".join(f"train.{name}" for name in schema.option_types())
    return f"{USAGE}\ngroups\n{options}\n\ntraining\n{train}\n  of the optimisers: {others}\n\n{OTHERS}"
