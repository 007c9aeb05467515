"""Tasks: one file, one public dataclass each; a file in this folder is found without being listed."""

import dataclasses
import pkgutil
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnbench.tasks.contract import Task

#: Modules of this folder that hold no task.
SUPPORT = frozenset({"batches", "characters", "contract", "decoding", "linear", "ngrams", "split", "table"})


def names() -> list[str]:
    """Names of the tasks of this folder, sorted; nothing is imported."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name not in SUPPORT)


def found() -> "dict[str, type[Task]]":
    """Every task of this folder by name, which is the name of its file; imports them all.

    Returns
    -------
    dict of str to type
        Sorted by name.

    Raises
    ------
    TypeError
        A file does not hold exactly one public dataclass deriving from ``Task``.
    """
    return {name: task_of(import_module(f"{__name__}.{name}")) for name in names()}


def task_of(module: ModuleType) -> "type[Task]":
    """Return the one public task of a module; ``TypeError`` names the module that has none or several."""
    from rnnbench.tasks.contract import Task

    own = [
        value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Task)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]
    if len(own) != 1 or "__dataclass_params__" not in vars(own[0]) or not dataclasses.is_dataclass(own[0]):
        listed = ", ".join(task.__name__ for task in own) or "none"
        raise TypeError(
            f"{module.__name__}: one public dataclass deriving from Task is expected, found {listed}"
        )
    return own[0]
