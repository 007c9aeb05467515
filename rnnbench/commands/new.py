"""`rnnbench new model|task NAME`: a file to start from."""

import argparse

from rnnbench.commands.refusing import refusing_to_write, refusing_values
from rnnbench.plugins.writing import KINDS, write


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("kind", choices=KINDS, help="what the file is to define")
    parser.add_argument("name", metavar="NAME", help="its name; the file is ./rnnbench_plugins/NAME.py")


def main(options: argparse.Namespace) -> None:
    """Write the file and print its path; raises Refused where the name cannot be used or the file written."""
    with refusing_values(), refusing_to_write("rnnbench_plugins"):
        path = write(options.kind, options.name)
    print(f"{path}\ntry it: rnnbench check {options.name}")
