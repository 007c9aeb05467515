"""The models and tasks that can be chosen: built-in ones and those plugins that fit into a configuration."""

import sys
from functools import cache
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rnnbench import plugins
from rnnbench.base.refusals import Refused
from rnnbench.config.hydra_errors import in_one_line
from rnnbench.plugins import Found, Problem


def models() -> dict[str, type[Any]]:
    """Return every model by name."""
    return found().models


def tasks() -> dict[str, type[Any]]:
    """Return every task by name."""
    return found().tasks


def found() -> Found:
    """Return models, tasks and problems; a plugin whose fields no configuration can hold is a problem."""
    everything = plugins.discover()
    unfit = [
        Problem(name, source.origin, reason)
        for name, cls in (everything.models | everything.tasks).items()
        if (source := plugins.source_of(cls)) and (reason := _unfit(cls))  # type: ignore[arg-type]
    ]
    gone = {problem.name for problem in unfit}
    models, tasks = (
        {name: cls for name, cls in classes.items() if name not in gone}
        for classes in (everything.models, everything.tasks)
    )
    return Found(models, tasks, [*everything.problems, *unfit])


@cache
def _unfit(cls: Any) -> str:
    """Return why the fields of a dataclass cannot be keys of a configuration, or ""."""
    try:
        OmegaConf.structured(cls)
    except (OmegaConfBaseException, TypeError, ValueError, NameError) as error:
        said = in_one_line(error)
        return f"its fields cannot be keys of a configuration ({said}); for several forms write the type Any"
    return ""


def refuse_unusable(name: str) -> None:
    """Raise `Refused` with the reason where a plugin of that name cannot be used."""
    for problem in found().problems:
        if problem.name == name:
            raise Refused(str(problem))


def print_problems() -> None:
    """Say on stderr which plugins cannot be used, a line each."""
    for problem in found().problems:
        print(f"rnnbench: {problem}", file=sys.stderr)
