"""What the command line accepts: the commands, their arguments, and how wrong ones are refused."""

import argparse
from typing import NoReturn

from rnnbench import __version__

DESCRIPTION = "Recurrent networks as boxes and arrows, compared on tasks with long dependencies."
EPILOG = """\
examples
  rnnbench run model=elman task=adding task.length=50 seeds=5
  rnnbench run -m model=elman,rnn task.length=20,50
  rnnbench run experiment=demo
  rnnbench runs demo model=elman outcome=failed
  rnnbench report demo
  rnnbench diff 3f2a 81c0
  rnnbench rerun 3f2a
  rnnbench draw model=brnn
  rnnbench gallery
  rnnbench new model my_model
  rnnbench check my_model
  rnnbench predict 3f2a data.csv output=predictions.csv
  rnnbench sample 3f2a temperature=0.5 seed=1
"""
COMMANDS = (
    "run",
    "list",
    "runs",
    "report",
    "diff",
    "rerun",
    "draw",
    "gallery",
    "new",
    "check",
    "predict",
    "sample",
    "ui",
)
LISTS = ("models", "tasks", "experiments", "sizes")
KEY = "key of a stored run (see rnnbench runs), or its beginning; STUDY/KEY for one study's"
#: Commands that read the store.
STORED = ("runs", "report", "diff", "rerun", "predict", "sample", "ui")


class Unaccepted(Exception):
    """A command that is not carried out; the message is what the user reads."""


class _Parser(argparse.ArgumentParser):
    """Refuses in our own form: a short message with the nearest name, exit code 1."""

    def error(self, message: str) -> NoReturn:
        raise Unaccepted(f"{message}\nsee: {self.prog} --help")


def parser() -> argparse.ArgumentParser:
    """Return the parser of a command's name, which leaves everything behind it unread."""
    made = _Parser(
        prog="rnnbench",
        description=DESCRIPTION,
        epilog=EPILOG,
        usage=f"rnnbench {{{','.join(COMMANDS)}}} ...",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--version", action="version", version=f"rnnbench {__version__}")
    made.add_argument(
        "command",
        nargs="?",
        help="run: train; list models|tasks|experiments|sizes; runs: what is stored; "
        "report NAME: table and figures of a study; diff A B: how two runs differ; "
        "rerun RUN_KEY: repeat a run and compare; "
        "draw: diagrams of a network; gallery: a page about every model; "
        "new model|task NAME: a file to start from; check NAME: the contracts of a model or task; "
        "predict RUN_KEY FILE: use a trained network; sample RUN_KEY: let a character model write; "
        "ui: MLflow dashboard",
    )
    made.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return made


def subparser(command: str) -> argparse.ArgumentParser:
    """Return the parser of what follows a command's name."""
    made = _Parser(
        prog=f"rnnbench {command}", allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if command == "list":
        made.add_argument("what", help=" | ".join(LISTS))
    elif command == "report":
        made.add_argument("study", help="name of a study that was run, such as demo")
    elif command == "gallery":
        made.add_argument("--output", default="reports/models", help="folder that is written")
    elif command == "new":
        made.add_argument("kind", help="model | task")
        made.add_argument("name", help="name of the model or task: ./rnnbench_plugins/NAME.py is written")
    elif command == "check":
        made.add_argument("name", help="a model or a task, see rnnbench list")
        made.add_argument("settings", nargs="*", help="fields, such as model.hidden=8 or task.length=20")
    elif command in ("predict", "sample", "rerun"):
        made.add_argument("key", help=KEY)
    elif command == "diff":
        made.add_argument("a", help=KEY)
        made.add_argument("b", help="key of the other run")
    elif command == "runs":
        _add_runs(made)
    else:
        made.add_argument("--port", type=int, default=5000, help="port on 127.0.0.1 (default 5000)")
    if command == "predict":
        made.add_argument("file", help="CSV: a header, a column for each input, a row for each step")
        made.add_argument(
            "settings",
            nargs="*",
            help="output=predictions.csv  loop=closed|open  missing=refuse|fill  delimiter=,",
        )
    elif command == "sample":
        made.add_argument("settings", nargs="*", help="prefix=TEXT  length=200  temperature=0.8  seed=0")
    elif command == "rerun":
        made.add_argument(
            "settings",
            nargs="*",
            help="study=NAME where several have the key; tolerance=1e-3 where bits cannot be compared",
        )
    if command in STORED:
        made.add_argument(
            "--uri", help="address of the MLflow server or database (default: SQLite in ./runs)"
        )
    return made


def _add_runs(made: argparse.ArgumentParser) -> None:
    made.description = "Lists the runs that are stored, oldest first; failed ones too."
    made.epilog = (
        "examples\n"
        "  rnnbench runs demo model=elman,rnn 'task=adding*' seed=0\n"
        "  rnnbench runs outcome=failed\n"
        "  rnnbench runs demo 'score<0.5' 'updates>=1000'     quoted: the shell reads < and > itself\n"
        "  rnnbench runs demo outcome=diverged --delete"
    )
    made.add_argument("words", nargs="*", metavar="STUDY KEY=VALUE", help="one study; which of its runs")
    act = made.add_mutually_exclusive_group()
    act.add_argument("--delete", action="store_true", help="delete the runs that are listed (asks first)")
    act.add_argument("--restore", action="store_true", help="bring deleted runs of a study back")
    made.add_argument("--yes", action="store_true", help="delete without asking")
    form = made.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON, with all scores")
    form.add_argument("--csv", action="store_true", help="as CSV")
