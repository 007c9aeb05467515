"""What makes a comparison fair, read and checked: an equal budget, and equal tuning."""

from collections.abc import Mapping, Sequence
from typing import Any

from rnnbench.experiment import schema
from rnnbench.experiment.refusals import Refused, unknown
from rnnbench.models.budget import KEYS, Width

#: So many trials, and so many seeds of each, at most.
MOST_TRIALS, MOST_TUNING_SEEDS = 10_000, 1_000
#: Seeds of tuning count from here on: more than `seeds=N` reaches.
FIRST_TUNING_SEED = 10_000
SAMPLERS = ("tpe", "random")
UNITS = {"parameters": "parameters", "macs_per_step": "multiply-adds a step"}


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


def plain_budget(of: str | None, amount: int | None) -> dict[str, int | None]:
    """Return the keys of the group `budget` with their values."""
    return {key.partition(".")[2]: amount if of == counted else None for counted, key in KEYS.items()}


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
    """Return how a configuration is tuned; its search space is checked by `space.search_space`.

    Parameters
    ----------
    given : mapping
        The group `tune`.
    seeds : sequence of int
        Those of the comparison.

    Raises
    ------
    Refused
        A value out of range, or a seed of the comparison that is a tuning seed as well.
    """
    tune = schema.Tune(**given)
    _require("trials", tune.trials, 0, MOST_TRIALS)
    _require("seeds", tune.seeds, 1, MOST_TUNING_SEEDS)
    _require("seed", tune.seed, 0, 2**32 - 1)
    if tune.updates is not None and tune.updates < 1:
        raise Refused(f"tune.updates={tune.updates}: must be at least 1, or null for train.updates")
    if tune.sampler not in SAMPLERS:
        raise unknown("sampler", f"tune.sampler={tune.sampler}", tune.sampler, SAMPLERS)
    own = set(tuning_seeds(tune)) if tune.trials else set()
    if shared := [seed for seed in seeds if seed in own]:
        raise Refused(
            f"seeds: {shared[0]} is one of the tuning, {min(own)} to {max(own)} (tune.seeds={tune.seeds}); "
            "those of the comparison must be others"
        )
    return tune


def tuning_seeds(tune: schema.Tune) -> tuple[int, ...]:
    """Return the seeds that every trial is run with."""
    return tuple(range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + tune.seeds))


def _require(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise Refused(f"tune.{name}={value}: must be between {low} and {high}")
