"""Jordan network: past outputs, or their decaying average, are a second input."""

from dataclasses import dataclass
from typing import Any, ClassVar

from rnnbench import network
from rnnbench.base.arguments import choice, share, switch
from rnnbench.models.assembly import assembled, names
from rnnbench.models.fields import check_common, gate, switch_step, widths
from rnnbench.network import Arrow, Box

KINDS = ("average", "top_down")


@dataclass
class Jordan:
    """Jordan network: memory units keep a running average of past outputs, and no gradient passes them.

    ``m_t = mu m_{t-1} + a y_{t-1}``, ``h_t = activation(x_t W_xh + m_t W_mh + b_h)``,
    ``y_t = output(h_t W_hy + b_y)``, with a = 1, or a = 1 - mu where `average` is set

    The memory is fixed: it does not learn what to remember. No gradient passes over its delayed arrows: each
    step
    is trained as a perceptron on [x_t; m_t].

    ``kind="top_down"`` has no memory units: each layer reads the one above it, one step before, over learned
    weights, ``h^l_t = activation(h^{l-1}_t U^l + h^{l+1}_{t-1} W^l + b^l)`` with h^0 = x and h^{L+1} = y.

    Parameters
    ----------
    hidden : int or list of int
        Width H of the hidden layers, at least 1; one for all layers, or a list with a width for each.
    mu : float
        Decay of the memory, in [0, 1): 0 remembers the last output alone. Of "average" alone.
    average : bool
        Whether new outputs are weighted 1 - mu, which makes the memory an average of the outputs' own scale.
        Of kind "average" alone.
    activation : str
        Activation of the hidden layers.
    initial : str
        What is read before the first step: "zero" or "learned".
    kind : str
        "average": memory units with a fixed decay (whether or not their input is scaled by `average`).
        "top_down": the layer above at the last step.
    layers : int
        Hidden layers; the memory is read by the first. A list of widths gives their number itself.
    gradient : "blocked", "full" or int
        What passes over the delayed arrows backward in time: nothing, everything, or what stays within
        chunks of so many steps.
        "blocked" is Jordan's; the notes' top-down network is trained in "full".
    embedding : int
        Width d of a linear layer between input and network (`assembled`); 0 for none.
    loop : "closed", "open" or int
        What is fed back in training: own outputs, targets, or targets before that step of each sequence (see
        `narx`).

    Notes
    -----
    - MATLAB: no function of this name.
    - SNNS: the Jordan net of the network creation tool (context units with a self-feedback weight, mu),
      trained with ``JE_BP`` (RSNNS ``jordan``).
    - PyTorch: none; by hand, with ``m = mu * m + y.detach()``.

    The "Jordan type" of lecture notes that feed y_{t-1} to h_t over learned weights is ``kind="top_down",
    gradient="full"``; with one layer it is `narx` with ``input_taps=0, output_taps=1``.

    References
    ----------
    Jordan (1986), "Serial order: a parallel distributed processing approach", ICS Report 8604, Institute for
    Cognitive Science, University of California, San Diego, the equation of the state units. Differs from the
    paper in taking any input, not only a plan that is constant over the sequence.
    """

    VERSION: ClassVar[int] = 1
    #: Search spaces of the fields, beside those common to all models; None: not tuned.
    SEARCH: ClassVar[dict[str, Any]] = {"model.mu": ("uniform", 0.0, 0.95), "init.input": None}

    hidden: Any = 32
    mu: float = 0.5
    average: bool = False
    activation: str = "tanh"
    initial: str = "zero"
    kind: str = "average"
    layers: int = 1
    gradient: Any = "blocked"
    embedding: int = 0
    loop: Any = "closed"

    def __post_init__(self) -> None:
        """Check the ranges."""
        widths(self.hidden, self.layers)
        check_common(self.activation, self.initial, self.embedding)
        share("model.mu", self.mu)
        switch("model.average", self.average)
        choice("model.kind", self.kind, KINDS)
        gate("model.gradient", self.gradient)
        switch_step("model.loop", self.loop)
        if self.kind == "top_down" and self.average:
            raise ValueError("model.average=True: must be false for model.kind=top_down, which has no memory")

    def build(self, n_in: int, n_out: int, output_activation: str = "linear") -> "network.Network":
        """Return the boxes and arrows for I = `n_in` inputs and O = `n_out` outputs."""
        sizes, cut = widths(self.hidden, self.layers), gate("model.gradient", self.gradient)
        layers = names("h", len(sizes))
        boxes = [Box(name, size, self.activation) for name, size in zip(layers, sizes, strict=True)]
        boxes.append(Box("y", n_out, output_activation))
        arrows = []
        above = [*layers[1:], "y"]
        for below, name, higher in zip(["x", *layers], layers, above, strict=False):
            arrows.append(Arrow(below, name))
            if self.kind == "top_down":
                arrows.append(Arrow(higher, name, lag=1, cut_every=cut))
        if self.kind == "average":
            boxes.insert(0, Box("m", n_out, "linear", bias=False))
            share_of_new = 1.0 - self.mu if self.average else 1.0
            decay = Arrow("m", "m", lag=1, cut_every=cut, weight=float(self.mu))
            arrows = [decay, Arrow("y", "m", lag=1, cut_every=cut, weight=share_of_new), *arrows]
            # After the input of the first layer: the order of arrows is the order of the parameters.
            arrows.insert(3, Arrow("m", layers[0]))
        arrows.append(Arrow(layers[-1], "y"))
        return assembled(boxes, arrows, n_in, initial=self.initial, embedding=self.embedding)
