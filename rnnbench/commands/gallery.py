"""`rnnbench gallery`: a page about every model."""

import argparse

from rnnbench.commands.refusing import refusing_to_write


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--output", default="reports/models", help="folder to write (default: %(default)s)")


def main(options: argparse.Namespace) -> None:
    """Write the gallery and print the path of its page; raises Refused where it cannot be written."""
    from rnnbench.diagrams.gallery import gallery

    with refusing_to_write(options.output):
        print(gallery(options.output))
