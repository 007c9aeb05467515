"""`rnnbench check NAME`: the contracts of a model or a task, a line each."""

import dataclasses
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rnnbench.checking import Finding, check_model, check_task
from rnnbench.checking.findings import Broken, said, tried
from rnnbench.experiment import available
from rnnbench.experiment.composition import compose_one, composing
from rnnbench.experiment.configuration import configure
from rnnbench.experiment.job import compile_kernels
from rnnbench.experiment.messages import refusal_of, unknown_key, with_suggestion
from rnnbench.experiment.refusals import Refused, unknown
from rnnbench.experiment.sweep import parse
from rnnbench.experiment.tuning.space import try_declared
from rnnbench.plugins import source_of


def check(name: str, settings: Sequence[str] = ()) -> int:
    """Try all contracts on a model or a task, print a line for each, and return the exit code.

    Parameters
    ----------
    name : str
        Of a model or a task, built in or a plugin.
    settings : sequence of str
        `model.hidden=8` or `task.length=20`: fields that are to differ from their defaults.

    Returns
    -------
    int
        1 where a contract does not hold.

    Raises
    ------
    Refused
        An unknown name, a plugin that cannot be loaded, an unknown field, or a value that is refused.
    """
    available.refuse_unusable(name)
    found = available.found()
    kind = "model" if name in found.models else "task"
    classes: Mapping[str, type[Any]] = found.models | found.tasks
    if name not in classes:
        raise unknown("model or task", name, name, classes)
    fields = read_settings(kind, classes[name], settings)
    with tempfile.TemporaryDirectory() as folder:
        findings = _findings(kind, classes[name], fields, Path(folder))
    if hasattr(classes[name], "SEARCH") and findings[-1].holds:
        findings += tried({"search": lambda: _search(name, settings)})
    print("\n".join(map(str, findings)))
    failed = [finding.contract for finding in findings if not finding.holds]
    source = source_of(classes[name])
    what = f"{kind} {name}" + (f" [{source.origin}]" if source else "")
    if failed:
        print(f"rnnbench: {what}: {len(failed)} of {len(findings)} contracts FAILED", file=sys.stderr)
        return 1
    print(f"{what}: all {len(findings)} contracts hold")
    return 0


def _findings(kind: str, cls: type[Any], fields: Mapping[str, Any], folder: Path) -> list[Finding]:
    try:
        made = cls(**fields) if fields or kind == "model" else cls.example(folder)
    except ValueError as error:
        raise Refused(with_suggestion(str(error))) from error
    except Exception as error:
        what = " ".join(f"{name}={value}" for name, value in fields.items()) or "its defaults"
        return [Finding("settings", False, f"cannot be made with {what}: {said(error)}")]
    # Not before: what is refused needs no kernels.
    for dtype in ("float64", "float32"):
        compile_kernels(dtype)
    return check_model(made) if kind == "model" else check_task(made)


def _search(name: str, settings: Sequence[str]) -> str:
    """Try the search space that a model declares, in the configuration that `rnnbench run` would tune."""
    try:
        with composing():
            keys = try_declared(configure(*compose_one([f"model={name}", "tune.trials=1", *settings])))
    except Refused as refused:
        raise Broken(" ".join(str(refused).splitlines())) from refused
    return f"what tune.trials tries of its own: {', '.join(keys) or 'nothing'}"


def read_settings(kind: str, cls: type[Any], settings: Sequence[str]) -> dict[str, Any]:
    """Return fields by name from `model.hidden=8`, in the notation and with the types of `rnnbench run`."""
    names = [f.name for f in dataclasses.fields(cls)]
    given: dict[str, Any] = {}
    for text in settings:
        group, _, field = text.partition("=")[0].partition(".")
        if "=" not in text or group != kind:
            raise Refused(f"{text}: expected {kind}.FIELD=VALUE")
        if field not in names:
            raise unknown_key(f"{kind}.{field}", text, names)
        override = parse(OverridesParser.create(), text, {})
        if override.is_sweep_override():
            raise Refused(f"{text}: several values; {kind}.{field}=[...] is a list")
        given[field] = override.value()
    try:
        merged = OmegaConf.merge({kind: OmegaConf.structured(cls)}, {kind: given})
        values: Any = OmegaConf.to_container(merged, resolve=True)
    except (OmegaConfBaseException, ValueError) as error:
        raise refusal_of(error, settings) from error
    return {name: values[kind][name] for name in given}
