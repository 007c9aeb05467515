"""The groups and options that Hydra composes from: models, tasks, studies, files of `conf` folders."""

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from omegaconf import OmegaConf

from rnnbench.base.refusals import Refused
from rnnbench.config import available, folders, launcher, schema
from rnnbench.config.hydra_errors import in_one_line

#: Hydra's own keys that a study may set.
OF_STUDIES = ("launcher", "mode", "sweeper")

#: What Hydra was given, by group and name.
_GIVEN: dict[tuple[str, str], Any] = {}


def state() -> Hashable:
    """Return a value that is another one whenever what Hydra composes from may have changed."""
    return frozenset(_GIVEN.items())


def register(sources: Sequence[str]) -> None:
    """Give Hydra the schema and every model and task found, as options of groups.

    Parameters
    ----------
    sources : sequence of str
        Hydra's search path.
    """
    _give("", "rnnbench_schema", schema.root(), schema.root())
    for group, classes in (("model", available.models()), ("task", available.tasks())):
        for name, kind in classes.items():
            _give(group, name, kind, kind)
    launcher.register()
    files = [path for source in sources for path in Path(source.removeprefix("file://")).rglob("*.yaml")]
    _GIVEN["", "files"] = (*sources, *((str(path), path.stat().st_mtime_ns) for path in files))


def register_study(name: str) -> None:
    """Give Hydra the file of a study, and those it inherits from, as options of the group `experiment`.

    Raises
    ------
    Refused
        If a file is no YAML mapping, or sets keys of Hydra that have no effect here.
    """
    # Hydra finds those of `conf` folders itself.
    own = folders.OWN_CONF / "experiment"
    studies = {key: path for key, path in folders.studies().items() if not path.is_relative_to(own)}
    if name not in studies:
        return
    try:
        plain: Any = OmegaConf.to_container(OmegaConf.load(studies[name]), resolve=False)
    except Exception as error:
        raise Refused(f"study {name}: {studies[name]} cannot be read: {in_one_line(error)}") from error
    if not isinstance(plain, dict):
        raise Refused(f"study {name}: {studies[name]} must hold keys and values")
    of_hydra = plain.get("hydra", {})
    if not isinstance(of_hydra, Mapping) or not set(of_hydra) <= set(OF_STUDIES):
        raise Refused(
            f"study {name}: hydra: must be a mapping of {', '.join(OF_STUDIES)}; "
            "Hydra's other keys are set by rnnbench"
        )
    known = ("experiment", name) in _GIVEN
    # As text: 1, 1.0 and true are equal to Python.
    _give("experiment", name, repr(plain), plain, package="_global_")
    words = re.findall(r"[\w.-]+", str(plain.get("defaults")))
    for parent in studies if not known else ():
        if parent.rpartition("/")[2] in words:
            register_study(parent)


def _give(group: str, name: str, content: Any, node: Any, package: str | None = None) -> None:
    """Give Hydra an option, unless it has it: that takes 1 ms each."""
    if _GIVEN.get((group, name)) != content:
        inner, _, last = f"{group}/{name}".strip("/").rpartition("/")
        ConfigStore.instance().store(group=inner or None, name=last, node=node, package=package)
        _GIVEN[group, name] = content


def options() -> dict[str, list[str]]:
    """Return the names that may be chosen for each group; in a block of `composition.composing`."""
    present: dict[str, Mapping[str, Any]] = {
        "model": available.models(),
        "task": available.tasks(),
        "experiment": folders.studies(),
    }
    groups = {*_list("", ObjectType.GROUP), *present, "hydra/launcher"} - {"hydra"}
    found = {}
    for group in sorted(groups):
        # Of what Hydra was given, files may be gone since.
        own = {name for name in _options(group) if (group, name) not in _GIVEN}
        found[group] = sorted(own | set(present.get(group, ())))
    return found


def _options(group: str) -> Iterator[str]:
    yield from _list(group, ObjectType.CONFIG)
    for inner in _list(group, ObjectType.GROUP):
        yield from (f"{inner}/{name}" for name in _options(f"{group}/{inner}"))


def _list(group: str, what: ObjectType) -> list[str]:
    # The loader's own method of this name copies everything that Hydra was given, each time.
    return GlobalHydra.instance().config_loader().repository.get_group_options(group, what)  # type: ignore[attr-defined,no-any-return]
