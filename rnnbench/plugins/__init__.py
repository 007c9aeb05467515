"""Models and tasks from outside the package, found like the built-in ones.

A plugin is one file `./rnnbench_plugins/NAME.py` of the working folder, or a module that a distribution names
under the entry point `rnnbench.plugins` (a package stands for all its modules). Each holds one public
dataclass: a model when it has a method `build`, a task when it derives from `rnnbench.tasks.contract.Task`.
Its name is the file's. Files and modules whose names begin with "_" are not looked at.

A plugin that cannot be used is no error of those that can: it is a `Problem`, one plain line.
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
