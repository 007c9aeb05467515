"""Losses of one call: of single steps or between whole sequences, in one pass or in pieces."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnbench.network import carried_state
from rnnbench.network.arrays import InputError, Loop, State
from rnnbench.network.call import Call, checked_call
from rnnbench.network.divergences import NAMES, Divergence, Loss, between_sequences
from rnnbench.network.parameters import Parameters
from rnnbench.network.passes import FUSED_ACTIVATION, LOSS_CODES, Pass
from rnnbench.network.recompute import Stream
from rnnbench.network.structure import Structure

Array = NDArray[Any]


class Computed(NamedTuple):
    """A forward pass and its loss.

    Attributes
    ----------
    forward : Pass
        The forward pass.
    value : float
        The loss.
    dy : ndarray
        Its gradient at the outputs; where `fused`, at the pre-activations of the output box.
    fused : bool
        See `dy`.
    """

    forward: Pass
    value: float
    dy: Array
    fused: bool


def check_loss(net: Structure, loss: Loss, reduction: str, target: Array | None) -> Divergence | None:
    """Check a loss against the network's output; arguments as in `Network.loss_and_grad`.

    Returns
    -------
    CTC, SoftDTW, Own or None
        The divergence between whole sequences; None for a loss of single steps.
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


class Objective(NamedTuple):
    """A loss and the checked call whose outputs it compares; made by `objective`.

    Attributes
    ----------
    net : Structure
        The network.
    call : Call
        Arguments of the pass. For a divergence, target and weight of the call are those that are fed back.
    loss : str or None
        Name of a loss of single steps; None for a divergence.
    reduction : "mean" or "sum"
        As in `Network.loss_and_grad`.
    divergence : CTC, SoftDTW, Own or None
        The divergence between whole sequences.
    target, weight
        As given, for the divergence.
    """

    net: Structure
    call: Call
    loss: str | None
    reduction: str
    divergence: Divergence | None
    target: Any
    weight: Any

    def compute(self) -> Computed:
        """Run the network forward and compute the loss."""
        forward = Pass(self.net, self.call, loss=self.loss)
        if self.loss is not None:
            value = forward.loss_into(self.loss, self.reduction)
            return Computed(forward, value, forward.buffers.dy, self.loss in FUSED_ACTIVATION)
        assert self.divergence is not None
        y, lengths = forward.value(self.net.output), self.call.lengths
        value, dy = self.divergence.compare(y, self.target, lengths, self.weight, self.reduction)
        return Computed(forward, value, dy, self.divergence.fused)

    def with_gradient(self, return_state: bool) -> tuple[float, Parameters, State]:
        """Return loss, gradient and, if asked for, the state after the last steps (else {})."""
        forward, value, dy, fused = self.compute()
        after = forward.final_state(self.call.x) if return_state else {}
        gradient, _, _ = forward.backward(forward.contiguous(dy), fused, with_input=False)
        return value, gradient, after

    def with_reset(self, reset: Array, return_state: bool) -> tuple[float, Parameters, State]:
        """Do the same where the flagged sequences start anew, whatever the state of the call says."""
        flags = carried_state.check_reset(reset, self.call.shape.sequences)
        if not self.call.state or not flags.any():
            return self.with_gradient(return_state)
        params, state = self.call.params, self.call.state
        state = {} if flags.all() else carried_state.restarted(params, state, flags)
        started = self._replace(call=self.call._replace(state=state))
        if not state:
            return started.with_gradient(return_state)
        forward, value, dy, fused = started.compute()
        after = forward.final_state(self.call.x) if return_state else {}
        gradient, _, dstate = forward.backward(forward.contiguous(dy), fused, with_input=True)
        carried = {name: dstate[name] for name in state if name in dstate}
        carried_state.add_initial_gradient(gradient, carried, flags)
        return value, gradient, after

    def in_pieces(self) -> tuple[float, Parameters]:
        """Return loss and gradient, in memory of the square root of T."""
        stream = Stream(self.net, self.call, self.loss)
        if self.divergence is None:
            return stream.loss_and_grad(self.reduction)
        y, lengths = stream.forward()[0], self.call.lengths
        value, dy = self.divergence.compare(y, self.target, lengths, self.weight, self.reduction)
        return value, stream.gradient(dy, self.divergence.fused)


def objective(
    net: Structure,
    params: Parameters,
    x: Array,
    target: Array,
    loss: Loss,
    weight: Array | None,
    loop: Loop,
    reduction: str,
    lengths: Any,
    state: State | None,
) -> Objective:
    """Check the arguments of `Network.loss_and_grad`, which documents them, and return them together."""
    divergence = check_loss(net, loss, reduction, target)
    if divergence is None:
        name = str(loss)
        call = checked_call(net, params, x, target, loop, weight, lengths, state, name)
        return Objective(net, call, name, reduction, None, target, weight)
    fed, fed_loop, known = _fed(net, divergence, target, loss, weight, loop)
    call = checked_call(net, params, x, fed, fed_loop, known, lengths, state)
    return Objective(net, call, None, reduction, divergence, target, weight)


def _fed(
    net: Structure, divergence: Divergence, target: Array, loss: Loss, weight: Array | None, loop: Loop
) -> tuple[Array | None, Loop, Array | None]:
    """Return the targets that are fed back, if any, the loop of the pass, and the weights of their steps."""
    if not net.has_feedback or loop in ("closed", 0):
        return None, "closed", None
    if not divergence.aligned:
        raise InputError(f"loop={loop!r}: feeds targets back, but those of loss={loss!r} belong to no step")
    return target, loop, weight


def of_sequences(
    net: Structure,
    params: Parameters,
    x: Array,
    target: Array,
    loss: Loss,
    lengths: Any,
    state: State | None,
) -> NDArray[np.float64]:
    """Return the divergence of each sequence, (B,); arguments as in `Network.sequence_losses`."""
    divergence = check_loss(net, loss, "mean", target)
    if divergence is None:
        raise ValueError(f"loss={loss!r}: is of single steps; must be one of {', '.join(NAMES)}")
    call = checked_call(net, params, x, None, "closed", None, lengths, state)
    return divergence.values(Pass(net, call).value(net.output), target, call.lengths)
