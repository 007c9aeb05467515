"""Jordan network: a decaying average of the past outputs is a second input."""

from dataclasses import dataclass
from typing import ClassVar

from rnnbench import network
from rnnbench.models.fields import check_layer, share, switch
from rnnbench.network import Arrow, Box


@dataclass
class Jordan:
    """Jordan network: memory units keep a running average of past outputs, and learning stops at them.

    ``m_t = mu m_{t-1} + a y_{t-1}``, ``h_t = activation(x_t W_xh + m_t W_mh + b_h)``,
    ``y_t = output(h_t W_hy + b_y)``, with a = 1, or a = 1 - mu where `average` is set

    The memory is fixed, it does not learn to remember. No gradient passes over its delayed arrows: each step
    is trained as a perceptron on [x_t; m_t].

    Parameters
    ----------
    hidden : int
        Width H of the hidden layer, at least 1.
    mu : float
        Decay of the memory, in [0, 1): 0 remembers the last output alone.
    average : bool
        Whether new outputs are weighted 1 - mu, which makes the memory an average of the outputs' own scale.
    activation : str
        Activation of the hidden layer.
    initial : str
        Memory and outputs before the first step: "zero" or "learned".

    Notes
    -----
    - MATLAB: no function of this name.
    - SNNS: the Jordan net of the network creation tool (context units with a self-feedback weight, mu),
      trained with ``JE_BP`` (RSNNS ``jordan``).
    - PyTorch: none; by hand, with ``m = mu * m + y.detach()``.

    Not the "Jordan type" of lecture notes that feed y_{t-1} to h_t over learned weights: that is `narx` with
    ``input_taps=0, output_taps=1``.

    References
    ----------
    Jordan (1986), "Serial order: a parallel distributed processing approach", ICS Report 8604, Institute for
    Cognitive Science, University of California, San Diego, the equation of the state units. Differs from the
    paper in taking any input, not only a plan that is constant over the sequence.
    """

    VERSION: ClassVar[int] = 1

    hidden: int = 32
    mu: float = 0.5
    average: bool = False
    activation: str = "tanh"
    initial: str = "zero"

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_layer(self.hidden, self.activation, self.initial)
        share("model.mu", self.mu)
        switch("model.average", self.average)

    def build(self, n_in: int, n_out: int, output_activation: str = "linear") -> "network.Network":
        """Return the boxes and arrows for I = `n_in` inputs and O = `n_out` outputs."""
        boxes = [
            Box("m", n_out, "linear", bias=False),
            Box("h", self.hidden, self.activation),
            Box("y", n_out, output_activation),
        ]
        arrows = [
            Arrow("m", "m", lag=1, cut_every=1, weight=float(self.mu)),
            Arrow("y", "m", lag=1, cut_every=1, weight=1.0 - self.mu if self.average else 1.0),
            Arrow("x", "h"),
            Arrow("m", "h"),
            Arrow("h", "y"),
        ]
        return network.Network(boxes, arrows, n_in, initial=self.initial)
