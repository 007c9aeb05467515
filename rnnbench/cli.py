"""The command `rnnbench`. Nothing heavy is imported before a subcommand needs it."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from rnnbench import __version__

DESCRIPTION = "Recurrent networks as boxes and arrows, compared on tasks with long dependencies."
EPILOG = """\
examples
  rnnbench run model=elman task=adding task.length=50 seeds=5
  rnnbench run -m model=elman,rnn task.length=20,50
  rnnbench run experiment=demo
  rnnbench report demo
  rnnbench draw model=brnn
  rnnbench gallery
  rnnbench new model my_model
  rnnbench check my_model
  rnnbench predict 3f2a data.csv output=predictions.csv
  rnnbench sample 3f2a temperature=0.5 seed=1
"""
COMMANDS = ("run", "list", "report", "draw", "gallery", "new", "check", "predict", "sample", "ui")
LISTS = ("models", "tasks", "experiments", "sizes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        The command line without the program's name; `sys.argv[1:]` by default.

    Returns
    -------
    int
        0; 1 for a refusal (one or two lines on stderr) or a failed run; 130 after Ctrl-C. An unexpected
        exception is not caught: its traceback is wanted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _dispatch(given)
    except KeyboardInterrupt:
        print("rnnbench: interrupted", file=sys.stderr)
        return 130
    except _Refused as refused:
        print(f"rnnbench: {refused}", file=sys.stderr)
        return 1


class _Refused(Exception):
    """A command that is not carried out; the message is what the user reads."""


class _Parser(argparse.ArgumentParser):
    """Refuses in our own form: a short message with the nearest name, exit code 1."""

    def error(self, message: str) -> NoReturn:
        raise _Refused(f"{message}\nsee: {self.prog} --help")


def _dispatch(given: list[str]) -> int:
    # What follows `run` and `draw` is Hydra's notation, not argparse's.
    if given[:1] in (["run"], ["draw"]):
        return {"run": _run, "draw": _draw}[given[0]](given[1:])
    options = _parser().parse_args(given)
    if options.command is None:
        _parser().print_help()
        return 0
    if options.command not in COMMANDS:
        raise _unknown("command", options.command, COMMANDS)
    arguments = _subparser(options.command).parse_args(options.rest)
    carry_out = {
        "list": _list,
        "report": _report,
        "gallery": _gallery,
        "new": _new,
        "check": _check,
        "predict": _predict,
        "sample": _sample,
        "ui": _ui,
    }
    return carry_out[options.command](arguments)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="rnnbench",
        description=DESCRIPTION,
        epilog=EPILOG,
        usage=f"rnnbench {{{','.join(COMMANDS)}}} ...",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"rnnbench {__version__}")
    parser.add_argument(
        "command",
        nargs="?",
        help="run: train; list models|tasks|experiments|sizes; report NAME: table and figures of a study; "
        "draw: diagrams of a network; gallery: a page about every model; "
        "new model|task NAME: a file to start from; check NAME: the contracts of a model or task; "
        "predict RUN_KEY FILE: use a trained network; sample RUN_KEY: let a character model write; "
        "ui: MLflow dashboard",
    )
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _subparser(command: str) -> argparse.ArgumentParser:
    parser = _Parser(prog=f"rnnbench {command}", allow_abbrev=False)
    if command == "list":
        parser.add_argument("what", help=" | ".join(LISTS))
    elif command == "report":
        parser.add_argument("study", help="name of a study that was run, such as demo")
    elif command == "gallery":
        parser.add_argument("--output", default="reports/models", help="folder that is written")
    elif command == "new":
        parser.add_argument("kind", help="model | task")
        parser.add_argument("name", help="name of the model or task: ./rnnbench_plugins/NAME.py is written")
    elif command == "check":
        parser.add_argument("name", help="a model or a task, see rnnbench list")
        parser.add_argument("settings", nargs="*", help="fields, such as model.hidden=8 or task.length=20")
    elif command in ("predict", "sample"):
        parser.add_argument(
            "key", help="key of a stored run (column key of a report's runs.csv), or its beginning"
        )
    else:
        parser.add_argument("--port", type=int, default=5000, help="port on 127.0.0.1 (default 5000)")
    if command == "predict":
        parser.add_argument("file", help="CSV: a header, a column for each input, a row for each step")
        parser.add_argument(
            "settings",
            nargs="*",
            help="output=predictions.csv  loop=closed|open  missing=refuse|fill  delimiter=,",
        )
    elif command == "sample":
        parser.add_argument("settings", nargs="*", help="prefix=TEXT  length=200  temperature=0.8  seed=0")
    if command in ("report", "predict", "sample", "ui"):
        parser.add_argument(
            "--uri", help="address of the MLflow server or database (default: SQLite in ./runs)"
        )
    return parser


def _unknown(what: str, word: str, allowed: Sequence[str]) -> _Refused:
    from rnnbench.experiment.refusals import unknown

    return _Refused(str(unknown(what, word, word, allowed)))


def _run(rest: list[str]) -> int:
    from rnnbench.experiment.refusals import Refused

    try:
        from rnnbench.experiment import command

        return command.run(rest, _figures)
    except Refused as refused:
        raise _Refused(str(refused)) from refused


def _figures(record: Mapping[str, Any], seen: Mapping[str, Any]) -> dict[str, bytes]:
    from rnnbench.reporting.seen import figures

    return figures(record, seen)


def _draw(rest: list[str]) -> int:
    from rnnbench.experiment import drawn
    from rnnbench.experiment.refusals import Refused

    if "-h" in rest or "--help" in rest:
        print(drawn.HELP)
        return 0
    try:
        request = drawn.read_request(rest)
    except Refused as refused:
        raise _Refused(str(refused)) from refused
    from rnnbench.drawing import draw

    try:
        paths = draw(
            request.network, request.output, name=request.name, steps=request.steps, loop=request.loop
        )
    except ValueError as error:
        raise _Refused(str(error)) from error
    except OSError as error:
        where = error.filename or request.output
        raise _Refused(f"{where}: cannot be written ({error.strerror or error})") from error
    print("\n".join(map(str, paths)))
    return 0


def _gallery(options: argparse.Namespace) -> int:
    from rnnbench.gallery import gallery

    try:
        print(gallery(options.output))
    except OSError as error:
        where = error.filename or options.output
        raise _Refused(f"{where}: cannot be written ({error.strerror or error})") from error
    return 0


def _list(options: argparse.Namespace) -> int:
    if options.what not in LISTS:
        raise _unknown("list", options.what, LISTS)
    from rnnbench.experiment import listing

    print(getattr(listing, options.what)())
    if options.what in ("models", "tasks"):
        from rnnbench.experiment.available import print_problems

        print_problems()
    return 0


def _new(options: argparse.Namespace) -> int:
    from rnnbench.plugins.writing import KINDS, write

    if options.kind not in KINDS:
        raise _unknown("kind", options.kind, KINDS)
    try:
        path = write(options.kind, options.name)
    except ValueError as error:
        raise _Refused(str(error)) from error
    except OSError as error:
        where = error.filename or "rnnbench_plugins"
        raise _Refused(f"{where}: cannot be written ({error.strerror or error})") from error
    print(f"{path}\ntry it: rnnbench check {options.name}")
    return 0


def _check(options: argparse.Namespace) -> int:
    from rnnbench.experiment.checking import check
    from rnnbench.experiment.refusals import Refused

    try:
        return check(options.name, options.settings)
    except Refused as refused:
        raise _Refused(str(refused)) from refused


def _predict(options: argparse.Namespace) -> int:
    from rnnbench.experiment.prediction import predict
    from rnnbench.experiment.refusals import Refused
    from rnnbench.tracking import Store, StoreError

    try:
        print(predict(Store(options.uri), options.key, options.file, options.settings))
    except (Refused, StoreError) as error:
        raise _Refused(str(error)) from error
    return 0


def _sample(options: argparse.Namespace) -> int:
    from rnnbench.experiment.refusals import Refused
    from rnnbench.experiment.sampling import sample
    from rnnbench.tracking import Store, StoreError

    try:
        print(sample(Store(options.uri), options.key, options.settings))
    except (Refused, StoreError) as error:
        raise _Refused(str(error)) from error
    return 0


def _report(options: argparse.Namespace) -> int:
    from rnnbench.tracking import Store, StoreError

    try:
        store = Store(options.uri)
        studies = store.studies()
    except StoreError as error:
        raise _Refused(str(error)) from error
    if options.study not in studies:
        raise _unknown("study", options.study, studies)
    from rnnbench.reporting import print_table, report
    from rnnbench.reporting.page import ReportError

    try:
        page = report(options.study, store)
        print_table(options.study, store)
    except (ReportError, StoreError) as error:
        raise _Refused(str(error)) from error
    except OSError as error:
        where = error.filename or "reports"
        raise _Refused(f"{where}: the report cannot be written ({error.strerror or error})") from error
    print(page)
    return 0


def _ui(options: argparse.Namespace) -> int:
    from rnnbench.tracking import Store, StoreError
    from rnnbench.tracking.dashboard import serve

    if not 1 <= options.port <= 65535:
        raise _Refused(f"--port={options.port}: must lie between 1 and 65535")
    try:
        store = Store(options.uri)
    except StoreError as error:
        raise _Refused(str(error)) from error
    if not store.exists:
        raise _Refused("there are no runs in ./runs yet: start one with rnnbench run")
    return serve(store, options.port)
