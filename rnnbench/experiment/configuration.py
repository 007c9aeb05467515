"""One checked configuration: what Hydra composed, turned into a model, a task, a network and settings."""

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rnnbench.experiment import available, schema
from rnnbench.experiment.fair import plain_budget, read_budget, read_tune
from rnnbench.experiment.launchers import settings as launchers
from rnnbench.experiment.messages import refusal_of, with_suggestion
from rnnbench.experiment.refusals import NotApplicable, Refused, unknown
from rnnbench.experiment.values import check_init, read_seeds, read_spans, read_study_name, read_train
from rnnbench.models.budget import Width, solve_width
from rnnbench.network.network import Network
from rnnbench.training import fit, refusal
from rnnbench.training.seeds import processors

#: Settings of training that concern who trains, and not how.
NOT_OF_FIT = ("threads", "checkpoint_every")


@dataclass(frozen=True)
class Configuration:
    """A model on a task, how it is trained, and the seeds: one job.

    Attributes
    ----------
    model_name, task_name : str
        Their names: the files they are defined in.
    model, task : dataclass
        With a budget, the model has the width solved for it.
    train : Train
        What is common to all optimisers.
    optimizer : dataclass
        The optimiser with its options.
    init : Init
        Schemes of the initial weights.
    seeds : tuple of int
        Roots of independent streams.
    budget : int or None
        Parameters, or multiply-adds of a step, asked for.
    study, uri : str, str or None
        Where the runs are kept.
    notes : dict
        What the study asks: "question", "source", "expected", as far as its file says.
    diagnostics : bool
        Whether it is recorded what happens through time. No effect on the weights.
    spans : tuple of int
        Spans of the task at which the trained network is tried as well. No effect on the weights.
    resume : bool
        Whether runs that are stored already are left out.
    launcher : Settings
        Where the runs are trained.
    budget_of : str or None
        What the budget counts: "parameters" or "macs_per_step".
    width : Width or None
        The width solved for the budget, its deviation and the deviation allowed.
    tune : Tune
        How it is tuned before it is run.
    tuning : dict or None
        How its values were found, once it has been tuned; every record of it says so.
    trial : bool
        Whether this is a trial of a tuning, which must never see test data.
    given : frozenset of str
        Keys of the command line and of the study's grids: their values are not tuned.
    composed : tuple or None
        What it was made of, the first three arguments of `configure`, for `derived.with_values`.
    """

    model_name: str
    model: Any
    task_name: str
    task: Any
    train: schema.Train
    optimizer: Any
    init: schema.Init
    seeds: tuple[int, ...]
    budget: int | None
    study: str
    uri: str | None
    notes: dict[str, Any]
    diagnostics: bool = False
    spans: tuple[int, ...] = ()
    resume: bool = True
    launcher: launchers.Settings = field(default_factory=launchers.Basic)
    budget_of: str | None = None
    width: Width | None = None
    tune: schema.Tune = field(default_factory=schema.Tune)
    tuning: dict[str, Any] | None = None
    trial: bool = False
    given: frozenset[str] = frozenset()
    composed: tuple[DictConfig, dict[str, Any], dict[str, Any]] | None = field(
        default=None, compare=False, repr=False
    )

    @cached_property
    def network(self) -> Network:
        """The network of this model for this task."""
        task = self.task
        try:
            network = self.model.build(task.n_in, task.n_out, task.output_activation)
        except RecursionError as error:
            raise ValueError(f"model={self.model_name}: a cycle of too many boxes") from error
        if not isinstance(network, Network):
            given = type(network).__name__
            raise ValueError(f"model={self.model_name}: build must return a Network, this is a {given}")
        return network

    def release(self) -> None:
        """Let go of the network and of the buffers it holds; whoever asks for it gets it built anew."""
        vars(self).pop("network", None)

    @property
    def loop(self) -> str | int:
        """How it is trained: the model's own loop, "closed" for models that have none."""
        loop: str | int = getattr(self.model, "loop", "closed")
        return loop

    @property
    def threads(self) -> int:
        """Seeds trained at a time: as set, or one per processor."""
        return self.train.threads or processors()

    @property
    def updates(self) -> int:
        """Updates at most; of a budget of sequences, for whole batches. A budget of seconds has no number."""
        train = self.train
        return train.updates if train.sequences is None else math.ceil(train.sequences / train.batch)

    @property
    def name(self) -> str:
        """Model and task in a few words, for lines on the terminal."""
        return f"{self.model_name} · {self.task.label}"

    def as_plain(self) -> dict[str, Any]:
        """Return the whole configuration as plain data, with all defaults written out."""
        return {
            "model": {"name": self.model_name, **asdict(self.model)},
            "task": {"name": self.task_name, **asdict(self.task)},
            "train": self.train_fields,
            "init": asdict(self.init),
            "budget": plain_budget(self.budget_of, self.budget),
            "seeds": list(self.seeds),
            "study": self.study,
            "diagnostics": self.diagnostics,
            "evaluate": {"spans": list(self.spans) or None},
        }

    @cached_property
    def yaml(self) -> str:
        """The configuration without its seeds as YAML, made once for all of them (it takes 10 ms)."""
        plain = {name: part for name, part in self.as_plain().items() if name != "seeds"}
        return OmegaConf.to_yaml(OmegaConf.create(plain))

    @property
    def fit_keywords(self) -> dict[str, Any]:
        """Arguments of `rnnbench.fit` beside network, task and seed."""
        shared = {name: value for name, value in asdict(self.train).items() if name not in NOT_OF_FIT}
        return {**shared, "optimizer": self.optimizer, "loop": self.loop, "init": asdict(self.init)}

    @property
    def train_fields(self) -> dict[str, Any]:
        """Settings of training and options of the optimiser in one flat dict, all defaults written out."""
        return {**asdict(self.train), **asdict(self.optimizer)}


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
    plain = read_plain(config, choices)
    try:
        found = available.found()
        model = found.models[choices["model"]](**plain["model"])
        task = found.tasks[choices["task"]](**plain["task"])
        train, optimizer = read_train(plain["train"])
        budget_of, budget = read_budget(plain["budget"])
        seeds = read_seeds(plain["seeds"])
        checked = Configuration(
            model_name=choices["model"],
            model=model,
            task_name=choices["task"],
            task=task,
            train=train,
            optimizer=optimizer,
            init=schema.Init(**plain["init"]),
            seeds=seeds,
            budget=budget,
            study=read_study_name(plain["study"]["name"], choices.get("experiment")),
            uri=plain["tracking"]["uri"],
            notes={name: note for name, note in plain["study"].items() if note and name != "name"},
            diagnostics=plain["diagnostics"],
            spans=read_spans(plain["evaluate"]["spans"], task),
            resume=plain["resume"],
            launcher=launchers.read(choices.get("hydra/launcher", "basic"), launcher or {}),
            budget_of=budget_of,
            tune=read_tune(plain["tune"], seeds),
            given=frozenset(given),
            composed=(config, dict(choices), dict(launcher or {})),
        )
        checked = _with_budget(checked)
        check_init(checked.init)
        network = checked.network
    except (ValueError, OSError) as error:
        raise Refused(with_suggestion(str(error))) from error
    reason = refusal(network, task, checked.loop, train.memory, train.carry_state)
    if reason:
        raise NotApplicable(reason, checked.model_name, checked.task_name, task.label)
    try:
        # `fit` checks its arguments when it is called; the generator it returns has computed nothing.
        fit(checked.network, task, **checked.fit_keywords)
    except ValueError as error:
        raise Refused(with_suggestion(str(error))) from error
    return checked


def read_plain(config: DictConfig, choices: Mapping[str, Any]) -> dict[str, Any]:
    """Return a composed configuration as plain data, everything in it resolved and of the schema's types.

    Parameters
    ----------
    config : DictConfig
        A configuration of the schema `schema.root()`.
    choices : mapping
        The option chosen for each group: `model`, `task`, `experiment`.

    Raises
    ------
    Refused
        Interpolations that lead nowhere or to a value of the wrong form, missing values, no model or task.
    """
    try:
        plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
        found = available.found()
        meets_schema = _meets_schema(config)
        if not meets_schema:
            OmegaConf.merge(OmegaConf.structured(schema.root()), plain)
        for group, classes in (("model", found.models), ("task", found.tasks)):
            name = choices.get(group)
            if name not in classes or not isinstance(plain[group], dict):
                shown = plain[group] if name in classes else name
                raise unknown(group, f"{group}={'null' if shown is None else shown}", str(shown), classes)
            if not meets_schema or OmegaConf.get_type(config, group) is not classes[name]:
                OmegaConf.merge({group: OmegaConf.structured(classes[name])}, {group: plain[group]})
        # Records and files of a run are written in UTF-8.
        json.dumps(plain, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError as error:
        shown = ascii(error.object[max(0, error.start - 30) : error.end + 10])
        raise Refused(f"{shown}: must be text that UTF-8 can hold") from error
    except (OmegaConfBaseException, ValueError, RecursionError) as error:
        raise refusal_of(error) from error
    return dict(plain)


def _meets_schema(config: DictConfig) -> bool:
    """Whether all parts are of the schema's types for certain: what an interpolation put there need not be.

    To find out otherwise, by a merge with the schema, takes most of the time of checking a configuration.
    """
    typed = {f.name: f.type for f in fields(schema.root()) if is_dataclass(f.type)}
    whole = all(OmegaConf.get_type(config, name) is kind for name, kind in typed.items())
    return whole and "${" not in str(OmegaConf.to_container(config))


def _with_budget(checked: Configuration) -> Configuration:
    """Solve the model's width for the budget."""
    if checked.budget is None or checked.budget_of is None:
        return checked
    task, of = checked.task, checked.budget_of
    width = solve_width(checked.model, task.n_in, task.n_out, checked.budget, task.output_activation, of=of)
    return replace(checked, model=width.model, width=width)
