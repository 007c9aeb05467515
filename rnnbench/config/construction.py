"""Configurations made and checked: from what Hydra composed, from plain data, from another one."""

import copy
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rnnbench.base.arguments import choice
from rnnbench.base.refusals import NotApplicable, Refused, unknown
from rnnbench.config import available, run_settings, schema
from rnnbench.config.configuration import Configuration
from rnnbench.config.hydra_errors import refusal_of
from rnnbench.config.launcher import LauncherChoice, read_launcher
from rnnbench.config.memory_limit import check_memory, is_too_large, too_large
from rnnbench.models.budget import Width, solve_width
from rnnbench.training import fit, refusal
from rnnbench.training.generalisation import check_spans


def configure(
    config: DictConfig,
    choices: Mapping[str, Any],
    launcher: Mapping[str, Any] | None = None,
    given: Collection[str] = (),
) -> Configuration:
    """Check a composed configuration and build what it describes, without training anything.

    Parameters
    ----------
    config : DictConfig
        A configuration of the schema `schema.root()`.
    choices : mapping
        The option chosen for each group: `model`, `task`, `experiment`, `hydra/launcher`.
    launcher : mapping, optional
        Settings of the launcher.
    given : collection of str
        Keys given on the command line or in the study's grids.

    Raises
    ------
    Refused
        A value is out of range, or an option does not belong to the optimiser; names key, value and what is
        allowed.
    NotApplicable
        All values are right, but the task refuses the model or its loop, or `train.memory` or
        `train.carry_state` the model or the task.
    """
    try:
        checked = replace(built(config, choices, launcher), given=frozenset(given))
        network, task, train = checked.network, checked.task, checked.train
        try:
            # `fit` checks its arguments when it is called; the generator it returns has computed nothing.
            fit(network, task, **checked.fit_keywords)
        except ValueError:
            if reason := refusal(network, task, checked.loop, train.memory, train.carry_state):
                raise NotApplicable(reason, checked.model_name, checked.task_name, task.label) from None
            raise
    except (ValueError, OSError, MemoryError) as error:
        if is_too_large(error):
            raise too_large(config) from error
        raise Refused(str(error)) from error
    check_memory(checked)
    return checked


def built(
    config: DictConfig, choices: Mapping[str, Any], launcher: Mapping[str, Any] | None = None
) -> Configuration:
    """Return a configuration whose values are checked one by one, its width solved for the budget.

    Whether the model can be trained on the task is not looked at. Arguments as for `configure`.

    Raises
    ------
    Refused, ValueError, OSError
        A value is out of range, or a file of the model or task cannot be read.
    """
    plain = read_plain(config, choices)
    study = plain["study"]
    plain["notes"] = {name: note for name, note in study.items() if note and name != "name"}
    plain["study"] = run_settings.read_study_name(study["name"], choices.get("experiment"))
    plain["launcher"] = asdict(read_launcher(choices.get("hydra/launcher", "threads"), launcher or {}))
    made = replace(from_plain(plain), composed=(config, dict(choices), dict(launcher or {})))
    if made.budget is None or made.budget_of is None:
        return made
    task, of = made.task, made.budget_of
    width = solve_width(made.model, task.n_in, task.n_out, made.budget, task.output_activation, of=of)
    return replace(made, model=width.model, width=width)


def read_plain(config: DictConfig, choices: Mapping[str, Any]) -> dict[str, Any]:
    """Return a composed configuration as plain data, everything in it resolved and of the schema's types.

    Parameters
    ----------
    config : DictConfig
        A configuration of the schema `schema.root()`.
    choices : mapping
        The option chosen for each group: `model`, `task`, `experiment`.

    Returns
    -------
    dict
        "model" and "task" hold a "name" beside their fields.

    Raises
    ------
    Refused
        Interpolations that lead nowhere or to a value of the wrong form, missing values, no model or task.
    """
    found = available.found()
    classes = {"model": found.models, "task": found.tasks}
    try:
        plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)  # type: ignore[assignment]
        names = {group: _class_name(config, group, classes[group], choices.get(group)) for group in classes}
        if "${" in str(OmegaConf.to_container(config)):
            # What an interpolation put there need not be of the schema's types.
            typed = {group: OmegaConf.structured(classes[group][name]) for group, name in names.items()}
            OmegaConf.merge(OmegaConf.structured(schema.root()), typed, plain)
        # Records and files of a run are written in UTF-8.
        json.dumps(plain, ensure_ascii=False, default=str).encode()
    except (OmegaConfBaseException, ValueError, RecursionError) as error:
        raise refusal_of(error) from error
    return plain | {group: {"name": name, **plain[group]} for group, name in names.items()}


def _class_name(config: DictConfig, group: str, classes: Mapping[str, type[Any]], choice: Any) -> str:
    """Return the name of the model or task: the one chosen, or the one that the chosen option inherits from.

    `conf/model/small.yaml` with `defaults: [elman, _self_]` is an option `small` that sets fields of `elman`;
    its type in the composed configuration is Elman's.
    """
    kind, is_mapping = OmegaConf.get_type(config, group), OmegaConf.is_dict(config[group])
    inherited = next((name for name, cls in classes.items() if cls is kind), None)
    name = choice if choice in classes else inherited
    if name is not None and is_mapping:
        return str(name)
    if is_mapping:
        raise Refused(
            f"{group}={choice}: names no {group}; its file must begin with defaults: [NAME, _self_]\n"
            f"allowed: {', '.join(classes)}"
        )
    shown = config[group] if choice in classes else choice
    raise unknown(group, f"{group}={'null' if shown is None else shown}", str(shown), classes)


def from_plain(plain: Mapping[str, Any]) -> Configuration:
    """Return the configuration that `Configuration.as_plain` describes, without Hydra.

    What is missing has its default. A width that was solved for a budget stands in the fields of the model
    and is not solved again.

    Raises
    ------
    Refused, ValueError
        A value that is refused, or a model, a task or one of their fields does not exist any more.
    """
    train, optimizer = run_settings.read_train(plain["train"])
    model, task = _made("model", plain, available.models()), _made("task", plain, available.tasks())
    seeds = run_settings.read_seeds(plain["seeds"])
    budget_of, budget = run_settings.read_budget(plain["budget"])
    tracking, width, spans = (
        plain.get("tracking", {}),
        plain.get("width"),
        plain.get("evaluate", {}).get("spans"),
    )
    return Configuration(
        model_name=plain["model"]["name"],
        model=model,
        task_name=plain["task"]["name"],
        task=task,
        train=train,
        optimizer=optimizer,
        init=run_settings.read_init(plain["init"]),
        seeds=seeds,
        budget=budget,
        study=plain["study"],
        uri=tracking.get("uri"),
        notes=dict(plain.get("notes", {})),
        diagnostics=plain.get("diagnostics", False),
        spans=() if spans is None else tuple(sorted(check_spans(task, spans))),
        resume=plain.get("resume", True),
        mirror=choice("tracking.mirror", tracking.get("mirror", "auto"), run_settings.MIRRORS),
        launcher=LauncherChoice(**plain.get("launcher", {})),
        launch=run_settings.read_launch(plain.get("launch", {})),
        budget_of=budget_of,
        width=None if width is None else Width(model=model, **width),
        tune=run_settings.read_tune(plain.get("tune", {}), seeds),
        tuning=plain.get("tuning"),
        trial=plain.get("trial", False),
    )


def _made(group: str, plain: Mapping[str, Any], classes: Mapping[str, type[Any]]) -> Any:
    """Return the model or task of a configuration."""
    name, values = plain[group]["name"], {k: v for k, v in plain[group].items() if k != "name"}
    if name not in classes:
        available.refuse_unusable(name)
        raise unknown(group, f"{group}={name}", name, classes)
    if gone := sorted(values.keys() - {f.name for f in fields(classes[name])}):
        raise Refused(f"{group}.{gone[0]}: {name} no longer has this field; the run is of an older version")
    return classes[name](**values)


def restore(text: str, seed: int, study: str) -> Configuration:
    """Return the configuration of a stored run.

    Parameters
    ----------
    text : str
        Its `config.yaml`, with or without seeds.
    seed : int
        The seed of the run.
    study : str
        The study it is stored in.

    Raises
    ------
    Refused, ValueError
        As by `from_plain`.
    """
    plain: Any = OmegaConf.to_container(OmegaConf.create(text), resolve=False)
    return from_plain(plain | {"seeds": [seed], "study": study})


def with_values(configuration: Configuration, values: Mapping[str, Any]) -> Configuration:
    """Return a configuration with other values for some of its keys, checked anew and not to be tuned.

    Its runs have the keys that they would have if the values had been given on the command line.

    Parameters
    ----------
    configuration : Configuration
        From `configure`; it is not changed. With a budget, the width is solved again.
    values : mapping
        Plain values by key: "train.lr", "model.window", "seeds".

    Raises
    ------
    Refused
        An unknown key, or a value of the wrong type or out of range.
    NotApplicable
        As by `configure`.
    """
    if configuration.composed is None:
        raise ValueError("this configuration was not composed: its values cannot be changed")
    composed, choices, launcher = configuration.composed
    config = copy.deepcopy(composed)
    for key, value in {**values, "tune.trials": 0}.items():
        try:
            OmegaConf.update(config, key, value, merge=False)
        except OmegaConfBaseException as error:
            raise refusal_of(error) from error
    return configure(config, choices, launcher, configuration.given)
