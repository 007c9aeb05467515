"""One checked configuration: what Hydra composed, turned into a model, a task, a network and settings."""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rnnbench.experiment import available, schema
from rnnbench.experiment.messages import refusal_of, with_suggestion
from rnnbench.experiment.provenance import processors
from rnnbench.experiment.refusals import NotApplicable, Refused, unknown
from rnnbench.models.budget import solve_width
from rnnbench.network.initialise import SCHEMES, parse_scheme
from rnnbench.network.network import Network
from rnnbench.training import fit, refusal
from rnnbench.training.optimisers import OPTIMISERS

_STUDY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
#: So many runs of one configuration at most.
MOST_SEEDS = 10_000
CHOICES = {
    "reduction": ("mean", "sum"),
    "dtype": ("float32", "float64"),
    "memory": ("full", "recompute"),
}


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
        Parameters asked for.
    study, uri : str, str or None
        Where the runs are kept.
    notes : dict
        What the study asks: "question", "source", "expected", as far as its file says.
    diagnostics : bool
        Whether it is recorded what happens through time. No effect on the weights.
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

    @cached_property
    def network(self) -> Network:
        """The network of this model for this task."""
        task = self.task
        network = self.model.build(task.n_in, task.n_out, task.output_activation)
        if not isinstance(network, Network):
            given = type(network).__name__
            raise ValueError(f"model={self.model_name}: build must return a Network, this is a {given}")
        return network

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
            "budget": {"parameters": self.budget},
            "seeds": list(self.seeds),
            "study": self.study,
            "diagnostics": self.diagnostics,
        }

    @cached_property
    def yaml(self) -> str:
        """The configuration without its seeds as YAML, made once for all of them (it takes 10 ms)."""
        plain = {name: part for name, part in self.as_plain().items() if name != "seeds"}
        return OmegaConf.to_yaml(OmegaConf.create(plain))

    @property
    def fit_keywords(self) -> dict[str, Any]:
        """Arguments of `rnnbench.fit` beside network, task and seed."""
        shared = {name: value for name, value in asdict(self.train).items() if name != "threads"}
        return {**shared, "optimizer": self.optimizer, "loop": self.loop, "init": asdict(self.init)}

    @property
    def train_fields(self) -> dict[str, Any]:
        """Settings of training and options of the optimiser in one flat dict, all defaults written out."""
        return {**asdict(self.train), **asdict(self.optimizer)}


def configure(config: DictConfig, choices: Mapping[str, Any]) -> Configuration:
    """Check a composed configuration and build what it describes, without training anything.

    Parameters
    ----------
    config : DictConfig
        A configuration of the schema `schema.root()`.
    choices : mapping
        The option chosen for each group: `model`, `task`, `experiment`.

    Raises
    ------
    Refused
        A value is out of range, or an option does not belong to the optimiser; names key, value and what is
        allowed.
    NotApplicable
        All values are right, but the task refuses the model or its loop, or `train.memory` or
        `train.carry_state` the model or the task.
    """
    plain = _plain(config)
    try:
        model = available.models()[choices["model"]](**plain["model"])
        task = available.tasks()[choices["task"]](**plain["task"])
        train, optimizer = read_train(plain["train"])
        checked = Configuration(
            model_name=choices["model"],
            model=model,
            task_name=choices["task"],
            task=task,
            train=train,
            optimizer=optimizer,
            init=schema.Init(**plain["init"]),
            seeds=read_seeds(plain["seeds"]),
            budget=plain["budget"]["parameters"],
            study=read_study_name(plain["study"]["name"], choices.get("experiment")),
            uri=plain["tracking"]["uri"],
            notes={name: note for name, note in plain["study"].items() if note and name != "name"},
            diagnostics=plain["diagnostics"],
        )
        checked = _with_budget(checked)
        _check_init(checked.init)
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


def read_train(given: Mapping[str, Any]) -> tuple[schema.Train, Any]:
    """Split the keys of `train` into the settings that all optimisers share and the optimiser itself.

    Raises
    ------
    Refused
        Unknown optimiser, an option that it does not have, or a value out of range.
    """
    common = [f.name for f in fields(schema.Train)]
    train = schema.Train(**{name: given[name] for name in common})
    for name in ("updates", "batch", "evaluate_every"):
        _require(getattr(train, name) >= 1, f"train.{name}", getattr(train, name), "at least 1")
    _require(
        train.threads is None or train.threads >= 1,
        "train.threads",
        train.threads,
        "at least 1, or null for all cores",
    )
    for name in ("clip_norm", "clip_value"):
        limit = getattr(train, name)
        _require(
            limit is None or 0 < limit < math.inf, f"train.{name}", limit, "above 0, or null for no clipping"
        )
    for name, allowed in CHOICES.items():
        if getattr(train, name) not in allowed:
            raise unknown(name, f"train.{name}={getattr(train, name)}", getattr(train, name), allowed)
    if train.optimizer not in OPTIMISERS:
        raise unknown("optimizer", f"train.optimizer={train.optimizer}", train.optimizer, OPTIMISERS)
    kind = OPTIMISERS[train.optimizer]
    options = {k: v for k, v in given.items() if k not in common and v is not None}
    own = [f.name for f in fields(kind)]  # type: ignore[arg-type]
    for name, value in options.items():
        if name not in own:
            raise Refused(
                f"train.{name}={value}: {train.optimizer} has no such option\nits options: {', '.join(own)}"
            )
    try:
        return train, kind(**options)
    except ValueError as error:
        raise Refused(str(error).replace("optimizer.", "train.", 1)) from error


def read_seeds(given: Any) -> tuple[int, ...]:
    """Return the seeds that `seeds=N` (0 to N - 1) or a list of different whole numbers stand for."""
    many = len(given) if isinstance(given, list) else given
    if isinstance(many, int) and many > MOST_SEEDS:
        shown = f"[{many} values]" if isinstance(given, list) else given
        raise Refused(f"seeds={shown}: must be between 1 and {MOST_SEEDS}, or a list of so many numbers")
    if isinstance(given, int) and not isinstance(given, bool) and given >= 1:
        return tuple(range(given))
    whole = isinstance(given, list) and all(
        isinstance(s, int) and not isinstance(s, bool) and s >= 0 for s in given
    )
    if whole and given and len(set(given)) == len(given):
        return tuple(given)
    raise Refused(
        f"seeds={given}: must be how many (5 means 0 to 4) or a list of different whole numbers such as [0,3]"
    )


def read_study_name(given: str | None, experiment: str | None) -> str:
    """Return the study's name: as given, else the study file's, else "default"."""
    name = given or experiment or "default"
    if not _STUDY_NAME.fullmatch(name):
        raise Refused(
            f"study.name={name}: must be letters, digits, '_', '-' and '.', a letter or digit first"
        )
    return name


def _plain(config: DictConfig) -> dict[str, Any]:
    parts = {name: part for name, part in config.items() if name != "hydra"}
    try:
        found = OmegaConf.to_container(OmegaConf.create(parts), resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise refusal_of(error) from error
    return dict(found)  # type: ignore[arg-type]


def _require(met: bool, key: str, value: Any, allowed: str) -> None:
    if not met:
        raise Refused(f"{key}={value}: must be {allowed}")


def _with_budget(checked: Configuration) -> Configuration:
    """Solve the model's width for the budget."""
    if checked.budget is None:
        return checked
    task = checked.task
    width = solve_width(checked.model, task.n_in, task.n_out, checked.budget, task.output_activation)
    return Configuration(**{**_shallow(checked), "model": width.model})


def _shallow(checked: Configuration) -> dict[str, Any]:
    return {f.name: getattr(checked, f.name) for f in fields(checked)}


def _check_init(init: schema.Init) -> None:
    """Check the schemes, each a name with an optional number after a colon."""
    for name in ("input", "recurrent", "output"):
        text = getattr(init, name)
        scheme = text.partition(":")[0]
        if scheme not in SCHEMES:
            raise unknown("scheme", f"init.{name}={text}", scheme, SCHEMES)
        parse_scheme(f"init.{name}", text)
    _require(math.isfinite(init.bias), "init.bias", init.bias, "a finite number")
