"""`rnnbench list`: models, tasks and experiments, and what memory costs in different models."""

import argparse
import inspect
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from omegaconf import OmegaConf

from rnnbench.base import tables
from rnnbench.commands.settings import as_typed
from rnnbench.config import available, folders
from rnnbench.config.identity import default_of
from rnnbench.models.sizes import sizes as computed_sizes
from rnnbench.plugins import source_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("what", choices=LISTS, help="what to list")


def main(options: argparse.Namespace) -> None:
    """Print a list."""
    LISTS[options.what]()


def models() -> None:
    """Print every model with the first line of its documentation and its fields with their defaults.

    Plugins are followed by their origin.
    """
    _show("model", available.models())


def tasks() -> None:
    """Print every task, as `models` does."""
    _show("task", available.tasks())


def _show(group: str, classes: Mapping[str, type[Any]]) -> None:
    for name, kind in classes.items():
        source = source_of(kind)
        print(f"{name}: {(inspect.getdoc(kind) or '').partition(chr(10))[0]}"
              + (f"  [{source.origin}]" if source else ""))  # fmt: skip
        defaults = {f.name: default_of(f) for f in fields(kind)}
        shown = [f"{group}.{n}={'?' if d is MISSING else as_typed(d)}" for n, d in defaults.items()]
        print(f"    {'  '.join(shown)}")
    available.print_problems()


def experiments() -> None:
    """Print every study file with its question."""
    found = folders.studies()
    for name, path in found.items():
        try:
            question = OmegaConf.select(OmegaConf.load(path), "study.question", default="(no question)")
        except Exception:
            question = f"({path} cannot be read)"
        print(f"{name:<{max(map(len, found))}}  {question}")


def sizes() -> None:
    """Print parameters, operations and state of TDNN, NARX and RNN for different spans of memory."""
    print("span: how many past steps the output depends on; 2 inputs, 32 hidden units, 1 output;")
    print("tdnn: window=span, narx: output_taps=span, rnn: one network for every span\n")
    header = ("span", "model", "parameters", "operations a step", "numbers of state")
    found = sorted(computed_sizes(), key=lambda size: size.model)
    lines = [map(str, (s.span, s.model, s.n_parameters, s.macs_per_step, s.state_size)) for s in found]
    tables.show(tables.console(), header, [list(line) for line in lines], (0, 2, 3, 4))


LISTS = {"models": models, "tasks": tasks, "experiments": experiments, "sizes": sizes}
