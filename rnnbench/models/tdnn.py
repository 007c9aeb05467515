"""Time-delay neural network: a perceptron that slides over a finite window."""

from dataclasses import dataclass
from typing import ClassVar

from rnnbench import network
from rnnbench.models.fields import check_layer, whole_number
from rnnbench.network import Arrow, Box


@dataclass
class TDNN:
    """Time-delay neural network: a finite response to the present and the last N inputs.

    ``h_t = activation(sum over n = 0..N of x_{t-n} W_n + b_h)``, ``y_t = output(h_t W_hy + b_y)``, N =
    `window`

    A convolution over time: an input reaches the outputs of the next N steps and no further.

    Parameters
    ----------
    hidden : int
        Width H of the hidden layer, at least 1.
    window : int
        N, the steps of the past that are seen beside the present: N + 1 frames. 0 is the perceptron `mlp`.
    activation : str
        Activation of the hidden layer.
    initial : str
        "zero" or "learned"; every model has the field, but here no box is read at a lag and it changes
        nothing.

    Notes
    -----
    - MATLAB: ``timedelaynet(0:N, H)``.
    - SNNS: a time-delay net of the network creation tool, trained with ``TimeDelayBackprop``.
    - PyTorch: ``nn.Conv1d(I, H, N + 1)`` on the input padded with N zeros on the left, then ``nn.Linear(H,
      O)`` on each step; the kernel's taps lie in reverse order.

    References
    ----------
    Waibel, Hanazawa, Hinton, Shikano & Lang (1989), "Phoneme recognition using time-delay neural networks",
    IEEE Transactions on Acoustics, Speech, and Signal Processing 37(3), 328-339, section II. Differs from the
    paper in having one hidden layer with a window and no integration over time at the end.
    """

    VERSION: ClassVar[int] = 1

    hidden: int = 32
    window: int = 10
    activation: str = "tanh"
    initial: str = "zero"

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_layer(self.hidden, self.activation, self.initial)
        whole_number("model.window", self.window, 0)

    def build(self, n_in: int, n_out: int, output_activation: str = "linear") -> "network.Network":
        """Return the boxes and arrows for I = `n_in` inputs and O = `n_out` outputs."""
        boxes = [Box("h", self.hidden, self.activation), Box("y", n_out, output_activation)]
        window = [Arrow("x", "h", lag) for lag in range(self.window + 1)]
        return network.Network(boxes, [*window, Arrow("h", "y")], n_in, initial=self.initial)
