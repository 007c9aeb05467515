"""Groups of a configuration, read and checked: training, budget, tuning, initial weights, seeds and names."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from rnnbench.base.arguments import bound, choice, is_whole, number, whole_number
from rnnbench.base.refusals import Refused
from rnnbench.config import schema
from rnnbench.models.budget import KEYS, Width
from rnnbench.network.initialise import SCHEMES, parse_scheme
from rnnbench.training.optimisers import OPTIMISERS

_STUDY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
#: So many runs of one configuration, trials of a tuning, and seeds of each trial, at most.
MOST_SEEDS, MOST_TRIALS, MOST_TUNING_SEEDS = 10_000, 10_000, 1_000
#: Seeds of tuning count from here on: more than `seeds=N` reaches.
FIRST_TUNING_SEED = MOST_SEEDS
SAMPLERS = ("tpe", "random")
MIRRORS = ("auto", "later")
UNITS = {"parameters": "parameters", "macs_per_step": "multiply-adds a step"}


def read_train(given: Mapping[str, Any]) -> tuple[schema.Train, Any]:
    """Split the keys of `train` into the settings that all optimisers share and the optimiser itself.

    What concerns the training alone is checked by `fit`.

    Parameters
    ----------
    given : mapping
        Keys that are missing have their defaults.

    Raises
    ------
    ValueError, Refused
        Unknown optimiser, an option that it does not have, or a value out of range.
    """
    for name, value in given.items():
        if isinstance(value, float):
            number(f"train.{name}", value)
    common = [f.name for f in fields(schema.Train)]
    train = schema.Train(**{name: given[name] for name in common if name in given})
    if train.threads is not None:
        whole_number("train.threads", train.threads, 1)
    bound("train.checkpoint_every", train.checkpoint_every, "or null for none but on Ctrl-C")
    kind = OPTIMISERS[choice("train.optimizer", train.optimizer, OPTIMISERS)]
    options = {k: v for k, v in given.items() if k not in common and v is not None}
    own = [f.name for f in fields(kind)]  # type: ignore[arg-type]
    if foreign := [name for name in options if name not in own]:
        raise Refused(
            f"train.{foreign[0]}={options[foreign[0]]}: {train.optimizer} has no such option\n"
            f"its options: {', '.join(own)}"
        )
    return train, kind(**options)


def read_seeds(given: Any) -> tuple[int, ...]:
    """Return the seeds that `seeds=N` (0 to N - 1) or a list of different whole numbers stand for."""
    count = min(given, MOST_SEEDS + 1) if is_whole(given) else 0
    seeds = given if isinstance(given, list | tuple) else range(count)
    whole = all(is_whole(seed) and seed >= 0 for seed in seeds)
    if not whole or not 0 < len(seeds) <= MOST_SEEDS or len(set(seeds)) < len(seeds):
        raise Refused(
            f"seeds={given}: must be how many (5 means 0 to 4), at most {MOST_SEEDS}, or a list of different "
            "whole numbers such as [0,3]"
        )
    return tuple(seeds)


def read_study_name(given: str | None, experiment: str | None) -> str:
    """Return the name as given, else the study file's ("papers/elman": papers-elman), else "default"."""
    name = given or (experiment or "default").replace("/", "-")
    if not _STUDY_NAME.fullmatch(name):
        raise Refused(
            f"study.name={name}: must be letters, digits, '_', '-' and '.', a letter or digit first, "
            "100 at most"
        )
    return name


def read_launch(given: Mapping[str, Any]) -> schema.Launch:
    """Return the group `launch`; ValueError where a batch has no length."""
    return schema.Launch(bound("launch.batch", given.get("batch", schema.Launch.batch), "in seconds"))


def read_init(given: Mapping[str, Any]) -> schema.Init:
    """Return the group `init`; ValueError for a scheme (a name with an optional number) that is unknown."""
    init = schema.Init(**given)
    for name in ("input", "recurrent", "output"):
        text = getattr(init, name)
        choice(f"init.{name}", text.partition(":")[0], SCHEMES)
        parse_scheme(f"init.{name}", text)
    number("init.bias", init.bias)
    return init


def read_budget(given: Mapping[str, Any]) -> tuple[str | None, int | None]:
    """Return what a budget counts, "parameters" or "macs_per_step", and how many; None twice without one.

    Raises
    ------
    Refused
        Both are asked for: there is one width to solve for.
    """
    counted = {of: given[key.partition(".")[2]] for of, key in KEYS.items()}
    asked = {of: amount for of, amount in counted.items() if amount is not None}
    if len(asked) > 1:
        raise Refused(
            f"budget.macs={asked['macs_per_step']}: must be null beside budget.parameters="
            f"{asked['parameters']}; there is one width to solve for"
        )
    return next(iter(asked.items()), (None, None))


def budget_note(width: Width | None, of: str | None) -> str:
    """Return what the budget counts and how far it is from it, or "" where none was set."""
    return "" if width is None or of is None else f"{width.counted} {UNITS[of]}, {width.deviation:+.1%}"


def budget_warning(width: Width | None, of: str | None, name: str) -> str:
    """Return one line where the width misses the budget by more than whole units explain, else ""."""
    if width is None or of is None or abs(width.deviation) <= width.allowed:
        return ""
    return (
        f"{name}: {width.counted} {UNITS[of]} at the nearest width are {width.deviation:+.1%} from "
        f"{KEYS[of]}; in an equal budget {width.allowed:.1%} are allowed"
    )


def read_tune(given: Mapping[str, Any], seeds: Sequence[int]) -> schema.Tune:
    """Return how a configuration is tuned; its search space is checked by `search_space`.

    Parameters
    ----------
    given : mapping
        The group `tune`.
    seeds : sequence of int
        Those of the comparison.

    Raises
    ------
    ValueError, Refused
        A value out of range, or a seed of the comparison that is a tuning seed as well.
    """
    tune = schema.Tune(**given)
    whole_number("tune.trials", tune.trials, 0, MOST_TRIALS)
    whole_number("tune.seeds", tune.seeds, 1, MOST_TUNING_SEEDS)
    whole_number("tune.seed", tune.seed, 0, 2**32 - 1)
    choice("tune.sampler", tune.sampler, SAMPLERS)
    if tune.updates is not None:
        whole_number("tune.updates", tune.updates, 1)
    own = tuning_seeds(tune) if tune.trials else ()
    if shared := [seed for seed in seeds if seed in own]:
        raise Refused(
            f"seeds: {shared[0]} is one of the tuning, {own[0]} to {own[-1]} (tune.seeds={tune.seeds}); "
            "those of the comparison must be others"
        )
    return tune


def tuning_seeds(tune: schema.Tune) -> tuple[int, ...]:
    """Return the seeds that every trial is run with."""
    return tuple(range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + tune.seeds))
