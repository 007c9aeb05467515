"""Fully recurrent network, trained through time."""

from dataclasses import dataclass
from typing import ClassVar

from rnnbench import network
from rnnbench.models.fields import check_layer
from rnnbench.network import Arrow, Box


@dataclass
class RNN:
    """Fully recurrent network (state space model): the state h carries the past, and the gradient follows it.

    ``h_t = activation(x_t W_xh + h_{t-1} W_hh + b_h)``, ``y_t = output(h_t W_hy + b_y)``

    Parameters
    ----------
    hidden : int
        Width H of the state, at least 1.
    activation : str
        Activation of the hidden layer.
    initial : str
        State before the first step, h_{-1}: "zero" or "learned".

    Notes
    -----
    - MATLAB: ``layrecnet(1, H)``, trained with ``bttderiv``.
    - SNNS: a recurrent net trained with ``BPTT``, with ``backstep`` at least the length of the sequence.
    - PyTorch: ``nn.RNN(I, H)`` ("multi-layer Elman RNN") followed by ``nn.Linear(H, O)``; it has two biases
      whose sum is b_h.

    References
    ----------
    Werbos (1990), "Backpropagation through time: what it does and how to do it", Proceedings of the IEEE
    78(10), 1550-1560, for the gradient. Rumelhart, Hinton & Williams (1986), "Learning internal
    representations by error propagation", in Parallel Distributed Processing 1, chapter 8, the section on
    recurrent nets.
    """

    VERSION: ClassVar[int] = 1

    hidden: int = 32
    activation: str = "tanh"
    initial: str = "zero"

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_layer(self.hidden, self.activation, self.initial)

    def build(self, n_in: int, n_out: int, output_activation: str = "linear") -> "network.Network":
        """Return the boxes and arrows for I = `n_in` inputs and O = `n_out` outputs."""
        boxes = [Box("h", self.hidden, self.activation), Box("y", n_out, output_activation)]
        arrows = [Arrow("x", "h"), Arrow("h", "h", lag=1), Arrow("h", "y")]
        return network.Network(boxes, arrows, n_in, initial=self.initial)
