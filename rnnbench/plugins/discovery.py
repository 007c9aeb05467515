"""All models and tasks: built-in ones, those of the working folder and those of entry points."""

import pkgutil
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from rnnbench import models as built_in_models
from rnnbench import tasks as built_in_tasks
from rnnbench.plugins.loading import (
    FOLDER,
    MODEL,
    TASK,
    Unusable,
    classes_of,
    load_file,
    load_module,
    plugin_of,
)

#: Group of the entry points; each names a module or a package.
GROUP = "rnnbench.plugins"


class Problem(NamedTuple):
    """A plugin that cannot be used: its name, its file or distribution, and the reason."""

    name: str
    origin: str
    reason: str

    def __str__(self) -> str:
        """Return the one line that a user reads."""
        return f"{self.origin}: {self.reason}"


class _Candidate(NamedTuple):
    """A module that may define a plugin; one of a package need not."""

    name: str
    origin: str
    load: Callable[[], ModuleType]
    needed: bool = True


class Found(NamedTuple):
    """The models and tasks that were found.

    Attributes
    ----------
    models, tasks : dict of str to type
        By name, in alphabetical order; built-in ones and plugins.
    problems : list of Problem
        Plugins that cannot be used.
    """

    models: dict[str, type[Any]]
    tasks: dict[str, type[Any]]
    problems: list[Problem]


def discover() -> Found:
    """Search the built-in folders, `./rnnbench_plugins/` and the entry points `rnnbench.plugins`."""
    classes: dict[str, dict[str, type[Any]]] = {
        MODEL: dict(built_in_models.found()),
        TASK: dict(built_in_tasks.found()),
    }
    problems: list[Problem] = []
    origins = {name: "a built-in name" for part in classes.values() for name in part}
    for name, origin, load, needed in _candidates():
        try:
            module = load()
            if not needed and not classes_of(module):
                continue
            kind, cls = plugin_of(module, origin)
            if name in origins:
                raise Unusable(f"{name} is {origins[name]} already; choose another name")
            origins[name] = f"the name of {origin}"
            classes[kind][name] = cls
        except Unusable as why:
            problems.append(Problem(name, origin, str(why)))
    return Found(dict(sorted(classes[MODEL].items())), dict(sorted(classes[TASK].items())), problems)


def _candidates() -> Iterator[_Candidate]:
    for path in sorted(Path(FOLDER).glob("[!_]*.py")):
        yield _Candidate(path.stem, f"{FOLDER}/{path.name}", partial(load_file, path))
    for module, distribution in _entry_points(tuple(sys.path)):
        inner = _modules_of(module)
        for name in [module, *inner]:
            load = partial(load_module, name)
            yield _Candidate(name.rpartition(".")[2], f"{distribution}: {name}", load, needed=not inner)


def _modules_of(package: str) -> list[str]:
    """Return the public modules of a package; none of a module, or of what cannot be imported."""
    try:
        path = getattr(load_module(package), "__path__", [])
    except Unusable:
        return []
    return [f"{package}.{m.name}" for m in pkgutil.iter_modules(path) if not m.name.startswith("_")]


@lru_cache(maxsize=4)
def _entry_points(path: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return module and distribution of each entry point; `path` (sys.path) is the key of the cache."""
    return sorted(
        {(p.module, f"{p.dist.name} {p.dist.version}" if p.dist else "") for p in entry_points(group=GROUP)}
    )
