"""The architectures: one file each, one public dataclass each, whose `build` returns a network as data.

A new model is a new file in this folder. Nothing lists the models: `found` looks at the folder.
"""

import importlib
import pkgutil
from dataclasses import is_dataclass
from types import ModuleType
from typing import Any

from rnnbench.models.budget import solve_width

__all__ = ["found", "solve_width"]


def found() -> dict[str, type[Any]]:
    """Return the models of this folder: file name to dataclass, in alphabetical order.

    Returns
    -------
    dict of str to type
        Each type has `build(n_in, n_out, output_activation="linear")`, a class variable `VERSION`, and fields
        whose ranges it checks itself.

    Raises
    ------
    TypeError
        A file holds more than one public dataclass with a `build`.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    classes = {name: model_of(module) for name, module in modules.items()}
    return {name: model for name, model in classes.items() if model is not None}


def model_of(module: ModuleType) -> type[Any] | None:
    """Return the one public dataclass with a `build` that a module defines, or None when it has none."""
    classes = [
        value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and value.__module__ == module.__name__
        and is_dataclass(value)
        and hasattr(value, "build")
        and not name.startswith("_")
    ]
    if len(classes) > 1:
        names = ", ".join(model.__name__ for model in classes)
        raise TypeError(
            f"{module.__name__} holds {len(classes)} models ({names}): one public dataclass per file"
        )
    return classes[0] if classes else None
