"""Multilayer perceptron, applied to each step on its own."""

from dataclasses import dataclass
from typing import Any, ClassVar

from rnnbench import network
from rnnbench.models.assembly import assembled
from rnnbench.models.fields import check_layer
from rnnbench.network import Arrow, Box


@dataclass
class MLP:
    """Multilayer perceptron: one step in, one step out, no memory.

    ``h_t = activation(x_t W_xh + b_h)``, ``y_t = output(h_t W_hy + b_y)``

    The control of every comparison: a task that it solves needs no memory.

    Parameters
    ----------
    hidden : int
        Width H of the hidden layer, at least 1.
    activation : str
        Activation of the hidden layer.
    initial : str
        "zero" or "learned"; every model has the field, but here no box is read at a lag and it changes
        nothing.
    embedding : int
        Width d of a linear layer between input and network (`assembled`); 0 for none.

    Notes
    -----
    - MATLAB: ``feedforwardnet(H)``.
    - SNNS: a layered feed-forward net trained with ``Std_Backpropagation`` (RSNNS ``mlp``).
    - PyTorch: ``nn.Sequential(nn.Linear(I, H), nn.Tanh(), nn.Linear(H, O))`` on each step.

    References
    ----------
    Rumelhart, Hinton & Williams (1986), "Learning representations by back-propagating errors", Nature 323,
    533-536, equations (1) and (2); tanh and any output activation stand in place of the paper's logistic
    units.
    """

    VERSION: ClassVar[int] = 1
    #: Search spaces of the fields, beside those common to all models; None: not tuned.
    SEARCH: ClassVar[dict[str, Any]] = {"init.recurrent": None}

    hidden: int = 32
    activation: str = "tanh"
    initial: str = "zero"
    embedding: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_layer(self.hidden, self.activation, self.initial, self.embedding)

    def build(self, n_in: int, n_out: int, output_activation: str = "linear") -> "network.Network":
        """Return the boxes and arrows for I = `n_in` inputs and O = `n_out` outputs."""
        boxes = [Box("h", self.hidden, self.activation), Box("y", n_out, output_activation)]
        arrows = [Arrow("x", "h"), Arrow("h", "y")]
        return assembled(boxes, arrows, n_in, initial=self.initial, embedding=self.embedding)
