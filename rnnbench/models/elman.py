"""Elman network: the hidden layer sees its last value, and learning stops there."""

from dataclasses import dataclass
from typing import ClassVar

from rnnbench import network
from rnnbench.models.fields import check_layer
from rnnbench.network import Arrow, Box


@dataclass
class Elman:
    """Elman network: context units copy the hidden layer, and no gradient passes over the copy.

    ``c_t = h_{t-1}`` (a constant to the gradient), ``h_t = activation(x_t W_xh + c_t W_hh + b_h)``,
    ``y_t = output(h_t W_hy + b_y)``

    It runs like `rnn` and trains like T independent perceptrons on [x_t; c_t]: W_hh learns, but what happened
    before does not hear of an error that comes later.

    Parameters
    ----------
    hidden : int
        Width H of the hidden layer (and so of the context units), at least 1.
    activation : str
        Activation of the hidden layer.
    initial : str
        Context at the first step: "zero" or "learned".

    Notes
    -----
    - MATLAB: ``elmannet(1, H)``, whose training function ignores delayed connections (``staticderiv``).
    - SNNS: the Elman net of the network creation tool, trained with ``JE_BP`` (RSNNS ``elman``).
    - PyTorch: by hand, ``h = torch.tanh(x @ W + h.detach() @ R + b)``. What its manual calls an Elman RNN,
      ``nn.RNN``, is trained through time and is our `rnn`.

    References
    ----------
    Elman (1990), "Finding structure in time", Cognitive Science 14, 179-211, section "Networks with Memory",
    Figure 2. Differs from the paper in starting from a context of 0 (there 0.5, for logistic units).
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
        arrows = [Arrow("x", "h"), Arrow("h", "h", lag=1, cut_every=1), Arrow("h", "y")]
        return network.Network(boxes, arrows, n_in, initial=self.initial)
