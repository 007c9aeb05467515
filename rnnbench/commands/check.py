"""`rnnbench check NAME`: the contracts of a model or a task, a line each."""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rnnbench.base.refusals import Refused, unknown
from rnnbench.checking import Finding, check_model, check_task
from rnnbench.checking.findings import Broken, said, tried
from rnnbench.commands.composing import compose_line
from rnnbench.commands.refusing import refusing_values
from rnnbench.config import available
from rnnbench.config.composition import compose_one, composing
from rnnbench.config.construction import configure
from rnnbench.network import warm_up
from rnnbench.plugins import source_of
from rnnbench.sweep.tuning.search_space import try_declared


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("name", metavar="NAME", help="a model or a task, see rnnbench list")
    parser.add_argument(
        "settings", nargs="*", metavar="KEY=VALUE", help="fields, such as model.hidden=8 or task.length=20"
    )


def main(options: argparse.Namespace) -> int:
    """Try all contracts on a model or a task, print a line for each; returns 1 where one does not hold.

    Raises
    ------
    Refused
        An unknown name, a plugin that cannot be loaded, an unknown field, or a value that is refused.
    """
    name, settings = options.name, options.settings
    available.refuse_unusable(name)
    found = available.found()
    kind = "model" if name in found.models else "task"
    classes: Mapping[str, type[Any]] = found.models | found.tasks
    if name not in classes:
        raise unknown("model or task", name, name, classes)
    if wrong := [text for text in settings if not text.startswith(f"{kind}.") or "=" not in text]:
        raise Refused(f"{wrong[0]}: expected {kind}.FIELD=VALUE")
    line = [f"{kind}={name}", *settings]
    given = compose_line(line)[0][kind] if settings else {}
    fields = {key: value for key, value in given.items() if key != "name"}
    with tempfile.TemporaryDirectory() as folder:
        findings = _findings(kind, classes[name], fields, Path(folder))
    if hasattr(classes[name], "SEARCH") and findings[-1].holds:
        findings += tried({"search": lambda: _search(line)})
    print("\n".join(map(str, findings)))
    failed = [finding for finding in findings if not finding.holds]
    source = source_of(classes[name])
    what = f"{kind} {name}" + (f" [{source.origin}]" if source else "")
    if failed:
        print(f"rnnbench: {what}: {len(failed)} of {len(findings)} contracts FAILED", file=sys.stderr)
        return 1
    print(f"{what}: all {len(findings)} contracts hold")
    return 0


def _findings(kind: str, cls: type[Any], fields: Mapping[str, Any], folder: Path) -> list[Finding]:
    try:
        with refusing_values():
            made = cls(**fields) if fields or kind == "model" else cls.example(folder)
    except Refused:
        raise
    except Exception as error:
        what = " ".join(f"{name}={value}" for name, value in fields.items()) or "its defaults"
        return [Finding("settings", False, f"cannot be made with {what}: {said(error)}")]
    # Not before: what is refused needs no kernels.
    for dtype in ("float64", "float32"):
        warm_up(dtype)
    return check_model(made) if kind == "model" else check_task(made)


def _search(line: Sequence[str]) -> str:
    """Try the search space that a model declares, in the configuration that `rnnbench run` would tune."""
    try:
        with composing():
            keys = try_declared(configure(*compose_one([*line, "tune.trials=1"])))
    except Refused as refused:
        raise Broken(" ".join(str(refused).splitlines())) from refused
    return f"what tune.trials tries of its own: {', '.join(keys) or 'nothing'}"
