"""One call for a loss: of single steps or between whole sequences, in one run or in pieces."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnbench.network import carrying
from rnnbench.network.arrays import InputError, Loop, State
from rnnbench.network.divergences import NAMES, Divergence, Loss, between_sequences
from rnnbench.network.parameters import Parameters
from rnnbench.network.recompute import Stream
from rnnbench.network.run import FUSED_ACTIVATION, LOSS_CODES, Run

Array = NDArray[Any]


class Computed(NamedTuple):
    """A forward pass and its loss.

    Attributes
    ----------
    run : Run
        The forward pass.
    value : float
        The loss.
    dy : ndarray
        Its gradient at the outputs; where `fused`, at the pre-activations of the output box.
    fused : bool
        See `dy`.
    """

    run: Run
    value: float
    dy: Array
    fused: bool


def check_loss(net: Any, loss: Loss, reduction: str, target: Array | None) -> Divergence | None:
    """Check a loss against the network's output; arguments as in `Network.loss_and_grad`.

    Returns
    -------
    CTC, SoftDTW, Own or None
        What compares whole sequences; None for a loss of single steps.
    """
    divergence = between_sequences(loss)
    if divergence is None and loss not in LOSS_CODES:
        names = ", ".join([*LOSS_CODES, *NAMES])
        raise ValueError(f"loss={loss!r}: must be one of {names}, or a function")
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction={reduction!r}: must be 'mean' or 'sum'")
    needed = FUSED_ACTIVATION.get(str(loss), "") if divergence is None else divergence.activation
    activation = next(box.activation for box in net.boxes if box.name == net.output)
    if activation != (needed or activation):
        raise ValueError(f"loss={loss!r}: needs a {needed} output; box {net.output} is {activation}")
    if target is None:
        raise InputError("target: needed for a loss; given None")
    return divergence


@dataclass(frozen=True)
class Objective:
    """The arguments of one `Network.loss_and_grad`, which documents them."""

    net: Any
    params: Parameters
    x: Array
    target: Array
    loss: Loss
    weight: Array | None = None
    loop: Loop = "closed"
    reduction: str = "mean"
    lengths: Any = None
    state: State | None = None
    reset: Array | None = None

    def run(self) -> Computed:
        """Run the network forward and compute the loss."""
        return self._run(self.state)

    def with_gradient(self, with_state: bool) -> tuple[float, Parameters, State]:
        """Return loss, gradient and, if asked for, the state behind the last steps (else {})."""
        state, flags = self.state, None
        if self.reset is not None:
            flags = carrying.check_reset(self.reset, self.x.shape[1])
        if state is not None and flags is not None and flags.any():
            state = None if flags.all() else carrying.restarted(self.params, state, flags)
        run, value, dy, fused = self._run(state)
        behind = run.final_state(self.x) if with_state else {}
        if state is None or flags is None or not flags.any():
            return value, run.backward(run.contiguous(dy), fused, with_input=False)[0], behind
        gradient, _, dstate = run.backward(run.contiguous(dy), fused, with_input=True)
        carried = {name: dstate[name] for name in state if name in dstate}
        carrying.add_initial_gradient(gradient, carried, flags)
        return value, gradient, behind

    def in_pieces(self) -> tuple[float, Parameters]:
        """Return loss and gradient, in memory of the root of T."""
        divergence = check_loss(self.net, self.loss, self.reduction, self.target)
        given: dict[str, Any] = {"lengths": self.lengths, "state": self.state}
        if divergence is None:
            given |= {"weight": self.weight, "loss": str(self.loss)}
            stream = Stream(self.net, self.params, self.x, self.target, self.loop, **given)
            return stream.loss_and_grad(self.reduction)
        fed, loop, of_steps = self._fed(divergence)
        stream = Stream(self.net, self.params, self.x, fed, loop, weight=of_steps, **given)
        y = stream.forward()[0]
        value, dy = divergence.compare(y, self.target, stream.lengths, self.weight, self.reduction)
        return value, stream.gradient(dy, divergence.fused)

    def of_sequences(self) -> NDArray[np.float64]:
        """Return the divergence of each sequence, (B,)."""
        divergence = check_loss(self.net, self.loss, self.reduction, self.target)
        if divergence is None:
            raise ValueError(f"loss={self.loss!r}: is of single steps; must be one of {', '.join(NAMES)}")
        run = Run(self.net, self.params, self.x, None, "closed", lengths=self.lengths, state=self.state)
        return divergence.values(run.value(self.net.output), self.target, run.lengths)

    def _run(self, state: State | None) -> Computed:
        divergence = check_loss(self.net, self.loss, self.reduction, self.target)
        start: dict[str, Any] = {"lengths": self.lengths, "state": state}
        if divergence is None:
            name = str(self.loss)
            start |= {"weight": self.weight, "loss": name}
            run = Run(self.net, self.params, self.x, self.target, self.loop, **start)
            value = run.loss_into(name, self.reduction)
            return Computed(run, value, run.buffers.dy, name in FUSED_ACTIVATION)
        fed, loop, of_steps = self._fed(divergence)
        run = Run(self.net, self.params, self.x, fed, loop, weight=of_steps, **start)
        y = run.value(self.net.output)
        value, dy = divergence.compare(y, self.target, run.lengths, self.weight, self.reduction)
        return Computed(run, value, dy, divergence.fused)

    def _fed(self, divergence: Divergence) -> tuple[Array | None, Loop, Array | None]:
        """Return the targets that a run feeds back, if any, its loop, and the weights of their steps."""
        if not self.net.has_feedback or self.loop in ("closed", 0):
            return None, "closed", None
        if not divergence.aligned:
            raise InputError(
                f"loop={self.loop!r}: feeds targets back, but those of loss={self.loss!r} belong to no step"
            )
        return self.target, self.loop, self.weight
