"""The gradient of a loss with respect to every value at every step: where it vanishes, where it explodes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.base.arguments import choice
from rnnbench.diagnostics.norms import norm
from rnnbench.network import Arrow, Box, InputError, Network
from rnnbench.network.graph import INPUT_NAME
from rnnbench.network.passes import LOSS_CODES
from rnnbench.network.schedule import is_feedback

Array = NDArray[Any]
LOSSES = tuple(LOSS_CODES)


def gradient_norms(
    net: Any, params: Any, x: Array, target: Array, loss: Any = "mse", **call: Any
) -> dict[str, NDArray[np.float64]]:
    """Return the norm of dL/dh_t for every box h, step t and sequence.

    ``||dL/dh_t|| = sqrt(sum over units of (dL/dh_{t,i})^2)``

    Parameters
    ----------
    net, params, x, target, loss, **call
        As in `value_gradients`.

    Returns
    -------
    dict of str to ndarray (T, B)
        By box. Behind a loss at the last step alone, a norm that falls towards early steps vanishes, one that
        grows explodes; with losses at every step each adds its own.

    References
    ----------
    Hochreiter (1991), diploma thesis, TU Munich; Bengio, Simard & Frasconi (1994), IEEE Transactions on
    Neural Networks 5(2), 157-166; Pascanu, Mikolov & Bengio (2013), "On the difficulty of training recurrent
    neural networks", ICML, section 2.
    """
    found = value_gradients(net, params, x, target, loss, **call)
    return {name: norm(gradient, (2,)) for name, gradient in found.items()}


def value_gradients(
    net: Any,
    params: Any,
    x: Array,
    target: Array,
    loss: str | Callable[[Array, Array], tuple[float, Array]] = "mse",
    weight: Array | None = None,
    loop: Any = "closed",
    reduction: str = "mean",
    *,
    lengths: Any = None,
    state: Mapping[str, Array] | None = None,
    gates: str = "declared",
) -> dict[str, Array]:
    """Return dL/dh_t, the whole derivative over all later paths, for every box h, step t and sequence.

    Parameters
    ----------
    net : Network
        Any network.
    params, x, target, weight, loop, reduction, lengths, state
        As in `Network.loss_and_grad`.
    loss : str or callable
        "mse", "binary_cross_entropy", "cross_entropy", or a function ``(y, target) -> (value, dy)`` of arrays
        (T, B, O).
    gates : "declared" or "open"
        What training sees, or the true derivative.

    Returns
    -------
    dict of str to ndarray (T, B, size)
        By box; 0 beyond a sequence's end.

    Raises
    ------
    InputError
        An array that does not fit, or no scored step.
    ValueError
        An unknown loss, reduction, loop or gates.

    Notes
    -----
    Beside every box stands a second one that is 0 and whose arrows are those of the first, gates included:
    the derivative with respect to what is fed into it is the one that is wanted.
    """
    rest: dict[str, Any] = {"weight": weight, "lengths": lengths, "state": state}
    y = net.forward(params, x, target, loop, **rest)
    known = _known(y.shape[:2], target, weight, lengths)
    dy = _output_gradient(loss, y, target, known, weight, reduction).astype(params.vector.dtype)
    probes = _Probes(net)
    wide = probes.widened(x, params.vector.dtype)
    rest["state"] = None if state is None else probes.widened_state(state, params.vector.dtype)
    _, dx, _ = probes.net.backward(probes.parameters(params), wide, dy, target, loop, gates=gates, **rest)
    # A target that was fed is read in place of the output, on which nothing then depends by that arrow.
    before = len(x) if loop == "open" else 0 if loop == "closed" else int(loop)
    fed = known & (np.arange(len(x))[:, None] < before)
    found = {box.name: dx[:, :, probes.columns[box.name]] for box in net.boxes}
    through_feedback = np.where(fed[:, :, None], 0, dx[:, :, probes.columns[None]])
    found[net.output] = found[net.output] + through_feedback + dy
    return found


class _Probes:
    """A network with a second, silent box beside each one, all of them fed by further inputs.

    Attributes
    ----------
    net : Network
        The wider network.
    columns : dict of str or None to slice
        The inputs that feed the box beside a box; of None, the one beside the output's fed-back values.
    """

    def __init__(self, net: Any) -> None:
        self._of = net
        names: dict[str | None, str] = {box.name: f"probe_{n}" for n, box in enumerate(net.boxes)}
        names[None] = f"probe_{len(names)}"
        taken = {box.name for box in net.boxes}
        while taken & set(names.values()):
            names = {name: f"{probe}_" for name, probe in names.items()}
        sizes = {box.name: box.size for box in net.boxes} | {None: net.n_out}
        self.columns: dict[str | None, slice] = {}
        at = net.n_in
        for name in names:
            self.columns[name] = slice(at, at + sizes[name])
            at += sizes[name]
        boxes = [Box(probe, sizes[name], "linear", bias=False) for name, probe in names.items()]
        self._learned: dict[str, Array] = {}
        arrows = [self._feeding(name, probe, sizes[name]) for name, probe in names.items()]
        self._copies: dict[str, str] = {}
        for arrow in net.arrows:
            # A fixed weight needs equal sizes, which a wider input no longer has.
            arrows.append(replace(arrow, weight="learned") if arrow.source == INPUT_NAME else arrow)
            if arrow.source != INPUT_NAME:
                of = None if is_feedback(arrow, net.output) else arrow.source
                arrows.append(replace(arrow, source=names[of]))
                self._copies[arrows[-1].name] = arrow.name
        self.net = Network([*net.boxes, *boxes], arrows, at, net.output, net.initial)

    def _feeding(self, name: str | None, probe: str, size: int) -> Arrow:
        arrow = Arrow(INPUT_NAME, probe)
        last = self.columns[name].stop
        self._learned[arrow.name] = np.eye(last, size, -self.columns[name].start)
        return arrow

    def parameters(self, params: Any) -> Any:
        """Return the wider network's parameters."""
        wide = self.net.parameters(np.zeros(self.net.n_parameters, params.vector.dtype))
        fixed = {a.name: a for a in self._of.arrows if not a.learned and a.source == INPUT_NAME}
        for name in wide:
            given = params[self._copies.get(name, name)] if self._copies.get(name, name) in params else None
            if name in self._learned:
                given = self._learned[name]
            elif name in fixed:
                given = float(fixed[name].weight) * np.eye(self._of.n_in)
            if given is not None:
                # Weights of the input have further rows, which stay 0.
                wide[name][: len(given)] = given
        return wide

    def widened(self, x: Array, dtype: Any) -> Array:
        """Return an input with zeros for all probes; one-hot indices become vectors."""
        rows = x if x.ndim == 3 else (x[:, :, None] == np.arange(self._of.n_in))
        wide = np.zeros((*x.shape[:2], self.net.n_in), dtype)
        wide[:, :, : self._of.n_in] = rows
        return wide

    def widened_state(self, state: Mapping[str, Array], dtype: Any) -> dict[str, Array]:
        """Return a state whose input rows are as wide as the input."""
        return {
            name: self.widened(rows, dtype) if name == INPUT_NAME else rows for name, rows in state.items()
        }


def _known(shape: tuple[int, ...], target: Array, weight: Array | None, lengths: Any) -> NDArray[np.bool_]:
    """Return at which steps the target is known: weight not 0, no NaN, inside the sequence; (T, B)."""
    known = np.ones(shape, bool) if weight is None else np.asarray(weight) != 0
    if target.ndim == 3:
        known = known & ~np.isnan(target).any(axis=2)
    if lengths is not None:
        known = known & (np.arange(shape[0])[:, None] < np.asarray(lengths))
    return known


def _output_gradient(
    loss: str | Callable[[Array, Array], tuple[float, Array]],
    y: Array,
    target: Array,
    known: NDArray[np.bool_],
    weight: Array | None,
    reduction: str,
) -> NDArray[np.float64]:
    """Return dL/dy, (T, B, O), 0 where a step is not scored."""
    if callable(loss):
        return np.asarray(loss(y, target)[1], np.float64)
    if loss not in LOSSES:
        raise ValueError(f"loss={loss!r}: must be one of {', '.join(LOSSES)}, or a function")
    choice("reduction", reduction, ("mean", "sum"))
    w = np.where(known, 1.0 if weight is None else weight, 0.0)
    total = w.sum() * (1 if loss == "cross_entropy" else y.shape[2])
    if total == 0:
        raise InputError("weight: no step is scored (the weights of all known targets are 0)")
    p, least = y.astype(np.float64), np.finfo(np.float64).tiny
    if loss == "cross_entropy":
        labels = np.where(known, target, 0)[:, :, None]
        dy = np.zeros_like(p)
        picked = np.take_along_axis(p, labels, axis=2)
        np.put_along_axis(dy, labels, -1 / np.maximum(picked, least), axis=2)
    else:
        d = np.where(known[:, :, None], target, 0.0)
        dy = 2 * (p - d)
        if loss == "binary_cross_entropy":
            dy = (p - d) / np.maximum(p * (1 - p), least)
    dy = np.where(known[:, :, None], w[:, :, None] * dy, 0.0)
    return dy / total if reduction == "mean" else dy
