"""The configuration as dataclasses: documentation, defaults, Hydra's schema and the command line in one.

Models and tasks are not listed here: their dataclasses are found, in their folders and among the plugins, and
become the options of the groups `model` and `task`. The options of the optimisers become keys of `train`.
"""

from dataclasses import dataclass, field, fields, make_dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, get_type_hints

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from rnnbench.experiment import available, folders
from rnnbench.experiment.refusals import Refused
from rnnbench.training.optimisers import OPTIMISERS


@dataclass
class Train:
    """How a network is trained. The optimiser's options (`train.lr`, ...) are keys beside these.

    Parameters
    ----------
    updates : int
        Number of updates of the weights, at most.
    batch : int
        Sequences per update.
    optimizer : str
        adam, adamw, rmsprop, rprop or sgd.
    clip_norm, clip_value : float or None
        Largest norm of the whole gradient; largest absolute value of each of its elements.
    reduction : str
        "mean", or "sum" over steps and sequences (the notes' J).
    evaluate_every : int
        Updates between two looks at the validation data.
    stop_when_solved : bool
        Stop at the first look at which the task's criterion is met.
    dtype : str
        "float32" or "float64".
    memory : str
        "full", or "recompute": an update in memory of the root of the length that computes values twice.
    carry_state : bool
        Train on a task's streams, the state carried from one chunk to the next.
    threads : int or None
        Seeds trained at a time; None is one per core. No effect on the weights.
    """

    #: Raised when a default below, of `Init` or of an optimiser changes; part of every run's key.
    VERSION: ClassVar[int] = 1

    updates: int = 1000
    batch: int = 32
    optimizer: str = "adam"
    clip_norm: float | None = None
    clip_value: float | None = None
    reduction: str = "mean"
    evaluate_every: int = 100
    stop_when_solved: bool = True
    dtype: str = "float32"
    memory: str = "full"
    carry_state: bool = False
    threads: int | None = None


@dataclass
class Init:
    """Initial weights: schemes with an optional number after a colon, "glorot", "uniform:0.1".

    Parameters
    ----------
    input, recurrent, output : str
        Schemes of the arrows from the input, inside cycles, and all others.
    bias : float
        Value of all biases.
    """

    input: str = "glorot"
    recurrent: str = "orthogonal"
    output: str = "glorot"
    bias: float = 0.0


@dataclass
class Budget:
    """An equal budget: with `parameters`, the model's width is solved for the nearest parameter count."""

    parameters: int | None = None


@dataclass
class Tracking:
    """Where runs are kept: `uri` of an MLflow server or database; None is SQLite in `./runs`."""

    uri: str | None = None


@dataclass
class Study:
    """What a sweep asks. Its name (the file's, else "default") is MLflow's experiment and the report's."""

    name: str | None = None
    question: str = ""
    source: str = ""
    expected: Any = None


@cache
def option_types() -> dict[str, Any]:
    """Return the options of all optimisers by name with their types, for the keys of `train`."""
    options: dict[str, Any] = {}
    for optimiser in OPTIMISERS.values():
        hints = get_type_hints(optimiser)
        for option in fields(optimiser):  # type: ignore[arg-type]
            if options.setdefault(option.name, hints[option.name]) != hints[option.name]:
                raise TypeError(f"optimisers disagree on the type of {option.name}")
    return options


@cache
def root() -> type[Any]:
    """Return the schema of a whole configuration."""
    options = [(name, kind | None, field(default=None)) for name, kind in option_types().items()]
    train = make_dataclass("train", options, bases=(Train,))
    return make_dataclass(
        "configuration",
        [
            ("model", Any, field(default=None)),
            ("task", Any, field(default=None)),
            ("seeds", Any, field(default=1)),
            ("train", train, field(default_factory=train)),
            ("init", Init, field(default_factory=Init)),
            ("budget", Budget, field(default_factory=Budget)),
            ("tracking", Tracking, field(default_factory=Tracking)),
            ("study", Study, field(default_factory=Study)),
            # Outside a run's identity: what is looked at changes no weight.
            ("diagnostics", bool, field(default=False)),
        ],
    )


def register() -> None:
    """Give Hydra the schema, every model and task found, as options of groups."""
    store, found = ConfigStore.instance(), available.found()
    store.store(name="rnnbench", node=root())
    for group, classes in (("model", found.models), ("task", found.tasks)):
        for name, schema in classes.items():
            store.store(group=group, name=name, node=schema)


def register_study(name: str, path: Path) -> Any:
    """Give Hydra one study file as an option of the group `experiment`; returns its key `sweep`, or None.

    Raises
    ------
    Refused
        If the file is no YAML mapping.
    """
    try:
        content = OmegaConf.load(path)
    except Exception as error:
        raise Refused(f"study {name}: {path} cannot be read: {' '.join(str(error).split())[:200]}") from error
    if not OmegaConf.is_dict(content):
        raise Refused(f"study {name}: {path} must hold keys and values")
    plain = dict(OmegaConf.to_container(content, resolve=False))  # type: ignore[arg-type]
    sweep = plain.pop("sweep", None)
    ConfigStore.instance().store(group="experiment", name=name, node=plain, package="_global_")
    return sweep


def groups() -> dict[str, list[str]]:
    """Return the names that may be chosen for each group."""
    options = {
        path.name: sorted(p.stem for p in path.glob("*.yaml"))
        for path in folders.conf().iterdir()
        if path.is_dir()
    }
    options |= {
        "model": list(available.models()),
        "task": list(available.tasks()),
        "experiment": list(folders.studies()),
    }
    return dict(sorted(options.items()))
