"""NARX: a perceptron on windows of the input and of its own past outputs."""

from dataclasses import dataclass
from typing import Any, ClassVar

from rnnbench import network
from rnnbench.models.fields import LOOPS, check_layer, choice, lags
from rnnbench.network import Arrow, Box


@dataclass
class NARX:
    """Nonlinear autoregressive network with exogenous inputs: the memory lies in the output.

    ``h_t = activation(sum over l of x_{t-l} W_l + sum over k of y_{t-k} V_k + b_h)``,
    ``y_t = output(h_t W_hy + b_y)``, with l in 0..L and k in 1..K, or in explicit lists

    Parameters
    ----------
    hidden : int
        Width H of the hidden layer, at least 1.
    input_taps : int or list of int
        L: the input is seen at lags 0..L; or a list of lags of 0 and more.
    output_taps : int or list of int
        K: the output is fed back at lags 1..K; or a list of lags of 1 and more. 0 feeds nothing back: the
        network is then the `tdnn` of the same window.
    loop : str
        How it is trained. "closed": on its own outputs (parallel), by back-propagation through the fed-back
        outputs. "open": on the targets in their place (series-parallel, teacher forcing), where the task's
        targets are known by then. Scores are always compared in closed loop.
    activation : str
        Activation of the hidden layer.
    initial : str
        Outputs before the first step: "zero" or "learned".

    Notes
    -----
    One tap, ``y_t = f(x_t, y_{t-1})``, is ``input_taps=0, output_taps=1``.

    - MATLAB: ``narxnet(0:L, 1:K, H)`` trains in open loop; ``closeloop(net)`` is the closed loop.
    - SNNS: no such net by name.
    - PyTorch: none.

    References
    ----------
    Lin, Horne, Tino & Giles (1996), "Learning long-term dependencies in NARX recurrent neural networks", IEEE
    Transactions on Neural Networks 7(6), 1329-1338, the section that defines NARX networks. Narendra &
    Parthasarathy (1990), "Identification and control of dynamical systems using neural networks", IEEE
    Transactions on Neural Networks 1(1), 4-27, for parallel and series-parallel.
    """

    VERSION: ClassVar[int] = 1

    hidden: int = 32
    input_taps: Any = 0
    output_taps: Any = 1
    loop: str = "closed"
    activation: str = "tanh"
    initial: str = "zero"

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_layer(self.hidden, self.activation, self.initial)
        lags("model.input_taps", self.input_taps, first=0)
        lags("model.output_taps", self.output_taps, first=1)
        choice("model.loop", self.loop, LOOPS)

    def build(self, n_in: int, n_out: int, output_activation: str = "linear") -> "network.Network":
        """Return the boxes and arrows for I = `n_in` inputs and O = `n_out` outputs."""
        boxes = [Box("h", self.hidden, self.activation), Box("y", n_out, output_activation)]
        inputs = [Arrow("x", "h", lag) for lag in lags("model.input_taps", self.input_taps, first=0)]
        outputs = [Arrow("y", "h", lag) for lag in lags("model.output_taps", self.output_taps, first=1)]
        return network.Network(boxes, [*inputs, *outputs, Arrow("h", "y")], n_in, initial=self.initial)
