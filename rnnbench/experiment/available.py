"""The models and tasks that can be chosen: built-in ones and those plugins that fit into a configuration."""

import sys
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rnnbench import plugins
from rnnbench.experiment.messages import in_one_line
from rnnbench.experiment.refusals import Refused
from rnnbench.plugins import Found, Problem

_REASONS: dict[type[Any], str] = {}


def models() -> dict[str, type[Any]]:
    """Return every model by name."""
    return found().models


def tasks() -> dict[str, type[Any]]:
    """Return every task by name."""
    return found().tasks


def found() -> Found:
    """Return models, tasks and problems; a plugin whose fields no configuration can hold is a problem."""
    everything = plugins.discover()
    problems = list(everything.problems)
    for classes in (everything.models, everything.tasks):
        for name, cls in list(classes.items()):
            source = plugins.source_of(cls)
            if source is not None and (reason := _unfit(cls)):
                problems.append(Problem(name, source.origin, reason))
                del classes[name]
    return everything._replace(problems=problems)


def _unfit(cls: type[Any]) -> str:
    """Return why the fields of a dataclass cannot be keys of a configuration, or ""."""
    if cls not in _REASONS:
        try:
            OmegaConf.structured(cls)
        except (OmegaConfBaseException, TypeError, ValueError, NameError) as error:
            said = in_one_line(error)
            _REASONS[cls] = (
                f"its fields cannot be keys of a configuration ({said}); for several forms write the type Any"
            )
        else:
            _REASONS[cls] = ""
    return _REASONS[cls]


def refuse_unusable(name: str) -> None:
    """Raise `Refused` with the reason where a plugin of that name cannot be used."""
    for problem in found().problems:
        if problem.name == name:
            raise Refused(str(problem))


def print_problems() -> None:
    """Say on stderr which plugins cannot be used, a line each."""
    for problem in found().problems:
        print(f"rnnbench: {problem}", file=sys.stderr)
