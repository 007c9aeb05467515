"""The contracts of a model: what it says of itself, and what the networks it builds do."""

import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.checking import slow
from rnnbench.checking.findings import WRONG, Broken, Finding, refuses, require, tried
from rnnbench.network import Network, Parameters

Array = NDArray[Any]
#: Inputs, outputs and activation of the output of the networks that are built.
SIZES = ((1, 1, "linear"), (2, 3, "linear"), (3, 2, "softmax"), (1, 2, "sigmoid"), (4, 1, "sigmoid"))
T, B, I, O = 7, 2, 2, 3
#: Elements of each parameter array whose gradient is compared with differences.
ELEMENTS = 8


def check_model(model: Any) -> list[Finding]:
    """Try all contracts on a model.

    Parameters
    ----------
    model : dataclass
        With `build(n_in, n_out, output_activation)`. Where it has a field `hidden` of one number, networks of
        3 hidden units are tried beside those of its own width.

    Returns
    -------
    list of Finding
        One for each contract. Where nothing can be built, the rest is left out.
    """
    check = _Check(model)
    first = tried({"settings": check.settings, "build": check.build})
    if not first[-1].holds:
        return first
    return first + tried(
        {
            "shapes": check.shapes,
            "values": check.values,
            "gradient": check.gradient,
            "causality": check.causality,
            "reach": check.reach,
            "determinism": check.determinism,
            "padding": check.padding,
            "steps": check.steps,
            "saving": check.saving,
        }
    )


class _Check:
    """The contracts, each a method that returns a note or raises."""

    def __init__(self, model: Any) -> None:
        self._model = model
        width = getattr(model, "hidden", None)
        self._small = _narrowed(model) if type(width) is int and width > 3 else model

    def _net(self, n_in: int = I, n_out: int = O, activation: str = "linear") -> Network:
        net: Network = self._small.build(n_in, n_out, activation)
        return net

    def settings(self) -> str:
        cls = type(self._model)
        require(
            cls() == cls(), "two models of the same settings are not equal (a field without a fixed default?)"
        )
        require(type(cls.VERSION) is int and cls.VERSION >= 1, f"VERSION={cls.VERSION}: must be 1 or more")
        whole = [f.name for f in fields(cls) if type(getattr(self._model, f.name)) is int]
        for name in whole:
            refuses(lambda key: replace(self._model, **{key: WRONG}).build(I, O), name)
        count = len(fields(cls))
        return f"{count} fields, version {cls.VERSION}"

    def build(self) -> str:
        for model in (self._model, self._small):
            for n_in, n_out, activation in SIZES:
                what = f"build({n_in}, {n_out}, {activation!r})"
                net = model.build(n_in, n_out, activation)
                require(isinstance(net, Network), f"{what} returns a {type(net).__name__}, not a Network")
                found = net.n_in, net.n_out
                require(
                    found == (n_in, n_out),
                    f"{what} has {found[0]} inputs and {found[1]} outputs; expected {n_in} and {n_out}",
                )
                output = next(box for box in net.boxes if box.name == net.output)
                require(
                    output.activation == activation,
                    f"{what}: its output {output.name} is {output.activation}; expected {activation}",
                )
                require(
                    net == model.build(n_in, n_out, activation), f"{what} differs from one call to the next"
                )
        net = self._model.build(I, O)
        return f"{len(SIZES)} sizes; {net.n_parameters} parameters for {I} inputs, {O} outputs"

    def shapes(self) -> str:
        for dtype in (np.float32, np.float64):
            for steps, sequences in ((1, 1), (T, B), (2, 5)):
                net = self._net()
                x = _normal(0, steps, sequences, I).astype(dtype)
                y = net.forward(net.init(seed=1, dtype=dtype), x)
                expected = (steps, sequences, O)
                require(y.shape == expected, f"outputs are {y.shape} for {expected[:2]} steps and sequences")
                require(y.dtype == dtype, f"outputs are {y.dtype} for inputs of {np.dtype(dtype)}")
                require(np.isfinite(y).all(), "outputs are not finite for initial weights and normal inputs")
        net = self._net(4)
        params = net.init(seed=1, dtype=np.float64)
        symbols = np.random.default_rng(2).integers(4, size=(T, B))
        one_hot = np.eye(4)[symbols]
        difference = _largest(net.forward(params, symbols) - net.forward(params, one_hot))
        require(difference < 1e-12, f"integer inputs differ from their one-hot form by {difference:.1e}")
        return "(T, B, O) in float32 and float64; integer input equals one-hot input"

    def values(self) -> str:
        worst = 0.0
        for net, params in self._drawn():
            x = _normal(3, _steps(net), B, I)
            expected = slow.outputs(net.to_dict(), _arrays(params), x)
            worst = max(worst, _relative(net.forward(params, x) - expected, expected))
        require(worst < 1e-9, f"outputs differ from what the boxes and arrows say, by {worst:.1e} (relative)")
        return f"outputs are those of the boxes and arrows, to {worst:.0e}"

    def gradient(self) -> str:
        worst, count = 0.0, 0
        for net, params in self._drawn():
            steps = _steps(net)
            x, dy = _normal(4, steps, B, I), _normal(5, steps, B, O)
            gradient, _, _ = net.backward(params, x, dy)
            arrays = _arrays(params)
            rng = np.random.default_rng(6)
            places = {
                name: sorted(rng.choice(a.size, min(ELEMENTS, a.size), replace=False).tolist())
                for name, a in arrays.items()
            }
            expected = slow.differences(net.to_dict(), arrays, x, dy, places)
            top = max((_largest(g) for g in expected.values()), default=0.0)
            for name, difference in expected.items():
                found = np.asarray(gradient[name]).ravel()[places[name]]
                error = _largest(found - difference) / (_largest(difference) + 1e-4 * top + 1e-12)
                require(
                    error < 1e-4,
                    f"{name}: differs from central differences (values behind closed gates held constant) "
                    f"by {error:.1e}, relative",
                )
                worst = max(worst, error)
            target = _normal(7, steps, B, O)
            _, of_loss = net.loss_and_grad(params, x, target)
            dy = 2.0 * (net.forward(params, x) - target) / target.size
            error = _relative(of_loss.vector - net.backward(params, x, dy)[0].vector, of_loss.vector)
            require(error < 1e-9, f"loss_and_grad and backward disagree by {error:.1e}, relative")
            count = len(expected)
        return f"{count} arrays equal differences behind the gates, to {worst:.0e}"

    def causality(self) -> str:
        sees = False
        for net, params in self._drawn():
            steps = _steps(net)
            x, at = _normal(8, steps, B, I), steps // 2
            later = x.copy()
            later[at:] += _normal(9, steps - at, B, I)
            sees |= bool((net.forward(params, later) != net.forward(params, x))[:at].any())
            causal = net.causal
        require(not (causal and sees), "net.causal is True, but outputs change with later inputs")
        require(causal or sees, "net.causal is False, but no output changes with later inputs")
        return "causal: no output sees a later input" if causal else "not causal: outputs see later inputs"

    def reach(self) -> str:
        """Perturb the input at the first and the last step, and see how far away outputs change."""
        net = self._net()
        field = net.receptive_field
        steps = 5 + _steps(net) if math.isinf(field) else int(field) + 3
        far, beyond = 0, False
        for net, params in self._drawn():
            x = _normal(10, steps, B, I)
            for at in (0, steps - 1):
                moved = x.copy()
                moved[at] += _normal(11, B, I)
                rows = (net.forward(params, moved) != net.forward(params, x)).any(axis=(1, 2))
                distances = np.abs(np.flatnonzero(rows) - at)
                far = max(far, int(distances.max(initial=0)))
        if math.isinf(field):
            require(far > 0, "net.receptive_field is infinite, but no output sees an earlier or later input")
            return f"receptive field: infinite (seen over {far} steps)"
        beyond = far > field
        require(not beyond, f"net.receptive_field is {field}, but outputs see inputs {far} steps away")
        require(far == field, f"net.receptive_field is {field}, but outputs see no further than {far} steps")
        return f"receptive field: {field} steps"

    def determinism(self) -> str:
        x = _normal(12, T, 3, I).astype(np.float32)

        def bits(_: int = 0) -> tuple[bytes, bytes, bytes]:
            net = self._net()
            params = net.init(seed=5)
            gradient = net.loss_and_grad(params, x, np.zeros((T, 3, O), np.float32))[1]
            return params.vector.tobytes(), net.forward(params, x).tobytes(), gradient.vector.tobytes()

        first, again = bits(), bits()
        for part, a, b in zip(("initial weights", "outputs", "gradients"), first, again, strict=True):
            require(a == b, f"{part} of one seed differ from one time to the next")
        with ThreadPoolExecutor(2) as pool:
            for other in pool.map(bits, range(4)):
                require(other == first, "two threads at once give other bits than one")
        return "the same bits twice, and in two threads at once"

    def padding(self) -> str:
        lengths = np.array([T, 3, 1])
        for net, params in self._drawn():
            x, target = _normal(13, T, 3, I), _normal(14, T, 3, O)
            weight = (np.arange(T)[:, None] < lengths).astype(float)
            wild = np.where(weight[..., None] > 0, x, 1e3)
            y, noisy = (net.forward(params, each, lengths=lengths) for each in (x, wild))
            for s, length in enumerate(lengths):
                alone = net.forward(params, np.ascontiguousarray(x[:length, s : s + 1]))[:, 0]
                error = _relative(y[:length, s] - alone, alone)
                require(error < 1e-9, f"a sequence of {length} steps comes out otherwise in a longer batch")
                require(
                    (y[:length, s] == noisy[:length, s]).all(),
                    "outputs change with x beyond a sequence's end",
                )
            loss, gradient = net.loss_and_grad(params, x, target, weight=weight, lengths=lengths)
            other, of_noisy = net.loss_and_grad(params, wild, target, weight=weight, lengths=lengths)
            require(
                loss == other and (gradient.vector == of_noisy.vector).all(),
                "loss or gradient change with x beyond a sequence's end",
            )
        return "ragged lengths: what lies beyond an end changes neither outputs nor gradients"

    def steps(self) -> str:
        for net, params in self._drawn():
            steps = _steps(net)
            x = _normal(15, steps, B, I)
            if not net.causal:
                try:
                    net.step(params, None, x[0])
                except ValueError:
                    continue
                raise Broken("net.step does not refuse, but the network reads the future")
            y, state = net.forward(params, x), None
            for t in range(steps):
                y_t, state = net.step(params, state, x[t])
                error = _relative(y_t - y[t], y)
                require(
                    error < 1e-9, f"net.step differs from net.forward at step {t} by {error:.1e}, relative"
                )
            first, state = net.forward(params, x[:3].copy(), return_state=True)
            rest = net.forward(params, x[3:].copy(), state=state)
            error = _relative(np.concatenate([first, rest]) - y, y)
            require(error < 1e-9, f"two chunks with the state carried differ from the whole by {error:.1e}")
        return (
            "step by step equals the whole"
            if net.causal
            else "net.step refuses a network that reads the future"
        )

    def saving(self) -> str:
        net = self._net()
        again = Network.from_dict(json.loads(json.dumps(net.to_dict())))
        require(again == net, "the network that is read back from its description is another one")
        params = net.init(seed=3)
        x = _normal(16, T, B, I).astype(np.float32)
        same = net.forward(params, x).tobytes() == again.forward(again.parameters(params.vector), x).tobytes()
        require(same, "the network that is read back from its description computes something else")
        return "the description read back is the same network"

    def _drawn(self) -> Iterator[tuple[Network, Parameters]]:
        """Yield networks with random parameters, biases and initial values too."""
        for seed in range(3):
            net = self._net()
            rng = np.random.default_rng(seed)
            yield net, net.parameters(rng.normal(0.0, 0.6, net.n_parameters))


def _narrowed(model: Any) -> Any:
    """Return the model with 3 hidden units, or as it is where it refuses so few."""
    try:
        return replace(model, hidden=3)
    except ValueError:
        return model


def _steps(net: Network) -> int:
    """Return a length beyond every lag, so that each arrow brings something; at most 60."""
    longest = max((abs(arrow.lag) for arrow in net.arrows), default=0)
    return int(max(T, 3 + min(57, longest)))


def _normal(seed: int, *shape: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=shape)


def _arrays(params: Parameters) -> dict[str, NDArray[np.float64]]:
    return {name: np.array(array, np.float64) for name, array in params.items()}


def _largest(a: Array) -> float:
    return float(np.abs(a).max(initial=0.0))


def _relative(difference: Array, of: Array) -> float:
    """Return the largest difference over the largest value."""
    return _largest(difference) / (_largest(of) + 1e-300)
