"""What "equal" means: the gradient criterion of the design, and values to the last digits."""

import numpy as np

from tests import naive


def assert_gradients(found, expected, tolerance=1e-6):
    """Per array: max|g - fd| / (max|fd| + 1e-6 max over all arrays) < tolerance; names and shapes equal."""
    found = dict(found.items())
    assert list(found) == list(expected)
    top = max((np.abs(fd).max() for fd in expected.values() if fd.size), default=0.0)
    for name, fd in expected.items():
        g = found[name]
        assert g.shape == fd.shape, name
        if top == 0:
            assert not g.any(), name
            continue
        error = np.abs(g - fd).max() / (np.abs(fd).max() + 1e-6 * top)
        assert error < tolerance, f"{name}: relative error {error:.2e}\n{g}\n{fd}"


def described(net, params):
    """A network and its parameters as the oracle wants them: plain dicts."""
    return net.to_dict(), {name: np.array(a) for name, a in params.items()}


def random_parameters(net, rng, scale=0.6):
    """Parameters of a network, float64, every entry drawn (biases and initial values too)."""
    return net.parameters(rng.normal(0, scale, net.n_parameters))


def assert_loss_and_gradient(net, params, x, target, loss="mse", reduction="mean", tolerance=1e-6, **call):
    """The engine's loss and gradient against the slow loss and the oracle; returns the gradient."""
    found_loss, gradient = net.loss_and_grad(params, x, target, loss=loss, reduction=reduction, **call)
    description, parameters = described(net, params)
    weight, lengths = call.get("weight"), call.get("lengths")

    def function(y):
        return naive.divergence(loss, y, target, weight, lengths, reduction)

    slow = naive.Pass(description, parameters, x, target=target, **call)
    np.testing.assert_allclose(found_loss, function(slow.output()), rtol=1e-11)
    np.testing.assert_allclose(
        net.loss(params, x, target, loss=loss, reduction=reduction, **call), found_loss, rtol=1e-12
    )
    expected = naive.gate_gradients(description, parameters, x, function, target=target, **call)
    assert_gradients(gradient, expected, tolerance)
    return gradient


def assert_backward(net, params, x, dy, gates="declared", target=None, tolerance=1e-6, **call):
    """``net.backward`` against the oracle: parameters, dx and the values before the sequence."""
    gradient, dx, dstate = net.backward(params, x, dy, target=target, gates=gates, **call)
    description, parameters = described(net, params)
    boxes = [name for name in ("x", *(box["name"] for box in description["boxes"]))]
    boxes = [name for name in boxes if naive.slots(description, name)[0]]
    assert set(dstate) == set(boxes)
    wanted = [*parameters, "dx", *("d." + name for name in boxes)]
    lengths = call.get("lengths")
    inside = np.ones(x.shape[:2]) if lengths is None else (np.arange(len(x))[:, None] < lengths).astype(float)
    dy = dy * inside[..., None]
    expected = naive.gate_gradients(
        description,
        parameters,
        x,
        lambda y: (y * dy).sum(axis=(-3, -2, -1)),
        gates,
        wanted,
        target=target,
        **call,
    )
    found = dict(gradient.items()) | {"dx": dx} | {"d." + name: dstate[name] for name in boxes}
    assert_gradients(found, expected, tolerance)
    return gradient, dx, dstate
