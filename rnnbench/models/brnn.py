"""Bidirectional recurrent network: one state from the past, one from the future."""

from dataclasses import dataclass
from typing import ClassVar

from rnnbench import network
from rnnbench.models.fields import check_layer
from rnnbench.network import Arrow, Box


@dataclass
class BRNN:
    """Bidirectional recurrent network: one block of a forward and a backward net.

    ``f_t = activation(x_t W_xf + f_{t-1} W_ff + b_f)``, ``b_t = activation(x_t W_xb + b_{t+1} W_bb + b_b)``,
    ``y_t = output([f_t; b_t] W_y + b_y)``

    Every output sees the whole sequence, so the network cannot be used step by step (`net.causal` is False).

    Parameters
    ----------
    hidden : int
        Width H of each of the two nets, at least 1: the block has 2 H units.
    activation : str
        Activation of both nets.
    initial : str
        f before the first step and b after the last: "zero" or "learned".

    Notes
    -----
    - MATLAB: none among the shallow networks.
    - SNNS: none.
    - PyTorch: ``nn.RNN(I, H, bidirectional=True)`` followed by ``nn.Linear(2 * H, O)``.

    References
    ----------
    Schuster & Paliwal (1997), "Bidirectional recurrent neural networks", IEEE Transactions on Signal
    Processing 45(11), 2673-2681, section II-B, Figure 3. Differs from the paper in starting both states from
    0 (there 0.5).
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
        boxes = [
            Box("f", self.hidden, self.activation),
            Box("b", self.hidden, self.activation),
            Box("y", n_out, output_activation),
        ]
        arrows = [
            Arrow("x", "f"),
            Arrow("f", "f", lag=1),
            Arrow("x", "b"),
            Arrow("b", "b", lag=-1),
            Arrow("f", "y"),
            Arrow("b", "y"),
        ]
        return network.Network(boxes, arrows, n_in, initial=self.initial)
