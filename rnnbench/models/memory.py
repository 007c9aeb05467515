"""Explicit memory: units that learn what to keep of the output, the hidden layer and themselves."""

from dataclasses import dataclass
from typing import Any, ClassVar

from rnnbench import network
from rnnbench.base.arguments import choice, whole_number
from rnnbench.models.assembly import assembled
from rnnbench.models.fields import check_layer, gate, switch_step
from rnnbench.network import Arrow, Box
from rnnbench.network.description import ACTIVATIONS


@dataclass
class Memory:
    """Network with an explicit memory variable: a learned function of all values of the step before.

    ``m_t = r(y_{t-1} W_ym + h_{t-1} W_hm + m_{t-1} W_mm + b_m)``, ``h_t = activation(x_t W_xh + m_t W_mh +
    b_h)``, ``y_t = output(h_t W_hy + b_y)``

    Jordan's and Elman's networks are special cases in which r is fixed: Jordan's keeps a decaying sum of y,
    Elman's a copy of h.

    Parameters
    ----------
    hidden : int
        Width H of the hidden layer, at least 1.
    units : int or null
        Width of the memory m; null is the width of the hidden layer.
    activation : str
        Activation of the hidden layer.
    recall : str
        r, the activation of the memory.
    initial : str
        Memory, hidden layer and output before the first step: "zero" or "learned".
    gradient : "blocked", "full" or int
        What passes over the delayed arrows into the memory backward in time: nothing, everything, or what
        stays within chunks of so many steps.
    embedding : int
        Width d of a linear layer between input and network (`assembled`); 0 for none.
    loop : "closed", "open" or int
        What the memory reads of the output in training: own outputs, targets, or targets before that step of
        each sequence (see `narx`).

    Notes
    -----
    - MATLAB: none.
    - SNNS: none; Jordan and Elman nets have memory units with fixed weights.
    - PyTorch: by hand.

    References
    ----------
    Lecture notes, CMU 11-785 "Introduction to Deep Learning" (Fall 2020), lecture 13 "Recurrent networks",
    "more explicit memory": m_t = r(y_{t-1}, h_{t-1}, m_{t-1}), h_t = f(x_t, m_t), y_t = g(h_t).
    """

    VERSION: ClassVar[int] = 1

    hidden: int = 32
    units: int | None = None
    activation: str = "tanh"
    recall: str = "tanh"
    initial: str = "zero"
    gradient: Any = "full"
    embedding: int = 0
    loop: Any = "closed"

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_layer(self.hidden, self.activation, self.initial, self.embedding)
        if self.units is not None:
            whole_number("model.units", self.units, 1)
        choice("model.recall", self.recall, ACTIVATIONS)
        gate("model.gradient", self.gradient)
        switch_step("model.loop", self.loop)

    def build(self, n_in: int, n_out: int, output_activation: str = "linear") -> "network.Network":
        """Return the boxes and arrows for I = `n_in` inputs and O = `n_out` outputs."""
        units = self.hidden if self.units is None else self.units
        boxes = [
            Box("m", units, self.recall),
            Box("h", self.hidden, self.activation),
            Box("y", n_out, output_activation),
        ]
        cut = gate("model.gradient", self.gradient)
        kept = [Arrow(source, "m", lag=1, cut_every=cut) for source in ("y", "h", "m")]
        arrows = [*kept, Arrow("x", "h"), Arrow("m", "h"), Arrow("h", "y")]
        return assembled(boxes, arrows, n_in, initial=self.initial, embedding=self.embedding)
