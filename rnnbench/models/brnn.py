"""Bidirectional recurrent network: one state from the past, one from the future."""

from dataclasses import dataclass
from typing import Any, ClassVar

from rnnbench import network
from rnnbench.base.arguments import whole_number
from rnnbench.models.assembly import assembled, names
from rnnbench.models.fields import MOST_LAYERS, check_common, widths
from rnnbench.network import Arrow, Box


@dataclass
class BRNN:
    """Bidirectional recurrent network: blocks of a forward and a backward net.

    ``f_t = activation(x_t W_xf + f_{t-1} W_ff + b_f)``, ``b_t = activation(x_t W_xb + b_{t+1} W_bb + b_b)``,
    ``y_t = output([f_t; b_t] W_y + b_y)``

    Blocks stack: the next one reads ``[f_t; b_t]`` of the one below. The two nets of a block may have several
    layers, and meet only at the block's end.

    Every output sees the whole sequence, so the network cannot be used step by step (`net.causal` is False).

    Parameters
    ----------
    hidden : int or list of int
        Width H of each of the two nets, at least 1: a block ends in 2 H units. A list gives a width for each
        layer of a net, the same in all blocks.
    activation : str
        Activation of all nets.
    initial : str
        f before the first step and b after the last, h_f(-1) and h_b(inf) of each layer: "zero" or "learned".
    blocks : int
        Blocks, at least 1.
    depth : int
        Layers of each net of a block, at least 1; a list of widths gives their number itself.
    embedding : int
        Width d of a linear layer between input and network (`assembled`); 0 for none.

    Notes
    -----
    - MATLAB: none among the shallow networks.
    - SNNS: none.
    - PyTorch: ``nn.RNN(I, H, num_layers=blocks, bidirectional=True)`` followed by ``nn.Linear(2 * H, O)``;
      ``depth`` needs two one-way ``nn.RNN`` for each block.

    References
    ----------
    Schuster & Paliwal (1997), "Bidirectional recurrent neural networks", IEEE Transactions on Signal
    Processing 45(11), 2673-2681, section II-B, Figure 3. Differs from the paper in starting both states from
    0 (there 0.5).
    """

    VERSION: ClassVar[int] = 1

    hidden: Any = 32
    activation: str = "tanh"
    initial: str = "zero"
    blocks: int = 1
    depth: int = 1
    embedding: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        widths(self.hidden, self.depth, "model.depth")
        check_common(self.activation, self.initial, self.embedding)
        whole_number("model.blocks", self.blocks, 1, MOST_LAYERS)

    def build(self, n_in: int, n_out: int, output_activation: str = "linear") -> "network.Network":
        """Return the boxes and arrows for I = `n_in` inputs and O = `n_out` outputs."""
        sizes = widths(self.hidden, self.depth, "model.depth")
        boxes, arrows, read = [], [], ["x"]
        for ends in zip(names("f", self.blocks), names("b", self.blocks), strict=True):
            tops = []
            for block, lag in zip(ends, (1, -1), strict=True):
                below = read
                for layer, size in zip(_layers(block, len(sizes)), sizes, strict=True):
                    boxes.append(Box(layer, size, self.activation))
                    arrows += [Arrow(source, layer) for source in below]
                    arrows.append(Arrow(layer, layer, lag))
                    below = [layer]
                tops += below
            read = tops
        boxes.append(Box("y", n_out, output_activation))
        arrows += [Arrow(source, "y") for source in read]
        return assembled(boxes, arrows, n_in, initial=self.initial, embedding=self.embedding)


def _layers(block: str, depth: int) -> list[str]:
    """Return the names of the layers of one net: "f", or "f_1", "f_2", ..., or "f2_1" in the second block."""
    return [block] if depth == 1 else [f"{block}_{number}" for number in range(1, depth + 1)]
