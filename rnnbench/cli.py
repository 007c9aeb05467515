"""The command `rnnbench`. Nothing heavy is imported before a subcommand needs it."""

import argparse
import io
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rnnbench.parsers import COMMANDS, LISTS, Unaccepted, parser, subparser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        The command line without the program's name; `sys.argv[1:]` by default.

    Returns
    -------
    int
        0; 1 for a refusal (one or two lines on stderr) or a failed run; 130 after Ctrl-C; 141 where nobody
        reads what is printed any more (`| head`). An unexpected exception is not caught: its traceback is
        wanted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    _print_anywhere()
    try:
        code = _dispatch(given)
        # Closed altogether (`>&-`), there is none.
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        # What is left in the buffer would fail once more when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except SystemExit as ended:
        # So rich ends where it cannot print.
        if isinstance(ended.__context__, BrokenPipeError):
            return 141
        raise
    except KeyboardInterrupt:
        print("rnnbench: interrupted", file=sys.stderr)
        return 130
    except Unaccepted as refused:
        from rnnbench.experiment.refusals import in_short

        print(f"rnnbench: {in_short(str(refused))}", file=sys.stderr)
        return 1


def _print_anywhere() -> None:
    """Let a terminal or a log that is not in UTF-8 show ? for what it lacks: it must not end a sweep."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")


def _dispatch(given: list[str]) -> int:
    # What follows `run` and `draw` is Hydra's notation, not argparse's.
    if given[:1] in (["run"], ["draw"]):
        return {"run": _run, "draw": _draw}[given[0]](given[1:])
    options = parser().parse_args(given)
    if options.command is None:
        parser().print_help()
        return 0
    if options.command not in COMMANDS:
        raise _unknown("command", options.command, COMMANDS)
    arguments = subparser(options.command).parse_intermixed_args(options.rest)
    carry_out = {
        "list": _list,
        "runs": _runs,
        "report": _report,
        "diff": _diff,
        "rerun": _rerun,
        "gallery": _gallery,
        "new": _new,
        "check": _check,
        "predict": _predict,
        "sample": _sample,
        "ui": _ui,
    }
    return carry_out[options.command](arguments)


def _unknown(what: str, word: str, allowed: Sequence[str]) -> Unaccepted:
    from rnnbench.experiment.refusals import unknown

    return Unaccepted(str(unknown(what, word, word, allowed)))


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn what is refused, and a store that cannot be used, into what the user reads."""
    from rnnbench.experiment.refusals import Refused
    from rnnbench.tracking import StoreError

    try:
        yield
    except (Refused, StoreError) as error:
        raise Unaccepted(str(error)) from error


@_refusing()
def _run(rest: list[str]) -> int:
    from rnnbench.experiment import command

    return command.run(rest, _figures)


def _figures(record: Mapping[str, Any], seen: Mapping[str, Any]) -> dict[str, bytes]:
    from rnnbench.reporting.seen import figures

    return figures(record, seen)


@_refusing()
def _draw(rest: list[str]) -> int:
    from rnnbench.experiment import drawn

    if "-h" in rest or "--help" in rest:
        print(drawn.HELP)
        return 0
    request = drawn.read_request(rest)
    from rnnbench.drawing import draw

    try:
        paths = draw(
            request.network, request.output, name=request.name, steps=request.steps, loop=request.loop
        )
    except ValueError as error:
        raise Unaccepted(str(error)) from error
    except OSError as error:
        where = error.filename or request.output
        raise Unaccepted(f"{where}: cannot be written ({error.strerror or error})") from error
    print("\n".join(map(str, paths)))
    return 0


def _gallery(options: argparse.Namespace) -> int:
    from rnnbench.gallery import gallery

    try:
        print(gallery(options.output))
    except OSError as error:
        where = error.filename or options.output
        raise Unaccepted(f"{where}: cannot be written ({error.strerror or error})") from error
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
        raise Unaccepted(str(error)) from error
    except OSError as error:
        where = error.filename or "rnnbench_plugins"
        raise Unaccepted(f"{where}: cannot be written ({error.strerror or error})") from error
    print(f"{path}\ntry it: rnnbench check {options.name}")
    return 0


@_refusing()
def _check(options: argparse.Namespace) -> int:
    from rnnbench.experiment.checking import check

    return check(options.name, options.settings)


@_refusing()
def _predict(options: argparse.Namespace) -> int:
    from rnnbench.experiment.stored.prediction import predict
    from rnnbench.tracking import Store

    print(predict(Store(options.uri), options.key, options.file, options.settings))
    return 0


@_refusing()
def _sample(options: argparse.Namespace) -> int:
    from rnnbench.experiment.stored.sampling import sample
    from rnnbench.tracking import Store

    print(sample(Store(options.uri), options.key, options.settings))
    return 0


@_refusing()
def _report(options: argparse.Namespace) -> int:
    from rnnbench.tracking import Store

    store = Store(options.uri)
    studies = store.studies()
    if not studies:
        from rnnbench.experiment.stored.lookup import NONE

        raise Unaccepted(f"{options.study}: unknown study; {NONE}")
    if options.study not in studies:
        raise _unknown("study", options.study, studies)
    from rnnbench.reporting import print_table, report
    from rnnbench.reporting.page import ReportError

    try:
        page = report(options.study, store)
        print_table(options.study, store)
    except ReportError as error:
        raise Unaccepted(str(error)) from error
    except OSError as error:
        where = error.filename or "reports"
        raise Unaccepted(f"{where}: the report cannot be written ({error.strerror or error})") from error
    print(page)
    return 0


@_refusing()
def _runs(options: argparse.Namespace) -> int:
    from rnnbench.experiment.stored.runs import runs
    from rnnbench.tracking import Store

    form = "json" if options.json else "csv" if options.csv else "table"
    act = "delete" if options.delete else "restore" if options.restore else "list"
    return runs(Store(options.uri), options.words, act, form, options.yes)


@_refusing()
def _diff(options: argparse.Namespace) -> int:
    from rnnbench.experiment.stored.difference import diff
    from rnnbench.tracking import Store

    diff(Store(options.uri), options.a, options.b)
    return 0


@_refusing()
def _rerun(options: argparse.Namespace) -> int:
    from rnnbench.experiment.stored.rerun import rerun
    from rnnbench.tracking import Store

    return 0 if rerun(Store(options.uri), options.key, options.settings) else 1


@_refusing()
def _ui(options: argparse.Namespace) -> int:
    from rnnbench.experiment.stored.lookup import NONE
    from rnnbench.tracking import Store
    from rnnbench.tracking.dashboard import serve

    if not 1 <= options.port <= 65535:
        raise Unaccepted(f"--port={options.port}: must lie between 1 and 65535")
    store = Store(options.uri)
    if not store.exists:
        raise Unaccepted(NONE)
    return serve(store, options.port)
