"""Models and tasks from outside the package, found like the built-in ones.

A plugin is one file `./rnnbench_plugins/NAME.py` of the working folder, or a module that a distribution names
under the entry point `rnnbench.plugins` (a package stands for all its modules). Each holds one public
dataclass: a model when it has a method `build`, a task when it derives from `rnnbench.tasks.contract.Task`.
It has the name of the file. Files and modules whose names begin with "_" are ignored.

A plugin that cannot be used does not affect the others: it is reported as a `Problem`, in one line.
"""

from typing import Any

from rnnbench.plugins.discovery import Found, Problem, discover
from rnnbench.plugins.loading import FOLDER, Source, source_of

__all__ = ["FOLDER", "Found", "Problem", "Source", "discover", "models", "problems", "source_of", "tasks"]


def models() -> dict[str, type[Any]]:
    """Return every model by name, built-in ones and plugins, in alphabetical order."""
    return discover().models


def tasks() -> dict[str, type[Any]]:
    """Return every task by name, built-in ones and plugins, in alphabetical order."""
    return discover().tasks


def problems() -> list[Problem]:
    """Return the plugins that cannot be used, each with its reason."""
    return discover().problems
