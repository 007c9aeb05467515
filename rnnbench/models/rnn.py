"""Fully recurrent network, trained through time: one layer or several, of any order."""

from dataclasses import dataclass
from typing import Any, ClassVar

from rnnbench import network
from rnnbench.base.arguments import choice, whole_number
from rnnbench.models.assembly import assembled, names
from rnnbench.models.fields import MOST_ARROWS, check_common, gate, lags, switch_step, widths
from rnnbench.network import Arrow, Box

SKIPS = ("none", "input", "output", "all")


@dataclass
class RNN:
    """Fully recurrent network (state space model): the state h carries the past, and the gradient follows it.

    ``h_t = activation(x_t W_xh + h_{t-1} W_hh + b_h)``, ``y_t = output(h_t W_hy + b_y)``; of order p, each
    layer reads its own values at lags 1..p: ``h_t = activation(... + h_{t-1} W_1 + ... + h_{t-p} W_p + b_h)``

    Parameters
    ----------
    hidden : int or list of int
        Width H of the state, at least 1; one for all layers, or a list with a width for each.
    activation : str
        Activation of the hidden layers.
    initial : str
        States before the first step, h_{-1} to h_{-p}: "zero" or "learned".
    layers : int
        Hidden layers, each with a recurrence of its own; layer l reads layer l - 1. A list of widths gives
        their number itself.
    skip : str
        "none"; "input": x feeds every layer; "output": every layer feeds y; "all": both.
    order : int
        p, the lags 1..p at which a layer reads itself, at least 1.
    output_taps : int or list of int
        K: the first layer also reads the output at lags 1..K, or at a list of lags ("shades of NARX"); 0 for
        none.
    gradient : "blocked", "full" or int
        What passes over the delayed arrows backward in time: nothing, everything, or what stays within
        chunks of so many steps.
        "full" is back-propagation through time.
    embedding : int
        Width d of a linear layer between input and network (`assembled`); 0 for none.
    loop : "closed", "open" or int
        What the output taps read in training: own outputs, targets, or targets before that step of
        each sequence (see `narx`).

    Notes
    -----
    - MATLAB: ``layrecnet(1, H)``, trained with ``bttderiv``; ``layrecnet(1:p, [H1 H2])`` for order p and two
      layers.
    - SNNS: a recurrent net trained with ``BPTT``, with ``backstep`` at least the length of the sequence.
    - PyTorch: ``nn.RNN(I, H)`` ("multi-layer Elman RNN") followed by ``nn.Linear(H, O)``; it has two biases
      whose sum is b_h. ``nn.RNN(I, H, num_layers=L)`` for L layers of one width, without skips.

    References
    ----------
    Werbos (1990), "Backpropagation through time: what it does and how to do it", Proceedings of the IEEE
    78(10), 1550-1560, for the gradient. Rumelhart, Hinton & Williams (1986), "Learning internal
    representations by error propagation", in Parallel Distributed Processing 1, chapter 8, the section on
    recurrent nets. Graves (2013), "Generating sequences with recurrent neural networks", arXiv:1308.0850,
    Figure 1, for skips. Soltani & Jiang (2016), "Higher order recurrent neural networks", arXiv:1605.00064,
    for the order.
    """

    VERSION: ClassVar[int] = 1

    hidden: Any = 32
    activation: str = "tanh"
    initial: str = "zero"
    layers: int = 1
    skip: str = "none"
    order: int = 1
    output_taps: Any = 0
    gradient: Any = "full"
    embedding: int = 0
    loop: Any = "closed"

    def __post_init__(self) -> None:
        """Check the ranges."""
        widths(self.hidden, self.layers)
        check_common(self.activation, self.initial, self.embedding)
        choice("model.skip", self.skip, SKIPS)
        whole_number("model.order", self.order, 1, MOST_ARROWS)
        lags("model.output_taps", self.output_taps, first=1)
        gate("model.gradient", self.gradient)
        switch_step("model.loop", self.loop)

    def build(self, n_in: int, n_out: int, output_activation: str = "linear") -> "network.Network":
        """Return the boxes and arrows for I = `n_in` inputs and O = `n_out` outputs."""
        sizes, cut = widths(self.hidden, self.layers), gate("model.gradient", self.gradient)
        layers = names("h", len(sizes))
        boxes = [Box(name, size, self.activation) for name, size in zip(layers, sizes, strict=True)]
        arrows = []
        for below, name in zip(["x", *layers], layers, strict=False):
            if below != "x" and self.skip in ("input", "all"):
                arrows.append(Arrow("x", name))
            arrows.append(Arrow(below, name))
            arrows += [Arrow(name, name, lag, cut) for lag in range(1, self.order + 1)]
        taps = lags("model.output_taps", self.output_taps, first=1)
        arrows += [Arrow("y", layers[0], lag, cut) for lag in taps]
        read = layers if self.skip in ("output", "all") else layers[-1:]
        arrows += [Arrow(name, "y") for name in read]
        boxes.append(Box("y", n_out, output_activation))
        return assembled(boxes, arrows, n_in, initial=self.initial, embedding=self.embedding)
