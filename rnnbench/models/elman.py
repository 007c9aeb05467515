"""Elman network: the hidden layer reads its last value, and the gradient stops there."""

from dataclasses import dataclass
from typing import Any, ClassVar

from rnnbench import network
from rnnbench.models.assembly import assembled
from rnnbench.models.fields import check_layer, gate
from rnnbench.network import Arrow, Box


@dataclass
class Elman:
    """Elman network: context units copy the hidden layer, and no gradient passes over the copy.

    ``c_t = h_{t-1}`` (a constant to the gradient), ``h_t = activation(x_t W_xh + c_t W_hh + b_h)``,
    ``y_t = output(h_t W_hy + b_y)``

    It runs like `rnn` and trains like T independent perceptrons on [x_t; c_t]: W_hh learns, but no error is
    propagated back to earlier steps.

    Parameters
    ----------
    hidden : int
        Width H of the hidden layer (and so of the context units), at least 1.
    activation : str
        Activation of the hidden layer.
    initial : str
        Context at the first step: "zero" or "learned".
    gradient : "blocked", "full" or int
        What passes over the delayed arrow h->h backward in time: nothing, everything, or what stays within
        chunks of so many steps.
        "full" is `rnn`; "blocked" is what makes the network Elman's.
    embedding : int
        Width d of a linear layer between input and network (`assembled`); 0 for none.

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
    gradient: Any = "blocked"
    embedding: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_layer(self.hidden, self.activation, self.initial, self.embedding)
        gate("model.gradient", self.gradient)

    def build(self, n_in: int, n_out: int, output_activation: str = "linear") -> "network.Network":
        """Return the boxes and arrows for I = `n_in` inputs and O = `n_out` outputs."""
        boxes = [Box("h", self.hidden, self.activation), Box("y", n_out, output_activation)]
        context = Arrow("h", "h", lag=1, cut_every=gate("model.gradient", self.gradient))
        arrows = [Arrow("x", "h"), context, Arrow("h", "y")]
        return assembled(boxes, arrows, n_in, initial=self.initial, embedding=self.embedding)
