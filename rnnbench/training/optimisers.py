"""Optimisers by name: PyTorch's definitions and defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnnbench.base.arguments import choice, number, share, switch
from rnnbench.training.updates import Optimiser


def warm_up(dtype: DTypeLike) -> float:
    """Compile the update rules for a type, or load them from the cache, and return the seconds it took."""
    clock = perf_counter()
    Adam().start(1, dtype)(np.zeros(1, dtype), np.zeros(1, dtype))
    return perf_counter() - clock


@dataclass
class SGD(Optimiser):
    """Stochastic gradient descent, plain or with (Nesterov's) momentum.

    Parameters
    ----------
    lr : float
        Learning rate, 0 or more.
    momentum : float
        Share of the last step that is kept, in [0, 1).
    nesterov : bool
        Whether the momentum looks ahead; needs a momentum above 0.
    """

    rule: ClassVar[str] = "SGD"

    lr: float = 1e-3
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        """Check the ranges."""
        number("train.lr", self.lr, 0)
        share("train.momentum", self.momentum)
        if switch("train.nesterov", self.nesterov) and self.momentum == 0:
            raise ValueError("train.nesterov=True: must be false unless momentum is above 0")

    def settings(self) -> list[float]:
        """Return lr, momentum and the switch."""
        return [self.lr, self.momentum, float(self.nesterov)]

    def state(self, size: int, dtype: DTypeLike) -> NDArray[Any]:
        """Return one row for the momentum, if there is any."""
        return np.zeros((1 if self.momentum else 0, size), dtype)


@dataclass
class RMSprop(Optimiser):
    """RMSprop: each derivative divided by the root of its running mean square.

    Parameters
    ----------
    lr : float
        Learning rate, 0 or more.
    alpha : float
        Share of the mean square that is kept, in [0, 1).
    eps : float
        Added to the root, 0 or more.
    momentum : float
        Share of the last step that is kept, in [0, 1).
    """

    rule: ClassVar[str] = "RMSPROP"

    lr: float = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    momentum: float = 0.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        number("train.lr", self.lr, 0)
        share("train.alpha", self.alpha)
        number("train.eps", self.eps, 0)
        share("train.momentum", self.momentum)

    def settings(self) -> list[float]:
        """Return lr, alpha, eps and momentum."""
        return [self.lr, self.alpha, self.eps, self.momentum]


@dataclass
class Adam(Optimiser):
    """Adam: a running mean of each derivative divided by the root of its running mean square.

    Parameters
    ----------
    lr : float
        Learning rate, 0 or more.
    beta1, beta2 : float
        Shares of the mean and of the mean square that are kept, in [0, 1).
    eps : float
        Added to the root, 0 or more.
    """

    rule: ClassVar[str] = "ADAM"

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        """Check the ranges."""
        number("train.lr", self.lr, 0)
        share("train.beta1", self.beta1)
        share("train.beta2", self.beta2)
        number("train.eps", self.eps, 0)

    def settings(self) -> list[float]:
        """Return lr, both betas and eps; no decay."""
        return [self.lr, self.beta1, self.beta2, self.eps, 0.0]


@dataclass
class AdamW(Adam):
    """Adam with decoupled weight decay: all parameters shrink by ``lr * weight_decay`` before each step.

    Parameters
    ----------
    lr, beta1, beta2, eps : float
        As in `Adam`.
    weight_decay : float
        0 or more.
    """

    weight_decay: float = 1e-2

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        number("train.weight_decay", self.weight_decay, 0)

    def settings(self) -> list[float]:
        """Return lr, both betas, eps and the decay."""
        return [self.lr, self.beta1, self.beta2, self.eps, self.weight_decay]


@dataclass
class Rprop(Optimiser):
    """Resilient propagation: only the signs of the derivatives count; meant for full batches.

    Parameters
    ----------
    lr : float
        First step size of every parameter, 0 or more.
    eta_minus, eta_plus : float
        Factors of a step size where a derivative turned, in [0, 1), and where it kept its sign, at least 1.
    step_min, step_max : float
        Limits of the step sizes.
    """

    rule: ClassVar[str] = "RPROP"

    lr: float = 1e-2
    eta_minus: float = 0.5
    eta_plus: float = 1.2
    step_min: float = 1e-6
    step_max: float = 50.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        number("train.lr", self.lr, 0)
        share("train.eta_minus", self.eta_minus)
        number("train.eta_plus", self.eta_plus, 1)
        number("train.step_min", self.step_min, 0)
        if number("train.step_max", self.step_max, 0) < self.step_min:
            raise ValueError(f"train.step_max={self.step_max}: must be at least step_min={self.step_min}")

    def settings(self) -> list[float]:
        """Return the first step size, both factors and both limits."""
        return [self.lr, self.eta_minus, self.eta_plus, self.step_min, self.step_max]

    def state(self, size: int, dtype: DTypeLike) -> NDArray[Any]:
        """Return a row of last derivatives (none yet) and one of step sizes."""
        rows = super().state(size, dtype)
        rows[1] = self.lr
        return rows


OPTIMISERS: dict[str, type[Optimiser]] = {
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
    "rprop": Rprop,
}


def optimiser(name: Any = "adam", **options: Any) -> Optimiser:
    """Return an optimiser by name.

    Parameters
    ----------
    name : str, Mapping or Optimiser
        A name in `OPTIMISERS`; a mapping with the key "name" and options; or an optimiser, which is returned
        as it is when there are no further options.
    **options
        Fields of the optimiser that are to differ from its defaults.

    Raises
    ------
    ValueError
        Unknown name or option, or a value out of range.
    """
    if isinstance(name, Mapping):
        return optimiser(**{"name": "adam", **name, **options})
    if isinstance(name, Optimiser):
        given = {field.name: getattr(name, field.name) for field in fields(name)}  # type: ignore[arg-type]
        kind = type(name)
        if not options:
            return name
    else:
        given, kind = {}, OPTIMISERS[choice("optimizer", name, OPTIMISERS)]
    allowed = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    for option, value in options.items():
        if option not in allowed:
            raise ValueError(
                f"train.{option}={value}: must be an option of {kind.__name__}: {', '.join(allowed)}"
            )
    return kind(**{**given, **options})
