"""The contracts of a model: its settings, and the behaviour of the networks it builds."""

import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from rnnbench.checking import reference
from rnnbench.checking.findings import Finding, check_fields, require, tried
from rnnbench.network import Network, Parameters
from rnnbench.tasks.contract import Array

#: Inputs, outputs and activation of the output of the networks that are built.
SIZES = ((1, 1, "linear"), (2, 3, "linear"), (3, 2, "softmax"), (1, 2, "sigmoid"), (4, 1, "sigmoid"))
#: Steps, sequences, inputs and outputs.
T, B, I, O = 7, 2, 2, 3
#: Random directions in which the gradient of each parameter array is compared with differences.
DIRECTIONS = 8


def check_model(model: Any) -> list[Finding]:
    """Try all contracts on a model.

    Parameters
    ----------
    model : dataclass
        With `build(n_in, n_out, output_activation)`. Where it has a field `hidden` of one number, networks of
        3 hidden units are tried as well as those of its own width.

    Returns
    -------
    list of Finding
        One for each contract. If no network can be built, the remaining ones are skipped.
    """
    small = _narrowed(model)
    first = tried({"settings": settings, "build": build}, model, small)
    return first + (tried(CONTRACTS, small.build(I, O)) if first[-1].holds else [])


def settings(model: Any, small: Any) -> str:
    """Require fixed defaults, and fields that are accepted or refused in plain lines."""
    require(
        type(model)() == type(model)(),
        "two models of the same settings are not equal (a field without a fixed default?)",
    )
    return check_fields(model, lambda changed: changed.build(I, O))


def build(model: Any, small: Any) -> str:
    """Require networks of the sizes and the output activation asked for, the same ones each time."""
    for each in (model, small):
        for n_in, n_out, activation in SIZES:
            what = f"build({n_in}, {n_out}, {activation!r})"
            net = each.build(n_in, n_out, activation)
            require(isinstance(net, Network), f"{what} returns a {type(net).__name__}, not a Network")
            require(
                (net.n_in, net.n_out) == (n_in, n_out),
                f"{what} has {net.n_in} inputs and {net.n_out} outputs; expected {n_in} and {n_out}",
            )
            output = next(box for box in net.boxes if box.name == net.output)
            require(
                output.activation == activation,
                f"{what}: its output {output.name} is {output.activation}; expected {activation}",
            )
            require(net == each.build(n_in, n_out, activation), f"{what} differs from one call to the next")
    parameters = model.build(I, O).n_parameters
    return f"{len(SIZES)} sizes; {parameters} parameters for {I} inputs, {O} outputs"


def shapes(net: Network) -> str:
    """Require outputs (T, B, O) of the type of the inputs."""
    for dtype in (np.float32, np.float64):
        params = net.init(seed=1, dtype=dtype)
        for steps, sequences in ((1, 1), (T, B), (2, 5)):
            y = net.forward(params, _normal(0, steps, sequences, I).astype(dtype))
            expected = (steps, sequences, O)
            require(y.shape == expected, f"outputs are {y.shape} for {expected[:2]} steps and sequences")
            require(y.dtype == dtype, f"outputs are {y.dtype} for inputs of {np.dtype(dtype)}")
            require(np.isfinite(y).all(), "outputs are not finite for initial weights and normal inputs")
    return "(T, B, O) in float32 and float64"


def values(net: Network) -> str:
    """Compare outputs with those of the reference."""
    x = _normal(3, _steps(net), B, I)
    worst = max(
        _relative(net.forward(params, x), reference.Pass(net, params, x).outputs()) for params in _drawn(net)
    )
    require(worst < 1e-9, f"outputs differ from those of the boxes and arrows by {worst:.1e} (relative)")
    return f"outputs are those of the boxes and arrows, to {worst:.0e}"


def gradient(net: Network) -> str:
    """Compare the gradient with differences of the reference, and the two ways to get it with each other."""
    x, dy, target = (_normal(seed, _steps(net), B, width) for seed, width in ((4, I), (5, O), (7, O)))
    worst = 0.0
    for params in _drawn(net):
        found = net.backward(params, x, dy)[0]
        directions = {name: _normal(6, DIRECTIONS, *array.shape) for name, array in params.items()}
        expected = reference.slopes(net, params, x, dy, directions)
        top = max(map(_largest, expected.values()), default=0.0)
        for name, slopes in expected.items():
            along = directions[name].reshape(DIRECTIONS, -1) @ found[name].ravel()
            error = _largest(along - slopes) / (_largest(slopes) + 1e-4 * top + 1e-12)
            require(
                error < 1e-4,
                f"{name}: differs from central differences (values behind closed gates held constant) "
                f"by {error:.1e}, relative",
            )
            worst = max(worst, error)
        of_loss = net.loss_and_grad(params, x, target)[1].vector
        dy_of_loss = 2.0 * (net.forward(params, x) - target) / target.size
        error = _relative(net.backward(params, x, dy_of_loss)[0].vector, of_loss)
        require(error < 1e-9, f"loss_and_grad and backward disagree by {error:.1e}, relative")
    return f"{len(params)} arrays equal differences behind the gates, to {worst:.0e}"


def causality(net: Network) -> str:
    """Compare whether outputs see later inputs with what the network says."""
    at = _steps(net) // 2
    sees = bool((_changed(net, _steps(net), slice(at, None)) < at).any())
    require(not (net.causal and sees), "net.causal is True, but outputs change with later inputs")
    require(net.causal or sees, "net.causal is False, but no output changes with later inputs")
    return "causal: no output sees a later input" if net.causal else "not causal: outputs see later inputs"


def reach(net: Network) -> str:
    """Compare how far away from the first and the last input outputs change with what the network says."""
    field = net.receptive_field
    steps = 5 + _steps(net) if math.isinf(field) else int(field) + 3
    far = max(int(np.abs(_changed(net, steps, at) - at).max(initial=0)) for at in (0, steps - 1))
    right = far > 0 if math.isinf(field) else far == field
    require(right, f"net.receptive_field is {field}, but outputs see inputs {far} steps away and no further")
    return f"receptive field: {field:g} steps (inputs seen {far} steps away)"


def determinism(net: Network) -> str:
    """Require the same bits of the same seed, in two threads at once."""
    x, target = (_normal(12, T, 3, width).astype(np.float32) for width in (I, O))

    def bits(_: int) -> tuple[bytes, ...]:
        params = net.init(seed=5)
        gradient = net.loss_and_grad(params, x, target)[1]
        return tuple(a.tobytes() for a in (params.vector, net.forward(params, x), gradient.vector))

    with ThreadPoolExecutor(2) as pool:
        calls = list(pool.map(bits, range(5)))
    for part, found in zip(
        ("initial weights", "outputs", "gradients"), zip(*calls, strict=True), strict=True
    ):
        require(len(set(found)) == 1, f"{part} of one seed differ from call to call, in two threads at once")
    return "the same bits of the same seed, in two threads at once"


def padding(net: Network) -> str:
    """Require of sequences of different lengths in one batch what each gives alone."""
    lengths = np.array([T, 3, 1])
    inside = np.arange(T)[:, None] < lengths
    x, target = _normal(13, T, 3, I), _normal(14, T, 3, O)
    wild = np.where(inside[..., None], x, 1e3)
    for params in _drawn(net):
        y = net.forward(params, wild, lengths=lengths)
        for s, length in enumerate(lengths):
            error = _relative(y[:length, s], net.forward(params, x[:length, s : s + 1].copy())[:, 0])
            require(error < 1e-9, f"the outputs of a sequence of {length} steps differ in a longer batch")
        gradient, of_wild = (
            net.loss_and_grad(params, each, target, weight=inside.astype(float), lengths=lengths)[1].vector
            for each in (x, wild)
        )
        require((gradient == of_wild).all(), "the gradient changes with x beyond a sequence's end")
    return "ragged lengths: values beyond a sequence's end change neither outputs nor gradients"


def steps(net: Network) -> str:
    """Require of single steps with the state carried the outputs of the whole."""
    x = _normal(15, _steps(net), B, I)
    if not net.causal:
        return "not tried: the network reads the future"
    for params in _drawn(net):
        y, state = net.forward(params, x), None
        for t, x_t in enumerate(x):
            y_t, state = net.step(params, state, x_t)
            error = _largest(y_t - y[t]) / (_largest(y) + 1e-300)
            require(error < 1e-9, f"net.step differs from net.forward at step {t} by {error:.1e}, relative")
    return "step by step equals the whole"


def saving(net: Network) -> str:
    """Write the description as JSON and read it back."""
    again = Network.from_dict(json.loads(json.dumps(net.to_dict())))
    require(again == net, "the network read back from its description is not equal")
    return "the description read back is the same network"


#: By name, in the order in which they are shown.
CONTRACTS = {
    "shapes": shapes,
    "values": values,
    "gradient": gradient,
    "causality": causality,
    "reach": reach,
    "determinism": determinism,
    "padding": padding,
    "steps": steps,
    "saving": saving,
}


def _drawn(net: Network) -> list[Parameters]:
    """Return three draws of random parameters, biases and initial values too."""
    return [
        net.parameters(np.random.default_rng(seed).normal(0.0, 0.6, net.n_parameters)) for seed in range(3)
    ]


def _steps(net: Network) -> int:
    """Return a length beyond every lag, so that each arrow has an effect; at most 60."""
    return max(T, 3 + min(57, max((abs(arrow.lag) for arrow in net.arrows), default=0)))


def _changed(net: Network, steps: int, at: int | slice) -> Array:
    """Return at which of `steps` steps outputs change with the inputs at `at`, for any parameters drawn."""
    x = _normal(8, steps, B, I)
    moved = x.copy()
    moved[at] += _normal(9, *x[at].shape)
    differ = [net.forward(params, moved) != net.forward(params, x) for params in _drawn(net)]
    return np.flatnonzero(np.any(differ, axis=(0, 2, 3)))


def _normal(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def _largest(a: Array) -> float:
    return float(np.abs(a).max(initial=0.0))


def _relative(found: Array, expected: Array) -> float:
    """Return the largest difference over the largest value expected."""
    return _largest(found - expected) / (_largest(expected) + 1e-300)


def _narrowed(model: Any) -> Any:
    """Return the model with 3 hidden units, or the model itself if that is not fewer or is refused."""
    width = getattr(model, "hidden", None)
    try:
        return replace(model, hidden=3) if type(width) is int and width > 3 else model
    except ValueError:
        return model
