"""What follows `rnnbench run` on the command line: its flags, and the text of its help."""

import argparse
from collections.abc import Sequence
from dataclasses import fields
from typing import NoReturn

from rnnbench.base.refusals import Refused
from rnnbench.config import groups, schema

USAGE = """\
rnnbench run [FLAG ...] [KEY=VALUE ...]

Trains a model on a task, once for each seed, and prints the scores. Runs that are stored are not repeated;
those that failed or were interrupted are.

examples
  rnnbench run model=elman model.hidden=64 task=adding task.length=50 seeds=5
  rnnbench run model=rnn train={lr:0.01,updates:500}    several keys of one group
  rnnbench run -m model=elman,rnn task.length=20,50     all combinations
  rnnbench run experiment=demo                          a study: experiments/demo.yaml
  rnnbench run -m experiment=demo,papers/elman          two studies, one of them in a subfolder
  rnnbench run -cd settings train=mine                  options from settings/train/mine.yaml
  rnnbench run --dry-run experiment=demo                what is stored, what is left, and how long it takes
  rnnbench run -c job model=narx                        print the configuration
  rnnbench run hydra/launcher=joblib experiment=demo    train in processes

flags
  -m, --multirun           allow several values for a key
  --dry-run                print the plan and train nothing
  -cd, --config-dir DIR    a folder with options of groups; ./conf is always used
  -c, --cfg job|hydra|all  print each configuration, Hydra's own part, or both
  -p, --package PACKAGE    with --cfg: only this part, such as train
  --resolve                with --cfg: with interpolations resolved
  -i, --info TOPIC         print what the configuration is made of: all, config, defaults, defaults-tree,
                           plugins or searchpath
  --hydra-help             print Hydra's own help
  -h, --help               print this help
"""
OTHERS = """\
other keys
  seeds=1                  a number (5 means 0 to 4), or a list such as [0,3]
  budget.parameters=null   solve the model's width for the nearest number of parameters
  budget.macs=null         the same for multiply-adds of a step
  tune.trials=0            first run this many trials of each model on each task, and keep the best settings
  tune.seeds=1  tune.updates=null  tune.sampler=tpe  tune.seed=0  tune.space=null
  init.input=glorot  init.recurrent=orthogonal  init.output=glorot  init.bias=0.0
  resume=true              false: repeat runs that are stored
  evaluate.spans=null      a list of other spans of the task to try the trained networks on
  tracking.uri=null        an MLflow server or database; null: MLFLOW_TRACKING_URI, else SQLite in ./runs
  tracking.mirror=auto     later: leave the copy in MLflow to rnnbench sync
  study.name=null          name of the study; null: that of its file, else default
  diagnostics=false        true: measure influence, gradients and memory through time
  launch.batch=30          seconds of work in one job of a process or cluster launcher
  hydra.launcher.KEY       settings of the launcher: run -c hydra -p hydra.launcher hydra/launcher=NAME
  hydra.searchpath=[]      further folders of options, such as [file://settings,pkg://package.conf]

Fields of models and tasks: rnnbench list models, rnnbench list tasks. Studies, own options, launchers and
what differs from other programs that use Hydra: docs/hydra.md."""


class _FlagParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(f"{message}\nsee: rnnbench run --help")


def read_flags(arguments: Sequence[str]) -> argparse.Namespace:
    """Split flags from overrides; an unknown flag is refused.

    Raises
    ------
    Refused
        An unknown flag, or one that has no effect without another.
    """
    parser = _FlagParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--hydra-help", action="store_true")
    parser.add_argument("-m", "--multirun", action="store_true")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("-cd", "--config-dir")
    parser.add_argument("-c", "--cfg", nargs="?", const="job", choices=("job", "hydra", "all"))
    parser.add_argument("-p", "--package")
    parser.add_argument("--resolve", action="store_true")
    parser.add_argument(
        "-i",
        "--info",
        nargs="?",
        const="all",
        choices=("all", "config", "defaults", "defaults-tree", "plugins", "searchpath"),
    )
    parser.add_argument("overrides", nargs="*")
    flags = parser.parse_intermixed_args(arguments)
    for name in ("package", "resolve"):
        if getattr(flags, name) and not flags.cfg:
            raise Refused(f"--{name}: only beside --cfg, such as --cfg job --{name}")
    return flags


def help_text() -> str:
    """Return usage, the groups with their options, and the keys of training with their defaults."""
    options = "\n".join(f"  {group}={'|'.join(names)}" for group, names in groups.options().items())
    train = "\n".join(f"  train.{f.name}={f.default}".replace("=None", "=null") for f in fields(schema.Train))
    others = ", ".join(f"train.{name}" for name in schema.option_types())
    return f"{USAGE}\ngroups\n{options}\n\ntraining\n{train}\n  of the optimisers: {others}\n\n{OTHERS}"
