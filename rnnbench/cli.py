"""The command `rnnbench`: it finds the file of a command, which does the rest.

A command is a file `rnnbench/commands/NAME.py` with two functions: ``add_arguments(parser)`` and
``main(options)``, which returns the exit code where it is not always 0. Those of `RAW` have only
``main(arguments)``.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from rnnbench import __version__
from rnnbench.base.refusals import Refused, in_short, unknown
from rnnbench.base.startup import without_garbage_collection
from rnnbench.commands import COMMANDS

#: Commands that read their arguments themselves: these are written in Hydra's notation.
RAW = ("run", "draw")
HELP = """\
usage: rnnbench COMMAND ...
       rnnbench COMMAND --help

Recurrent networks as boxes and arrows, compared on tasks with long dependencies.

commands
{commands}

options
  --help       show this text
  --version    show the version

examples
  rnnbench run model=elman task=adding task.length=50 seeds=5
  rnnbench run -m model=elman,rnn task.length=20,50
  rnnbench run experiment=demo
  rnnbench report demo
  rnnbench runs demo model=elman outcome=failed
  rnnbench diff 3f2a 81c0
  rnnbench predict 3f2a data.csv output=predictions.csv
  rnnbench sample 3f2a temperature=0.5 seed=1
  rnnbench draw model=brnn
  rnnbench new model my_model
  rnnbench check my_model"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        The command line without the program's name; `sys.argv[1:]` by default.

    Returns
    -------
    int
        0; 1 where the command cannot be carried out (one or two lines on stderr say why) or a run failed; 130
        after Ctrl-C; 141 where the reader of the output has gone (`| head`). Unexpected exceptions are not
        caught.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    _replace_unencodable()
    try:
        code = _dispatch(given)
        # There is none where it was closed (`>&-`).
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The interpreter would fail again when it flushes the rest at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except SystemExit as ended:
        # rich turns a broken pipe into this.
        if isinstance(ended.__context__, BrokenPipeError):
            return 141
        raise
    except KeyboardInterrupt:
        print("rnnbench: interrupted", file=sys.stderr)
        return 130
    except Refused as refused:
        print(f"rnnbench: {in_short(str(refused))}", file=sys.stderr)
        return 1


def _replace_unencodable() -> None:
    """Let output that is not in UTF-8 show ? for what it cannot: that must not end a sweep."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="replace")


def _dispatch(given: list[str]) -> int:
    name, *rest = given or ["--help"]
    if name in ("-h", "--help"):
        lines = (f"  {command:<11}{about}" for command, about in COMMANDS.items())
        print(HELP.format(commands="\n".join(lines)))
        return 0
    if name == "--version":
        print(f"rnnbench {__version__}")
        return 0
    if name not in COMMANDS:
        raise unknown("option" if name.startswith("-") else "command", name, name, COMMANDS)
    with without_garbage_collection():
        command = import_module(f"rnnbench.commands.{name}")
    if name in RAW:
        return command.main(rest) or 0
    parser = _Parser(
        prog=f"rnnbench {name}",
        description=COMMANDS[name],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_arguments(parser)
    return command.main(parser.parse_intermixed_args(rest)) or 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(f"{message}\nsee: {self.prog} --help")
