"""The configuration as dataclasses: documentation, defaults, Hydra's schema and the command line in one.

Models and tasks are not listed here: their dataclasses are found, in their folders and among the plugins, and
become the options of the groups `model` and `task`. The options of the optimisers become keys of `train`.
"""

from dataclasses import dataclass, field, fields, make_dataclass
from functools import cache
from typing import Any, ClassVar, get_type_hints

from rnnbench.training.optimisers import OPTIMISERS


@dataclass
class Train:
    """How a network is trained. The optimiser's options (`train.lr`, ...) are keys beside these.

    Parameters
    ----------
    updates : int
        Number of updates of the weights, at most.
    sequences : int or None
        A budget of training sequences in place of `updates`.
    seconds : float or None
        A budget of seconds of compiled updates in place of `updates`; evaluation and data do not count. How
        many updates that gave is recorded, and what a rerun makes.
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
    select : str
        The parameters that are reported: of the "best_validation" loss, the "last", or "first_solved" (those
        that first met the criterion; where none did, of the best validation loss).
    shortest : int or None
        Train at spans between this and the task's own, drawn anew for each batch.
    dtype : str
        "float32" or "float64".
    memory : str
        "full", or "recompute": an update in memory of the root of the length that computes values twice.
    carry_state : bool
        Train on a task's streams, the state carried from one chunk to the next.
    threads : int or None
        Runs trained at a time by `hydra/launcher=threads`; None is one per core. No effect on the weights.
    checkpoint_every : float or None
        Seconds between two checkpoints, from which a killed run goes on; None: only Ctrl-C writes one.
    """

    #: Raised when a default below, of `Init` or of an optimiser changes; part of every run's key.
    VERSION: ClassVar[int] = 1

    updates: int = 1000
    sequences: int | None = None
    seconds: float | None = None
    batch: int = 32
    optimizer: str = "adam"
    clip_norm: float | None = None
    clip_value: float | None = None
    reduction: str = "mean"
    evaluate_every: int = 100
    stop_when_solved: bool = True
    select: str = "best_validation"
    shortest: int | None = None
    dtype: str = "float32"
    memory: str = "full"
    carry_state: bool = False
    threads: int | None = None
    checkpoint_every: float | None = 60.0


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
    """An equal budget, for which the model's width is solved: the nearest count to one of the two.

    Parameters
    ----------
    parameters : int or None
        Learned numbers.
    macs : int or None
        Multiply-adds of one step of one sequence.
    """

    parameters: int | None = None
    macs: int | None = None


@dataclass
class Tune:
    """Equal tuning: every model gets the same number of trials on each task, over its own search space.

    Parameters
    ----------
    trials : int
        Trials of each model on each task; 0 for no tuning.
    seeds : int
        Seeds of each trial, counted from 10000 on: never those of the comparison.
    updates : int or None
        Updates of a trial; None is as many as the comparison has.
    sampler : str
        "tpe" (Optuna's tree-structured Parzen estimator) or "random".
    seed : int
        Seed of the sampler.
    space : dict or None
        Changes to the declared search spaces, for all models or below a model's name: a key of `model`,
        `train` or `init` to null (not tuned) or to what may be chosen, such as [log, 0.001, 0.1]. Not what
        would make trials unequal: how long and on what they train, how they are judged, the number type;
        `batch` only with a budget of sequences or seconds, the width only without one.
    """

    trials: int = 0
    seeds: int = 1
    updates: int | None = None
    sampler: str = "tpe"
    seed: int = 0
    space: Any = None


@dataclass
class Evaluate:
    """What a trained network is tried on besides: the task at other `spans`, a list, outside a run's key."""

    spans: Any = None


@dataclass
class Tracking:
    """The mirror of the runs in MLflow.

    Parameters
    ----------
    uri : str or None
        An MLflow server or database; None is MLFLOW_TRACKING_URI of the environment, else SQLite in `./runs`.
    mirror : str
        "auto": complete before the command returns; "later": written by `rnnbench sync`, `rnnbench ui` or the
        next command.
    """

    uri: str | None = None
    mirror: str = "auto"


@dataclass
class Launch:
    """How runs are handed to process and cluster launchers: `batch` is the seconds of work in one job."""

    batch: float = 30.0


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
    return {
        option.name: get_type_hints(optimiser)[option.name]
        for optimiser in OPTIMISERS.values()
        for option in fields(optimiser)  # type: ignore[arg-type]
    }


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
            ("tune", Tune, field(default_factory=Tune)),
            ("tracking", Tracking, field(default_factory=Tracking)),
            ("launch", Launch, field(default_factory=Launch)),
            ("study", Study, field(default_factory=Study)),
            # Outside a run's identity: what is looked at changes no weight.
            ("evaluate", Evaluate, field(default_factory=Evaluate)),
            ("diagnostics", bool, field(default=False)),
            ("resume", bool, field(default=True)),
            # Grids of a study; read before configurations are made, and in none of them.
            ("sweep", Any, field(default=None)),
        ],
    )


@cache
def sections() -> tuple[str, ...]:
    """Return the keys at the root of a configuration."""
    return tuple(f.name for f in fields(root()) if f.name != "sweep")
