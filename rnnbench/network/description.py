"""Boxes and arrows: a network as data."""

from dataclasses import dataclass

LEARNED = "learned"
#: Activation names; a name's position is its code in the kernels' tables.
ACTIVATIONS = ("linear", "tanh", "sigmoid", "relu", "square", "softmax")


@dataclass(frozen=True)
class Box:
    """A whole layer: ``value_t = activation(bias + sum over incoming arrows of source_{t-lag} @ W)``.

    Parameters
    ----------
    name : str
        An identifier; "x" is reserved for the input.
    size : int
        Number of units, at least 1.
    activation : str
        "tanh", "sigmoid", "relu", "linear", "square" or "softmax" (over the units of the box).
    bias : bool
        Whether each unit has a learned bias.
    """

    name: str
    size: int
    activation: str = "tanh"
    bias: bool = True


@dataclass(frozen=True)
class Arrow:
    """A full interconnection from one box (or the input "x") to another.

    Parameters
    ----------
    source, target : str
        Names of boxes; the source may be "x".
    lag : int
        Steps of delay: > 0 reads the past, 0 the present, < 0 the future.
    cut_every : int
        The gradient gate. 0 never cuts (full BPTT), 1 always (no gradient over this arrow), K > 1 cuts where
        the arrow crosses a border between chunks of K steps, counted from the start of the stream (for
        lag < 0: from the sequence's own end). A closed gate cuts computed values: the arrow's own weight
        still learns, and initial and final values are always reached.
    weight : "learned" or float
        LEARNED: a matrix (size of source, size of target). A number: that multiple of the identity, fixed.
    """

    source: str
    target: str
    lag: int = 0
    cut_every: int = 0
    weight: float | str = LEARNED

    @property
    def name(self) -> str:
        """``"source->target"``, with ``"@lag"`` where the lag is not 0."""
        return f"{self.source}->{self.target}" + (f"@{self.lag}" if self.lag else "")

    @property
    def learned(self) -> bool:
        """Whether the weight is a learned matrix."""
        return isinstance(self.weight, str)
