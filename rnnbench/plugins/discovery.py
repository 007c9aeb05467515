"""Everything that can be chosen: built-in models and tasks, the working folder's, those of entry points."""

import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from rnnbench import models as built_in_models
from rnnbench import tasks as built_in_tasks
from rnnbench.plugins.loading import FOLDER, MODEL, TASK, Plugin, Unusable, load_file, load_module

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


class Found(NamedTuple):
    """What there is.

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
    """Look at the built-in folders, at `./rnnbench_plugins/` and at the entry points `rnnbench.plugins`."""
    classes: dict[str, dict[str, type[Any]]] = {
        MODEL: dict(built_in_models.found()),
        TASK: dict(built_in_tasks.found()),
    }
    problems: list[Problem] = []
    origins = {name: "a built-in name" for part in classes.values() for name in part}
    for plugin in _plugins():
        if isinstance(plugin, Problem):
            problems.append(plugin)
        elif plugin.name in origins:
            why = f"{plugin.name} is {origins[plugin.name]} already; rename it"
            problems.append(Problem(plugin.name, plugin.source.origin, why))
        else:
            origins[plugin.name] = f"the name of {plugin.source.origin}"
            classes[plugin.kind][plugin.name] = plugin.cls
    return Found(dict(sorted(classes[MODEL].items())), dict(sorted(classes[TASK].items())), problems)


def _plugins() -> Iterator[Plugin | Problem]:
    for path in sorted(Path(FOLDER).glob("*.py")):
        if not path.name.startswith("_"):
            try:
                yield load_file(path)
            except Unusable as why:
                yield Problem(path.stem, f"{FOLDER}/{path.name}", str(why))
    for name, module, distribution in _entry_points(tuple(sys.path)):
        loaded: list[Plugin | Unusable]
        try:
            loaded = load_module(module, distribution)
        except Unusable as why:
            loaded = [why]
        for one in loaded:
            if isinstance(one, Unusable):
                yield Problem(name, f"{distribution}, entry point {name}", str(one))
            else:
                yield one


@lru_cache(maxsize=4)
def _entry_points(path: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Name, module and distribution of each entry point; `path` is what they are looked for on."""
    from importlib.metadata import entry_points

    found = []
    for point in entry_points(group=GROUP):
        distribution = f"{point.dist.name} {point.dist.version}" if point.dist else "an installed package"
        found.append((point.name, point.module, distribution))
    return sorted(set(found))


def built_in_names() -> set[str]:
    """Return the names that no plugin may take."""
    return {*built_in_models.found(), *built_in_tasks.found()}
