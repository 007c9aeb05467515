"""The cost of memory: parameters, operations and state of three kinds of network against the span.

A network with a finite response needs a weight for every step of the past ("more history, more complex
network"); the size of a recurrent network does not depend on the span ("the model always has the same size").
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from rnnbench.base.arguments import whole_number
from rnnbench.models.narx import NARX
from rnnbench.models.rnn import RNN
from rnnbench.models.tdnn import TDNN

SPANS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class Size(NamedTuple):
    """The size and cost of one network.

    Attributes
    ----------
    span : int
        N, the steps of the past that are to count.
    model : str
        "tdnn" (window N), "narx" (outputs at lags 1..N) or "rnn".
    n_parameters : int
        Learned numbers.
    macs_per_step : int
        Multiply-accumulates of a step.
    state_size : int
        Numbers kept from step to step of one sequence.
    receptive_field : float
        Steps over which an input reaches the output; infinite through a cycle.
    """

    span: int
    model: str
    n_parameters: int
    macs_per_step: int
    state_size: int
    receptive_field: float


def sizes(spans: Sequence[int] = SPANS, n_in: int = 2, n_out: int = 1, hidden: int = 32) -> list[Size]:
    """Return what TDNN, NARX and RNN of one width cost for each span of memory.

    Parameters
    ----------
    spans : sequence of int
        Steps of the past, each at least 1.
    n_in, n_out, hidden : int
        Inputs, outputs, and width of the hidden layer.

    Raises
    ------
    ValueError
        A span or a width below 1.

    Examples
    --------
    >>> for size in sizes([10, 100], hidden=8):
    ...     print(size.span, size.model, size.n_parameters, size.macs_per_step, size.state_size)
    10 tdnn 193 184 20
    10 narx 113 104 10
    10 rnn 97 88 8
    100 tdnn 1633 1624 200
    100 narx 833 824 100
    100 rnn 97 88 8
    """
    found = []
    for span in spans:
        steps = whole_number("span", span, 1)
        models: dict[str, Any] = {
            "tdnn": TDNN(hidden=hidden, window=steps),
            "narx": NARX(hidden=hidden, input_taps=0, output_taps=steps),
            "rnn": RNN(hidden=hidden),
        }
        for name, model in models.items():
            net = model.build(n_in, n_out)
            facts = net.n_parameters, net.macs_per_step, net.state_size, net.receptive_field
            found.append(Size(steps, name, *facts))
    return found
