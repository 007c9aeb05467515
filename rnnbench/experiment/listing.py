"""What there is: models, tasks and studies, as text for `rnnbench list`."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path

from omegaconf import OmegaConf

from rnnbench.experiment import available, folders
from rnnbench.plugins import source_of
from rnnbench.plugins.loading import summary


def models() -> str:
    """Every model with the first line of its documentation and its fields with their defaults.

    A plugin says where it comes from.
    """
    return _classes("model", available.models())


def tasks() -> str:
    """Every task, as `models`."""
    return _classes("task", available.tasks())


def experiments() -> str:
    """Every study file with its question."""
    found = {name: _question(path) for name, path in folders.studies().items()}
    width = max(map(len, found), default=0)
    return "\n".join(f"{name:<{width}}  {question}" for name, question in found.items())


def _classes(group: str, classes: Mapping[str, type]) -> str:
    lines = []
    for name, kind in classes.items():
        source = source_of(kind)
        origin = f"  [{source.origin}]" if source else ""
        lines.append(f"{name}: {summary(kind)}{origin}")
        settings = "  ".join(f"{group}.{f.name}={_default(f)}" for f in fields(kind))
        lines.append(f"    {settings}")
    return "\n".join(lines)


def _default(part: Field[object]) -> str:
    if part.default is MISSING and part.default_factory is MISSING:
        return "?"
    value = part.default if part.default_factory is MISSING else part.default_factory()
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _question(path: Path) -> str:
    try:
        return str(OmegaConf.select(OmegaConf.load(path), "study.question", default="(no question)"))
    except Exception:
        return f"({path} cannot be read)"
