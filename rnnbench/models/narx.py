"""NARX: a perceptron on windows of the input and of its own past outputs."""

from dataclasses import dataclass
from typing import Any, ClassVar

from rnnbench import network
from rnnbench.models.assembly import assembled
from rnnbench.models.fields import check_layer, gate, lags, switch_step
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
    loop : "closed", "open" or int
        How it is trained. "closed": on its own outputs (parallel), by back-propagation through the fed-back
        outputs. "open": on the targets in their place (series-parallel, teacher forcing), where the task's
        targets are known by then. A number: on the targets before that step of each sequence, on its own
        outputs from there on; the delay line is carried over. Scores are always compared in closed loop.
    activation : str
        Activation of the hidden layer.
    initial : str
        Outputs before the first step: "zero" or "learned".
    gradient : "blocked", "full" or int
        What passes over the fed-back outputs backward in time: nothing, everything, or what stays within
        chunks of so many steps.
    embedding : int
        Width d of a linear layer between input and network (`assembled`); 0 for none.

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
    #: Search spaces of the fields, beside those common to all models; None: not tuned.
    SEARCH: ClassVar[dict[str, Any]] = {
        "model.input_taps": ("int", 0, 40),
        "model.output_taps": ("log_int", 1, 40),
        "init.input": None,
        "init.recurrent": None,
    }

    hidden: int = 32
    input_taps: Any = 0
    output_taps: Any = 1
    loop: Any = "closed"
    activation: str = "tanh"
    initial: str = "zero"
    gradient: Any = "full"
    embedding: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_layer(self.hidden, self.activation, self.initial, self.embedding)
        gate("model.gradient", self.gradient)
        lags("model.input_taps", self.input_taps, first=0)
        lags("model.output_taps", self.output_taps, first=1)
        switch_step("model.loop", self.loop)

    def build(self, n_in: int, n_out: int, output_activation: str = "linear") -> "network.Network":
        """Return the boxes and arrows for I = `n_in` inputs and O = `n_out` outputs."""
        boxes = [Box("h", self.hidden, self.activation), Box("y", n_out, output_activation)]
        inputs = [Arrow("x", "h", lag) for lag in lags("model.input_taps", self.input_taps, first=0)]
        cut = gate("model.gradient", self.gradient)
        outputs = [Arrow("y", "h", lag, cut) for lag in lags("model.output_taps", self.output_taps, first=1)]
        arrows = [*inputs, *outputs, Arrow("h", "y")]
        return assembled(boxes, arrows, n_in, initial=self.initial, embedding=self.embedding)
