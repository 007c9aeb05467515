"""Search spaces: what may be tried for a model when it is tuned, as plain data.

Every model is tuned over the common space below, changed by what its class declares as `SEARCH` and by the
keys `tune.space` of a study. A space maps a key of `model`, `train` or `init` to

- ``("log", low, high)`` or ``("uniform", low, high)``: a number between the two, logarithmically or evenly;
- ``("log_int", low, high)`` or ``("int", low, high)``: a whole number;
- ``("choice", a, b, ...)``: one of these values;
- None: the key is not tuned.

The models' spaces have about as many keys each, for all get the same number of trials. What a study's grid or
the command line gives is fixed.

Tuned are hyperparameters of the method: fields of the model, the optimiser and its options, clipping, the
reduction of the loss, initial weights. Refused is what would make trials unequal in budget or change what is
compared: how long and on what is trained, how a run is judged, what an update costs on this machine. With
`train.batch` it depends on the budget: one of sequences or of seconds is the same for all, with one of
updates a larger batch would see more data. The width is not tuned where a budget solves it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from rnnbench.base.arguments import is_whole
from rnnbench.base.refusals import NotApplicable, Refused
from rnnbench.config import available, schema
from rnnbench.config.configuration import Configuration
from rnnbench.config.construction import with_values
from rnnbench.config.hydra_errors import unknown_key
from rnnbench.plugins import source_of

COMMON: dict[str, Any] = {
    "train.lr": ("log", 1e-4, 3e-2),
    "train.clip_norm": ("choice", None, 0.1, 1.0, 10.0),
    "init.input": ("choice", "glorot:0.3", "glorot", "glorot:3"),
    "init.recurrent": ("choice", "orthogonal:0.5", "orthogonal:0.8", "orthogonal", "orthogonal:1.2"),
}
RANGES = ("log", "uniform", "log_int", "int")
FORMS = (
    "null (not tuned), [log, LOW, HIGH], [uniform, LOW, HIGH], [log_int, LOW, HIGH], [int, LOW, HIGH] or "
    "[choice, A, B, ...]"
)
GROUPS = ("model", "train", "init")
#: How a message names an entry of a study or command line.
SPACE = "tune.space."
#: Settings of `train` that are the same for all trials, and why.
SAME_FOR_ALL = {
    name: reason
    for reason, names in {
        "how long all trials train is tune.updates": ("updates", "sequences", "seconds"),
        "how a run is judged is the same for all trials": ("evaluate_every", "stop_when_solved", "select"),
        "what is trained on is the same for all trials": ("shortest", "carry_state"),
        "it is no hyperparameter of the method, it decides what a run costs": (
            "dtype",
            "memory",
            "threads",
            "checkpoint_every",
        ),
    }.items()
    for name in names
}


class Dimension(NamedTuple):
    """What may be tried for one key.

    Attributes
    ----------
    kind : str
        "choice" or a kind of range.
    values : tuple
        The choices, or the two ends.
    where : str
        How messages name the entry.
    """

    kind: str
    values: tuple[Any, ...]
    where: str

    def plain(self) -> list[Any]:
        """Return it as it is written in a study file."""
        return [self.kind, *self.values]

    def holds(self, value: Any) -> bool:
        """Whether a value could be drawn from it."""
        if self.kind == "choice":
            return any(value == v and isinstance(value, bool) is isinstance(v, bool) for v in self.values)
        low, high = self.values
        return (is_whole(value) if self.kind.endswith("int") else _is_number(value)) and low <= value <= high

    def encoded(self, value: Any) -> Any:
        """Return what the sampler knows a value as: of choices the place, since they may be lists too."""
        return self.values.index(value) if self.kind == "choice" else value

    def decoded(self, value: Any) -> Any:
        """Return the value that the sampler has drawn.

        A number of a range has three digits: readable, and the same on every machine.
        """
        if self.kind == "choice":
            return self.values[value]
        low, high = self.values
        return value if self.kind.endswith("int") else min(max(float(f"{value:.3g}"), low), high)


def check_space(configuration: Configuration, tried: set[str]) -> None:
    """Refuse a space that is malformed, and of a user's own the values that the model refuses.

    Parameters
    ----------
    configuration : Configuration
        From `configure`.
    tried : set of str
        What needs no second trial in the configurations of a sweep; it is added to.

    Raises
    ------
    Refused
        The first entry that is wrong: key, value and what is allowed.
    """
    if configuration.tune.trials == 0:
        return
    own = source_of(type(configuration.model)) is not None
    for key, dimension in search_space(configuration).items():
        mark = f"{configuration.model_name} {configuration.train.optimizer} {key} {dimension}"
        if mark not in tried and (own or dimension.where.startswith(SPACE)):
            _try(configuration, key, dimension)
        tried.add(mark)


def try_declared(configuration: Configuration) -> list[str]:
    """Try every end and every choice of what the class of a model declares as `SEARCH`; returns its keys.

    Raises
    ------
    Refused
        The first entry that is malformed, names no field, or holds a value that the model refuses.
    """
    space = search_space(configuration)
    declared = [key for key in space if key in type(configuration.model).SEARCH]
    for key in declared:
        _try(configuration, key, space[key])
    return declared


def search_space(configuration: Configuration) -> dict[str, Dimension]:
    """Return what is tried for a configuration, by key; sorted, so that its order in files does not matter.

    Raises
    ------
    Refused
        A key that cannot be tuned, an entry of another form, or nothing left to tune.
    """
    name, kind = configuration.model_name, type(configuration.model)
    declared = getattr(kind, "SEARCH", {})
    if not isinstance(declared, Mapping):
        raise Refused(f"SEARCH of {name}: {declared} must map keys to what may be tried")
    space: dict[str, Dimension | None] = {}
    for key, entry in (COMMON | dict(declared)).items():
        where = f"SEARCH of {name}: {key}"
        _check_key(str(key), where, [kind])
        space[key] = _dimension(entry, where)
    space |= {key: _dimension(entry, where) for key, entry, where in _asked(configuration)}
    found = {
        key: dimension
        for key, dimension in sorted(space.items())
        if dimension is not None and not _is_fixed(key, configuration)
    }
    if not found:
        raise Refused(
            f"tune.trials={configuration.tune.trials}: nothing is left to tune for {name}; give fewer "
            "keys, or more of tune.space"
        )
    return found


def written(configuration: Configuration, key: str) -> Any:
    """Return the value that a configuration has for a key of `model`, `train` or `init`."""
    group, _, name = key.partition(".")
    return configuration.as_plain()[group].get(name)


def _asked(configuration: Configuration) -> Iterator[tuple[str, Any, str]]:
    """Yield key, entry and path of what `tune.space` says of the model, that under its own name last."""
    space = {} if configuration.tune.space is None else configuration.tune.space
    if not isinstance(space, Mapping):
        raise Refused(f"tune.space={space}: must map keys such as train.lr to {FORMS}")
    models = {name: cls for name, cls in available.models().items() if name not in GROUPS}
    for path, entry in sorted(_flat(space), key=lambda part: part[0].partition(".")[0] in models):
        first, _, rest = path.partition(".")
        key, where = rest if first in models else path, f"{SPACE}{path}"
        _check_key(key, where, [models[first]] if first in models else list(models.values()))
        if why := _settled(key, configuration):
            raise Refused(f"{where}: cannot be tuned; {why}")
        group, _, name = key.partition(".")
        has = group != "model" or hasattr(configuration.model, name)
        if first == configuration.model_name or (first not in models and has):
            yield key, entry, where


def _flat(space: Mapping[Any, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every entry with its dotted path; names may be nested or joined by dots, as one likes."""
    for name, entry in space.items():
        path = f"{above}{name}"
        if isinstance(entry, Mapping):
            yield from _flat(entry, f"{path}.")
        else:
            yield path, entry


def _check_key(key: str, where: str, models: Sequence[type[Any]]) -> None:
    """Refuse a key that no configuration has, and those that are the same for all."""
    group, _, name = key.partition(".")
    own = {
        "model": {f.name for model in models for f in fields(model)},
        "train": {f.name for f in fields(schema.Train)} | set(schema.option_types()),
        "init": {f.name for f in fields(schema.Init)},
    }
    if group not in own or not name:
        raise Refused(
            f"{where}: must be a key of model, train or init, such as train.lr; in tune.space also one below "
            "the name of a model"
        )
    if name not in own[group]:
        raise unknown_key(key, where, sorted(own[group]))
    if group == "train" and name in SAME_FOR_ALL:
        raise Refused(f"{where}: cannot be tuned; {SAME_FOR_ALL[name]}")


def _dimension(entry: Any, where: str) -> Dimension | None:
    """Return what an entry stands for; None where the key is not tuned."""
    if entry is None:
        return None
    given: list[Any] = list(entry) if isinstance(entry, list | tuple) and entry else [None]
    kind, *values = given
    shown = f"{where}={given if values else entry}"
    if kind == "choice":
        if len(values) < 2 or any(v == w for n, v in enumerate(values) for w in values[:n]):
            raise Refused(f"{shown}: must name at least two values, all different")
        return Dimension("choice", tuple(values), where)
    if kind not in RANGES or len(values) != 2:
        raise Refused(f"{shown}: must be {FORMS}")
    right = is_whole if kind.endswith("int") else _is_number
    low, high = values
    if not (right(low) and right(high) and low < high and (low > 0 or not kind.startswith("log"))):
        numbers = "whole numbers" if kind.endswith("int") else "numbers"
        above = "0 < LOW < HIGH" if kind.startswith("log") else "LOW < HIGH"
        raise Refused(f"{shown}: must be [{kind}, LOW, HIGH], {numbers} with {above}")
    return Dimension(kind, (low, high), where)


def _is_number(value: Any) -> bool:
    return is_whole(value) or (isinstance(value, float) and math.isfinite(value))


def _settled(key: str, configuration: Configuration) -> str:
    """Return why the budget, of size or of training, leaves nothing to tune of a key; "" where it does."""
    if key == "model.hidden" and configuration.budget is not None:
        return "the width is solved for the budget"
    train = configuration.train
    in_updates = configuration.tune.updates is not None or train.sequences is train.seconds is None
    if key == "train.batch" and in_updates:
        budget = "train.updates" if configuration.tune.updates is None else "tune.updates"
        return f"with a budget of {budget} a larger batch sees more data; train.sequences makes it fair"
    return ""


def _is_fixed(key: str, configuration: Configuration) -> bool:
    """Whether a key has its value from the command line, a grid or the budget."""
    group = key.partition(".")[0]
    # `init={bias: 1}` gives all of the group; `model=elman` chooses an option and gives no field.
    given = key in configuration.given or (group == "init" and group in configuration.given)
    return given or bool(_settled(key, configuration))


def _try(configuration: Configuration, key: str, dimension: Dimension) -> None:
    """Build what the ends of a range or each choice stand for, without a budget, which may rule some out."""
    for value in dimension.values:
        try:
            with_values(configuration, {key: value, "budget.parameters": None, "budget.macs": None})
        except NotApplicable:
            continue
        except Refused as refused:
            first, *rest = str(refused).splitlines()
            shown = f"{dimension.where}={dimension.plain()}: cannot be tried ({first})"
            raise Refused("\n".join([shown, *rest])) from refused
