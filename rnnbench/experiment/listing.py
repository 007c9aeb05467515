"""What there is: models, tasks and studies, as text for `rnnbench list`."""

import inspect
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path

from omegaconf import OmegaConf

from rnnbench.experiment import folders


def models() -> str:
    """Every model with the first line of its documentation and its fields with their defaults."""
    from rnnbench import models

    return _classes("model", models.found())


def tasks() -> str:
    """Every task, as `models`."""
    from rnnbench import tasks

    return _classes("task", tasks.found())


def experiments() -> str:
    """Every study file with its question."""
    found = {name: _question(path) for name, path in folders.studies().items()}
    width = max(map(len, found), default=0)
    return "\n".join(f"{name:<{width}}  {question}" for name, question in found.items())


def _classes(group: str, classes: Mapping[str, type]) -> str:
    lines = []
    for name, kind in classes.items():
        lines.append(f"{name}: {(inspect.getdoc(kind) or '').splitlines()[0]}")
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
