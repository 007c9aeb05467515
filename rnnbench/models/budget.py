"""Equal budgets: the width of a model that comes nearest to a given number of parameters."""

from dataclasses import replace
from typing import Any, NamedTuple

from rnnbench.models.fields import whole_number

#: A width of 1 may exceed the budget by this share; beyond it "the nearest" would mean little.
LARGEST_EXCESS = 0.5


class Width(NamedTuple):
    """A model of solved width.

    Attributes
    ----------
    model : dataclass
        A copy of the model with the field `hidden` set: a number, or a list in the proportions of the given
        one.
    n_parameters : int
        Its number of parameters.
    deviation : float
        (n_parameters - parameters) / parameters, so 0.01 is one per cent above the budget.
    """

    model: Any
    n_parameters: int
    deviation: float


def solve_width(
    model: Any, n_in: int, n_out: int, parameters: int, output_activation: str = "linear"
) -> Width:
    """Return the model with the width whose parameter count is nearest to `parameters`.

    Where `hidden` is a list of widths, the widest is solved for and the others keep their share of it.

    Parameters
    ----------
    model : dataclass
        A model with a field `hidden` and `build(n_in, n_out, output_activation)`; it is not changed.
    n_in, n_out : int
        Inputs and outputs of the task.
    parameters : int
        The budget. Of two widths equally near, the smaller is taken.
    output_activation : str
        Activation of the output box.

    Raises
    ------
    ValueError
        The budget is no positive whole number, or even a width of 1 exceeds it by more than half.
    """
    budget = whole_number("budget.parameters", parameters, 1)
    name = type(model).__name__.lower()
    if not hasattr(model, "hidden"):
        raise ValueError(f"budget.parameters={budget}: {name} has no width to solve for (no field hidden)")

    def count(width: int) -> int:
        return int(_of_width(model, width).build(n_in, n_out, output_activation).n_parameters)

    if count(2) == count(1):
        raise ValueError(f"budget.parameters={budget}: no box of {name} has the width hidden, to solve for")

    # The count grows with the width, so the widths on either side of the budget are found by bisection.
    above = 1
    while count(above) < budget:
        above *= 2
    below = above // 2
    while above - below > 1:
        middle = (above + below) // 2
        below, above = (middle, above) if count(middle) < budget else (below, middle)
    width = min((w for w in (below, above) if w > 0), key=lambda w: abs(count(w) - budget))
    nearest = count(width)
    deviation = (nearest - budget) / budget
    if deviation > LARGEST_EXCESS:
        raise ValueError(
            f"budget.parameters={budget}: must be about {nearest} or more, what {name} has at a width of 1"
        )
    return Width(_of_width(model, width), nearest, deviation)


def _of_width(model: Any, width: int) -> Any:
    """Return the model with that width; of a list of widths, the widest has it and all keep their shares."""
    if not isinstance(model.hidden, list | tuple):
        return replace(model, hidden=width)
    widest = max(model.hidden)
    return replace(model, hidden=[max(1, round(width * each / widest)) for each in model.hidden])
