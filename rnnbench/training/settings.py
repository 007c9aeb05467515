"""The arguments of a training, checked before anything starts."""

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from rnnbench.base.arguments import bound, choice, is_whole, switch, whole_number
from rnnbench.base.suggestions import did_you_mean
from rnnbench.network import Network
from rnnbench.network.recompute import MEMORIES
from rnnbench.training.budget import Budget
from rnnbench.training.optimisers import optimiser
from rnnbench.training.selection import RULES
from rnnbench.training.updates import Optimiser

LOOPS = ("closed", "open")
REDUCTIONS = ("mean", "sum")
DTYPES = ("float32", "float64")
#: Arguments of `Network.init` that are not schemes.
FIXED = ("self", "seed", "dtype")


@dataclass(frozen=True)
class Settings:
    """The checked arguments of `fit`, which documents them; an infinite bound means no clipping."""

    budget: Budget
    batch: int
    optimiser: Optimiser
    seed: int
    loop: str | int
    reduction: str
    norm_bound: float
    value_bound: float
    evaluate_every: int
    stop_when_solved: bool
    dtype: np.dtype[Any]
    memory: str
    carry_state: bool
    init: dict[str, Any]
    select: str

    @classmethod
    def checked(cls, **given: Any) -> Self:
        """Return the settings that arguments of `fit` stand for.

        Raises
        ------
        ValueError
            An argument out of range.
        """
        rate = {} if given["lr"] is None else {"lr": given["lr"]}
        return cls(
            budget=_budget(given["updates"], given["sequences"], given["seconds"]),
            batch=whole_number("train.batch", given["batch"], 1),
            optimiser=optimiser(given["optimizer"], **rate),
            seed=whole_number("seed", given["seed"], 0),
            loop=_loop(given["loop"]),
            reduction=choice("train.reduction", given["reduction"], REDUCTIONS),
            norm_bound=bound("train.clip_norm", given["clip_norm"]),
            value_bound=bound("train.clip_value", given["clip_value"]),
            evaluate_every=whole_number("train.evaluate_every", given["evaluate_every"], 1),
            stop_when_solved=switch("train.stop_when_solved", given["stop_when_solved"]),
            dtype=np.dtype(choice("train.dtype", _dtype_name(given["dtype"]), DTYPES)),
            memory=choice("train.memory", given["memory"], MEMORIES),
            carry_state=switch("train.carry_state", given["carry_state"]),
            init=_init(given["init"]),
            select=choice("train.select", given["select"], RULES),
        )


def _budget(updates: Any, sequences: Any, seconds: Any) -> Budget:
    if sequences is not None and seconds is not None:
        raise ValueError(
            f"train.seconds={seconds}: not beside train.sequences={sequences}; a training has one budget"
        )
    if sequences is not None:
        return Budget(sequences=whole_number("train.sequences", sequences, 1))
    if seconds is not None:
        most = bound("train.seconds", seconds, "or none for a budget in updates")
        if most == math.inf:
            raise ValueError("train.seconds=inf: must be finite")
        return Budget(seconds=most)
    return Budget(updates=whole_number("train.updates", updates, 1))


def _loop(loop: Any) -> str | int:
    if is_whole(loop) and int(loop) >= 0:
        return int(loop)
    if loop in LOOPS:
        return str(loop)
    near = did_you_mean(str(loop), LOOPS)
    raise ValueError(
        f"train.loop={loop}: must be one of closed, open, or the step at which targets end{near}"
    )


def _dtype_name(dtype: Any) -> str:
    if isinstance(dtype, str):
        return dtype
    try:
        return str(np.dtype(dtype).name)
    except TypeError:
        return str(dtype)


def _init(init: Mapping[str, Any] | None) -> dict[str, Any]:
    given = dict(init or {})
    allowed = [name for name in inspect.signature(Network.init).parameters if name not in FIXED]
    for name, value in given.items():
        if name not in allowed:
            raise ValueError(f"init.{name}={value}: must be a scheme of {', '.join(allowed)}")
    return given
