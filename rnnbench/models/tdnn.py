"""Time-delay neural network: a perceptron that slides over a finite window."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rnnbench import network
from rnnbench.base.arguments import choice, whole_number
from rnnbench.models.assembly import assembled, names
from rnnbench.models.fields import MOST_ARROWS, check_common, widths
from rnnbench.network import Arrow, Box

POOLS = ("none", "sum")


@dataclass
class TDNN:
    """Time-delay neural network: a finite response to the present and the last N inputs.

    ``h_t = activation(sum over n = 0..N of x_{t-n} W_n + b_h)``, ``y_t = output(h_t W_hy + b_y)``, N =
    `window`

    A convolution over time: an input reaches the outputs of the next N steps and no further. Of several
    layers, each has a window of its own, and their lengths add up. With ``pool="sum"`` the output reads
    ``p_t = p_{t-1} + h_t``, the last layer summed over time; its value at the last step is the answer.

    Parameters
    ----------
    hidden : int or list of int
        Width H of the hidden layers, at least 1; one for all layers, or a list with a width for each.
    window : int
        N, the steps of the past that are seen beside the present: N + 1 frames. 0 is the perceptron `mlp`.
    windows : list of int or null
        In place of `window`: one such N for each layer, from the input up. Waibel's 3 and 5 frames are
        [2, 4].
    pool : str
        "none", or "sum": the last hidden layer is summed over time in a linear box with a self-arrow of fixed
        weight 1, for tasks whose answer is asked at the last step.
    activation : str
        Activation of the hidden layer.
    initial : str
        Values of layers before the first step that later layers (or the sum) read: "zero" or "learned". With
        one layer and no sum nothing is read at a lag but the input, which is 0 there.
    embedding : int
        Width d of a linear layer between input and network (`assembled`); 0 for none.

    Notes
    -----
    - MATLAB: ``timedelaynet(0:N, H)``.
    - SNNS: a time-delay net of the network creation tool, trained with ``TimeDelayBackprop``.
    - PyTorch: ``nn.Conv1d(I, H, N + 1)`` on the input padded with N zeros on the left, then ``nn.Linear(H,
      O)`` on each step; the kernel's taps lie in reverse order.

    References
    ----------
    Waibel, Hanazawa, Hinton, Shikano & Lang (1989), "Phoneme recognition using time-delay neural networks",
    IEEE Transactions on Acoustics, Speech, and Signal Processing 37(3), 328-339, section II, Figure 2: two
    hidden layers, ``windows=[2, 4], pool="sum"``. Differs from the paper in summing values, not their
    squares, and in learned weights behind the sum.
    """

    VERSION: ClassVar[int] = 1
    #: Search spaces of the fields, beside those common to all models; None: not tuned.
    SEARCH: ClassVar[dict[str, Any]] = {"model.window": ("log_int", 2, 100), "init.recurrent": None}

    hidden: Any = 32
    window: int = 10
    windows: Any = None
    pool: str = "none"
    activation: str = "tanh"
    initial: str = "zero"
    embedding: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_common(self.activation, self.initial, self.embedding)
        choice("model.pool", self.pool, POOLS)
        self._layers()

    def build(self, n_in: int, n_out: int, output_activation: str = "linear") -> "network.Network":
        """Return the boxes and arrows for I = `n_in` inputs and O = `n_out` outputs."""
        windows, sizes = self._layers()
        layers = names("h", len(windows))
        boxes = [Box(name, size, self.activation) for name, size in zip(layers, sizes, strict=True)]
        arrows = [
            Arrow(below, name, lag)
            for below, name, window in zip(["x", *layers], layers, windows, strict=False)
            for lag in range(window + 1)
        ]
        top = layers[-1]
        if self.pool == "sum":
            boxes.append(Box("p", sizes[-1], "linear", bias=False))
            arrows += [Arrow(top, "p", weight=1.0), Arrow("p", "p", lag=1, weight=1.0)]
            top = "p"
        boxes.append(Box("y", n_out, output_activation))
        arrows.append(Arrow(top, "y"))
        return assembled(boxes, arrows, n_in, initial=self.initial, embedding=self.embedding)

    def _layers(self) -> tuple[list[int], tuple[int, ...]]:
        """Return the window and the width of each hidden layer."""
        whole_number("model.window", self.window, 0, MOST_ARROWS)
        windows = [self.window] if self.windows is None else self.windows
        listed = isinstance(windows, Sequence) and not isinstance(windows, str) and len(windows) > 0
        if not listed or not all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in windows):
            raise ValueError(
                f"model.windows={self.windows}: must be null or a list with a whole number of at least 0 for "
                "each layer, such as [2, 4]"
            )
        for steps in windows:
            whole_number("model.windows", steps, 0, MOST_ARROWS)
        sizes = widths(self.hidden)
        if len(sizes) not in (1, len(windows)):
            raise ValueError(f"model.hidden={list(sizes)}: must be one width, or one for each window")
        return [int(n) for n in windows], sizes if len(sizes) == len(windows) else sizes * len(windows)
