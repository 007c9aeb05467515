"""All configurations of one command, composed, checked and named before the first one runs."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnnbench.base.refusals import NotApplicable, Refused
from rnnbench.config.composition import compose_one
from rnnbench.config.configuration import Configuration
from rnnbench.config.construction import configure
from rnnbench.config.grids import read_lines
from rnnbench.config.identity import run_key
from rnnbench.sweep.bars import checked_in_turn
from rnnbench.sweep.tuning.search_space import check_space


@dataclass
class Plan:
    """What one command will run.

    Attributes
    ----------
    configurations : list of Configuration
        In the order they will run; never empty.
    skipped : list of dict
        Of what does not apply: "model", "task", "task_label", "reason".
    lines : sequence of sequences of str
        The overrides of each configuration, skipped ones included.
    """

    configurations: list[Configuration] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    lines: Sequence[Sequence[str]] = ()

    @property
    def names(self) -> list[str]:
        """Name each configuration: model, task, and the settings in which it differs from its namesakes."""
        settings = [_settings(c) for c in self.configurations]
        namesakes: dict[str, list[dict[str, Any]]] = {}
        for c, own in zip(self.configurations, settings, strict=True):
            namesakes.setdefault(c.name, []).append(own)
        telling = {name: _telling(found) for name, found in namesakes.items()}
        return [
            " · ".join([c.name, *(f"{key.partition('.')[2]}={own[key]}" for key in telling[c.name])])
            for c, own in zip(self.configurations, settings, strict=True)
        ]

    def as_plain(self) -> dict[str, Any]:
        """Return what a record keeps of it: "plan", a hash of the keys of its runs, and "planned_runs"."""
        keys = sorted({run_key(c, seed) for c in self.configurations for seed in c.seeds})
        return {
            "plan": hashlib.sha256(" ".join(keys).encode()).hexdigest()[:16],
            "planned_runs": len(keys),
        }


def read_plans(arguments: Sequence[str], sweeping: bool) -> list[Plan]:
    """Return the checked plan of each study that a command line names, or the one of a line that names none.

    Parameters
    ----------
    arguments : sequence of str
        Overrides as typed, in a block of `composition.composing`.
    sweeping : bool
        Whether `-m` was given.

    Raises
    ------
    Refused
        Anything is wrong with any of the configurations; nothing has been written.
    """
    return [check(lines) for lines in read_lines(arguments, sweeping)]


def check(lines: Sequence[list[str]]) -> Plan:
    """Compose and check every configuration; nothing has been written when one of them is refused.

    Parameters
    ----------
    lines : sequence of list of str
        The overrides of each configuration.

    Raises
    ------
    Refused
        The first configuration that is wrong; where there are several, its overrides are named. A model that
        the task refuses is an error when it is the only configuration, else it is set aside with its reason.
    """
    plan = Plan(lines=lines)
    tried: set[str] = set()
    for line in checked_in_turn(lines):
        try:
            given = [text.partition("=")[0] for text in line]
            plan.configurations.append(configure(*compose_one(line), given=given))
            check_space(plan.configurations[-1], tried)
        except NotApplicable as refused:
            if len(lines) == 1:
                raise
            plan.skipped.append(refused.as_plain())
        except Refused as refused:
            where = f" (in the configuration {' '.join(line)})" if len(lines) > 1 else ""
            first, *rest = str(refused).splitlines()
            raise Refused("\n".join([first + where, *rest])) from refused
    if not plan.configurations:
        raise Refused(f"no configuration of this sweep is applicable\n{plan.skipped[0]['reason']}")
    if any(_shared(c) != _shared(plan.configurations[0]) for c in plan.configurations):
        raise Refused(
            "study.name, tracking, resume, hydra/launcher and launch: "
            "must be the same for all configurations of a sweep"
        )
    if any(c.tune != plan.configurations[0].tune for c in plan.configurations):
        raise Refused("tune: must be the same for all configurations of a sweep; no model is tuned more")
    return plan


def _shared(configuration: Configuration) -> tuple[Any, ...]:
    """Return the settings of a sweep as a whole."""
    c = configuration
    return c.study, c.uri, c.mirror, c.resume, c.launcher, c.launch


def _settings(configuration: Configuration) -> dict[str, Any]:
    """Return every setting that a sweep can vary, by its key."""
    plain = configuration.as_plain()
    parts = ("model", "task", "train", "init", "budget")
    return {f"{part}.{name}": value for part in parts for name, value in plain[part].items()}


def _telling(namesakes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys of settings that all namesakes have, but not all have alike."""
    first = namesakes[0]
    shared = [key for key in first if all(key in other for other in namesakes)]
    return [key for key in shared if any(other[key] != first[key] for other in namesakes)]
