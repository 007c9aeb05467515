"""A network given by its boxes and arrows."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from rnnbench import network
from rnnbench.models.assembly import assembled
from rnnbench.models.fields import check_layer, switch_step
from rnnbench.models.reading import read_arrows, read_boxes, read_file
from rnnbench.network import Box


@dataclass
class Custom:
    """Network of boxes and arrows as written, by default the one-layer `rnn`.

    ``z_t = bias + sum over incoming arrows of source_{t-lag} W`` and ``value_t = activation(z_t)`` for each
    box; the output is ``y_t``

    Parameters
    ----------
    boxes : list
        Each box is a name, or a mapping {name, size, activation, bias}. Left out, the size is `hidden` and
        the activation `activation`; a size may also be the word inputs, outputs or hidden. The output box
        need not be listed: it has the size and the activation that the task asks for.
    arrows : list
        Each arrow is a text such as "x->h", "h->h@1" (lag 1), "h->y@-2", or a mapping {source, target, lag,
        cut_every, weight} in which `lag` may be a list and `gradient` (blocked, full or a number of steps)
        may stand for cut_every. "x" is the input.
    file : str
        A JSON file as `Network.to_dict` describes networks, in place of boxes and arrows. It is read once:
        its content becomes the fields, so the identity of a run depends on the network, not on the name of a
        file. The number
        of inputs is the task's.
    hidden : int
        Size of every box without one; a budget of parameters solves for it.
    activation : str
        Activation of every box without one.
    output : str
        Name of the output box.
    initial : str
        Values before the first step (and after the last): "zero" or "learned".
    embedding : int
        Width d of a linear layer between input and network (`assembled`); 0 for none.
    loop : "closed", "open" or int
        What lagged arrows out of the output read in training: own outputs, targets, or targets before that
        step of each sequence (see `narx`).

    Notes
    -----
    In a YAML file::

        model:
          boxes: [h, {name: m, size: 4, activation: linear, bias: false}]
          arrows: [x->h, h->m@1, {source: m, target: m, lag: 1, weight: 0.5}, m->h, h->y]

    On the command line, quoted: ``'model.arrows=["x->h","h->h@1","h->y"]'``.

    - MATLAB: ``network`` with its own connection matrices.
    - SNNS: a net drawn by hand (bignet).
    - PyTorch: by hand.

    References
    ----------
    ``rnnbench.network``: Box, Arrow, Network.
    """

    VERSION: ClassVar[int] = 1

    boxes: Any = field(default_factory=lambda: ["h"])
    arrows: Any = field(default_factory=lambda: ["x->h", "h->h@1", "h->y"])
    file: str = ""
    hidden: int = 32
    activation: str = "tanh"
    output: str = "y"
    initial: str = "zero"
    embedding: int = 0
    loop: Any = "closed"

    def __post_init__(self) -> None:
        """Read the file, if any, and check what can be checked without a task."""
        check_layer(self.hidden, self.activation, self.initial, self.embedding)
        switch_step("model.loop", self.loop)
        if self.file:
            self._take_over(read_file(self.file))
        if not isinstance(self.output, str):
            raise ValueError(f"model.output={self.output}: must be the name of a box")
        words = {"inputs": 1, "outputs": 1, "hidden": 1}
        read_boxes(self.boxes, words, self.activation, {})
        read_arrows(self.arrows)

    def build(self, n_in: int, n_out: int, output_activation: str = "linear") -> "network.Network":
        """Return the boxes and arrows for I = `n_in` inputs and O = `n_out` outputs."""
        words = {"inputs": n_in, "outputs": n_out, "hidden": self.hidden}
        own = {self.output: (n_out, output_activation)}
        boxes = read_boxes(self.boxes, words, self.activation, own)
        if self.output not in {box.name for box in boxes}:
            boxes.append(Box(self.output, n_out, output_activation))
        _check_output(next(box for box in boxes if box.name == self.output), n_out, output_activation)
        arrows = read_arrows(self.arrows)
        try:
            return assembled(
                boxes, arrows, n_in, initial=self.initial, embedding=self.embedding, output=self.output
            )
        except ValueError as error:
            raise ValueError(f"model=custom: {error}") from error

    def _take_over(self, described: dict[str, Any]) -> None:
        self.boxes, self.arrows = described["boxes"], described["arrows"]
        self.output = described.get("output", self.output)
        self.initial = described.get("initial", self.initial) if self.initial == "zero" else self.initial
        self.file = ""


def _check_output(box: Box, n_out: int, activation: str) -> None:
    """Check that the output box fits the task; for a squared error any activation does."""
    if box.size != n_out:
        raise ValueError(f"model.boxes: output box {box.name} has size={box.size}; the task needs {n_out}")
    if activation not in ("linear", box.activation):
        raise ValueError(
            f"model.boxes: output box {box.name} is {box.activation}; the task needs {activation}, which it "
            "has where no activation is given"
        )
