"""Equal budgets: the width of a model that comes nearest to a number of parameters, or of multiply-adds."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from rnnbench.base.arguments import choice, whole_number

#: A width of 1 may exceed the budget by this share; beyond it, the budget is refused.
LARGEST_EXCESS = 0.5
#: Deviations up to one per cent are never reported, however small the steps between widths.
SMALLEST_ALLOWED = 0.01
#: The properties of `Network` that a budget may limit, and the key of each.
KEYS = {"parameters": "budget.parameters", "macs_per_step": "budget.macs"}


class Width(NamedTuple):
    """A model whose width was solved for a budget.

    Attributes
    ----------
    model : dataclass
        A copy of the model with the field `hidden` set: a number, or a list in the proportions of the given
        one.
    n_parameters : int
        Its number of parameters.
    counted : int
        The amount that the budget limits: parameters, or multiply-adds of a step.
    deviation : float
        (counted - amount) / amount, so 0.01 is one per cent above the budget.
    half_step : float
        Half of what the next larger width would add to the count, as a share of the amount: the deviation
        that whole units cannot avoid.
    """

    model: Any
    n_parameters: int
    counted: int
    deviation: float
    half_step: float

    @property
    def allowed(self) -> float:
        """The largest absolute deviation that causes no warning."""
        return max(SMALLEST_ALLOWED, self.half_step)


def solve_width(
    model: Any,
    n_in: int,
    n_out: int,
    amount: int,
    output_activation: str = "linear",
    *,
    of: str = "parameters",
) -> Width:
    """Return the model with the width whose count is nearest to `amount`.

    Where `hidden` is a list of widths, the widest is solved for and the others keep their share of it.

    Parameters
    ----------
    model : dataclass
        A model with a field `hidden` and `build(n_in, n_out, output_activation)`; it is not changed.
    n_in, n_out : int
        Inputs and outputs of the task.
    amount : int
        The budget. Of two widths equally near, the smaller is taken.
    output_activation : str
        Activation of the output box.
    of : "parameters" or "macs_per_step"
        What is counted: learned numbers, or multiply-adds of one step of one sequence.

    Raises
    ------
    ValueError
        The budget is no positive whole number, or even a width of 1 exceeds it by more than half.
    """
    key = KEYS[choice("of", of, KEYS)]
    budget = whole_number(key, amount, 1)
    name = type(model).__name__.lower()
    if not hasattr(model, "hidden"):
        raise ValueError(f"{key}={budget}: {name} has no width to solve for (no field hidden)")

    def built(width: int) -> Any:
        return _of_width(model, width).build(n_in, n_out, output_activation)

    def count(width: int) -> int:
        network = built(width)
        return int(network.n_parameters if of == "parameters" else network.macs_per_step)

    if count(2) == count(1):
        raise ValueError(f"{key}={budget}: no box of {name} has the width hidden, to solve for")

    width = _nearest(count, budget)
    nearest = count(width)
    deviation = (nearest - budget) / budget
    if deviation > LARGEST_EXCESS:
        raise ValueError(f"{key}={budget}: must be about {nearest} or more, what {name} has at a width of 1")
    half_step = (count(width + 1) - nearest) / 2 / budget
    return Width(_of_width(model, width), built(width).n_parameters, nearest, deviation, half_step)


def _nearest(count: Callable[[int], int], budget: int) -> int:
    """Return the width whose count is nearest to the budget, the smaller of two equally near."""
    # The count grows with the width, so the widths on either side of the budget are found by bisection.
    above = 1
    while count(above) < budget:
        above *= 2
    below = above // 2
    while above - below > 1:
        middle = (above + below) // 2
        below, above = (middle, above) if count(middle) < budget else (below, middle)
    return min((w for w in (below, above) if w > 0), key=lambda w: abs(count(w) - budget))


def _of_width(model: Any, width: int) -> Any:
    """Return the model with that width; of a list of widths, the widest has it and all keep their shares."""
    if not isinstance(model.hidden, list | tuple):
        return replace(model, hidden=width)
    widest = max(model.hidden)
    return replace(model, hidden=[max(1, round(width * each / widest)) for each in model.hidden])
