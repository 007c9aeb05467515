"""A stored run, set up to be trained again: what it was, what has changed since, and why bits may differ."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, NamedTuple

from omegaconf import OmegaConf

from rnnbench.experiment import available, schema
from rnnbench.experiment.configuration import Configuration
from rnnbench.experiment.identity import run_key
from rnnbench.experiment.messages import with_suggestion
from rnnbench.experiment.provenance import provenance, sources, versions
from rnnbench.experiment.refusals import Refused, unknown
from rnnbench.experiment.stored.comparison import plain
from rnnbench.experiment.values import read_train
from rnnbench.experiment.wording import run_name
from rnnbench.training import fit


class Again(NamedTuple):
    """A stored run, ready to be trained again.

    Attributes
    ----------
    record : mapping
        What is stored of it.
    configuration : Configuration
        What is trained; the number of updates is that reached where the budget was one of seconds.
    changes : list of str
        What has changed in the definitions since, a sentence each.
    reasons : list of str
        Why bits cannot be expected; empty where they can.
    """

    record: Mapping[str, Any]
    configuration: Configuration
    changes: list[str]
    reasons: list[str]

    @property
    def name(self) -> str:
        """Key, model, task and seed in a few words."""
        return run_name(self.record)


def set_up(record: Mapping[str, Any], text: str) -> Again:
    """Return the run that a record and its `config.yaml` describe, checked but not trained.

    Raises
    ------
    Refused
        The run failed, or its model, task or settings do not exist any more.
    """
    if record["outcome"] == "failed":
        raise Refused(f"{record['key']}: this run failed, there is nothing to compare with; run it again")
    given: dict[str, Any] = OmegaConf.to_container(OmegaConf.create(text), resolve=False)  # type: ignore[assignment]
    train = {f.name: f.default for f in fields(schema.Train)} | dict(given["train"])
    try:
        settings, optimizer = read_train(train)
        configuration = Configuration(
            model_name=given["model"]["name"],
            model=_made("model", given["model"], available.models()),
            task_name=given["task"]["name"],
            task=_made("task", given["task"], available.tasks()),
            train=settings,
            optimizer=optimizer,
            init=schema.Init(**given["init"]),
            seeds=(int(record["seed"]),),
            # The width that was solved for a budget stands in the model's own fields.
            budget=None,
            study=str(record["study"]),
            uri=None,
            notes={},
        )
        changes = _changes(record, configuration)
        if getattr(settings, "seconds", None) is not None:
            reached: Any = {"seconds": None, "updates": int(record["updates"])}
            configuration = replace(configuration, train=replace(settings, **reached))
        # Called for its checks: the generator has computed nothing.
        fit(configuration.network, configuration.task, **configuration.fit_keywords)
    except (ValueError, OSError) as error:
        raise Refused(f"{record['key']}: {with_suggestion(str(error))}") from error
    return Again(record, configuration, changes, _reasons(record))


def _made(group: str, given: Mapping[str, Any], classes: Mapping[str, type[Any]]) -> Any:
    """Return the model or task that a stored configuration describes."""
    name, values = given["name"], {k: v for k, v in given.items() if k != "name"}
    if name not in classes:
        available.refuse_unusable(name)
        raise unknown(group, f"{group}={name}", name, classes)
    kind = classes[name]
    has = {f.name for f in fields(kind)}
    if gone := sorted(values.keys() - has):
        raise Refused(f"{group}.{gone[0]}: {name} has no such field any more; the run is of an older version")
    return kind(**values)


def _changes(record: Mapping[str, Any], configuration: Configuration) -> list[str]:
    """Return what has changed in the definitions of model and task since the run, a sentence each."""
    then, said = record.get("provenance", {}), []
    now = sources(configuration.model, configuration.task) | versions(configuration.model, configuration.task)
    for group, name in (("model", configuration.model_name), ("task", configuration.task_name)):
        before, source = then.get(f"{group}_source"), now.get(f"{group}_source")
        if before != source:
            said.append(
                f"{group} {name}: its source has changed since ({before or 'built in'} then, "
                f"{source or 'built in'} now); what is trained is the present one, so a difference may come "
                "from the change"
            )
        version = then.get(f"{group}_version")
        if version is not None and version != now[f"{group}_version"]:
            said.append(
                f"{group} {name}: its version was {version} and is {now[f'{group}_version']} now: its "
                "definition or a default has changed, so other numbers are to be expected"
                + _checkout(then.get("commit"))
            )
    old_numerics = then.get("numerics") not in (None, provenance()["numerics"])
    if not said and not old_numerics and run_key(configuration, int(record["seed"])) != record["key"]:
        said.append(
            "a version or a default of model, task or training has changed since: the same settings have "
            "another key now, so other numbers are to be expected" + _checkout(then.get("commit"))
        )
    if plain(configuration.task.columns()) != record.get("columns", plain(configuration.task.columns())):
        said.append(
            f"task {configuration.task_name}: its data have changed since, so other numbers are to be "
            "expected"
        )
    return said


def _checkout(commit: str | None) -> str:
    return f"; the code of then is commit {commit[:12]}" if commit else ""


def _reasons(record: Mapping[str, Any]) -> list[str]:
    """Return why the bits of then cannot be expected of this machine and this code."""
    then, now = record.get("provenance", {}), provenance()
    pairs = (("processor", "the processor"), ("numerics", "the version of the numerics"))
    return [
        f"{what} was {then.get(name, 'unknown')}, here it is {now[name]}"
        for name, what in pairs
        if then.get(name) != now[name]
    ]
