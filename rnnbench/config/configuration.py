"""One checked configuration: what Hydra composed, turned into a model, a task, a network and settings."""

import math
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from omegaconf import DictConfig, OmegaConf

from rnnbench.config import schema
from rnnbench.config.launcher import LauncherChoice
from rnnbench.models.budget import KEYS, Width
from rnnbench.network.network import Network
from rnnbench.training.threads import processors

#: Settings of training that concern who trains, and not how.
NOT_OF_FIT = ("threads", "checkpoint_every")
#: The parts that a run's `config.yaml` holds.
STORED = ("model", "task", "train", "init", "budget", "study", "diagnostics", "evaluate")


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
    study : str
        Name of the study: the folder of its runs.
    uri, mirror : str or None, str
        The group `tracking`.
    notes : dict
        What the study asks: "question", "source", "expected", as far as its file says.
    diagnostics : bool
        Whether it is recorded what happens through time. No effect on the weights.
    spans : tuple of int
        Spans of the task at which the trained network is tried as well. No effect on the weights.
    resume : bool
        Whether runs that are stored already are left out.
    launcher, launch : LauncherChoice, Launch
        Where the runs are trained, and how they are handed over.
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
        What it was made of, the first three arguments of `configure`, for `construction.with_values`.
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
    mirror: str = "auto"
    launcher: LauncherChoice = field(default_factory=LauncherChoice)
    launch: schema.Launch = field(default_factory=schema.Launch)
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
        """Let go of the network and of the buffers it holds; it is built anew where it is asked for."""
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
        """Return everything that training and storing its runs needs, with all defaults written out.

        JSON can hold it, and `construction.from_plain` makes the configuration of it, in any process.
        """
        width = self.width
        return {
            "model": {"name": self.model_name, **asdict(self.model)},
            "task": {"name": self.task_name, **asdict(self.task)},
            "train": self.train_fields,
            "init": asdict(self.init),
            "budget": {
                key.partition(".")[2]: self.budget if of == self.budget_of else None
                for of, key in KEYS.items()
            },
            "seeds": list(self.seeds),
            "study": self.study,
            "diagnostics": self.diagnostics,
            "evaluate": {"spans": list(self.spans) or None},
            "tune": asdict(self.tune),
            "tracking": {"uri": self.uri, "mirror": self.mirror},
            "launch": asdict(self.launch),
            "launcher": asdict(self.launcher),
            "resume": self.resume,
            "notes": self.notes,
            "tuning": self.tuning,
            "trial": self.trial,
            "width": None if width is None else {k: v for k, v in width._asdict().items() if k != "model"},
        }

    @cached_property
    def yaml(self) -> str:
        """What is stored of the configuration for all its seeds, as YAML, made once (it takes 10 ms)."""
        plain = self.as_plain()
        return OmegaConf.to_yaml(OmegaConf.create({name: plain[name] for name in STORED}))

    @property
    def fit_keywords(self) -> dict[str, Any]:
        """Arguments of `rnnbench.fit` beside network, task and seed."""
        shared = {name: value for name, value in asdict(self.train).items() if name not in NOT_OF_FIT}
        return {**shared, "optimizer": self.optimizer, "loop": self.loop, "init": asdict(self.init)}

    @property
    def train_fields(self) -> dict[str, Any]:
        """Settings of training and options of the optimiser in one flat dict, all defaults written out."""
        return {**asdict(self.train), **asdict(self.optimizer)}
