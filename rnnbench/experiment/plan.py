"""All configurations of one command, composed, checked and named before the first one runs."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnnbench.experiment.composition import compose_one
from rnnbench.experiment.configuration import Configuration, configure
from rnnbench.experiment.identity import run_key
from rnnbench.experiment.memory import is_too_large
from rnnbench.experiment.progress import checked_in_turn
from rnnbench.experiment.refusals import NotApplicable, Refused
from rnnbench.experiment.tuning.space import Spaces


@dataclass
class Plan:
    """What one command will run.

    Attributes
    ----------
    configurations : list of Configuration
        In the order they will run; never empty.
    skipped : list of dict
        Of what does not apply: "model", "task", "task_label", "reason".
    """

    configurations: list[Configuration] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)

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
    plan = Plan()
    spaces = Spaces()
    for line in checked_in_turn(lines):
        try:
            plan.configurations.append(_configured(line))
            spaces.check(plan.configurations[-1])
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
            "study.name, tracking.uri, resume and hydra/launcher: "
            "must be the same for all configurations of a sweep"
        )
    if any(c.tune != plan.configurations[0].tune for c in plan.configurations):
        raise Refused("tune: must be the same for all configurations of a sweep; no model is tuned more")
    return plan


def _shared(configuration: Configuration) -> tuple[Any, ...]:
    """Return the settings of a sweep as a whole."""
    return configuration.study, configuration.uri, configuration.resume, configuration.launcher


def _configured(line: Sequence[str]) -> Configuration:
    try:
        return configure(*compose_one(line), given=[text.partition("=")[0] for text in line])
    except (MemoryError, ValueError) as error:
        if not is_too_large(error):
            raise
        raise Refused(f"{' '.join(line)}: does not fit into memory; must be smaller") from error


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
