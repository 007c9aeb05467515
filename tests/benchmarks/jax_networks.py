"""The architectures as one would write them for speed in JAX: products over all steps hoisted out of `scan`.

Every function takes (p, x, target, unroll): parameters by name with the lags of an arrow stacked, data
(T, B, I) and (T, B, O), and the unrolling of its scans; and returns the output of every step.
"""

import jax
import jax.numpy as jnp
from jax.lax import conv_general_dilated, scan, stop_gradient


def _states(z, recurrent, unroll, reverse=False):
    def step(h, z_t):
        h = jnp.tanh(z_t + h @ recurrent)
        return h, h

    return scan(step, jnp.zeros_like(z[0]), z, unroll=unroll, reverse=reverse)[1]


def _into(p, name, source):
    return source @ p[f"x->{name}"] + p[f"{name}.bias"]


def _output(p, h):
    return h @ p["h->y"] + p["y.bias"]


def rnn(p, x, target, unroll):
    """Fully recurrent network."""
    return _output(p, _states(_into(p, "h", x), p["h->h"], unroll))


def rnn_last(p, x, target, unroll):
    """Fully recurrent network, output of the last step alone (1, B, O); no state but the last is returned."""

    def step(h, z_t):
        return jnp.tanh(z_t + h @ p["h->h"]), None

    z = _into(p, "h", x)
    return _output(p, scan(step, jnp.zeros_like(z[0]), z, unroll=unroll)[0])[None]


def elman_scan(p, x, target, unroll):
    """Elman network, the gradient stopped inside the scan."""

    def step(h, z_t):
        h = jnp.tanh(z_t + stop_gradient(h) @ p["h->h"])
        return h, h

    z = _into(p, "h", x)
    return _output(p, scan(step, jnp.zeros_like(z[0]), z, unroll=unroll)[1])


def elman_twice(p, x, target, unroll):
    """Elman network: contexts from a scan without a gradient, then all steps at once as a perceptron."""
    z = _into(p, "h", x)
    h = _states(stop_gradient(z), stop_gradient(p["h->h"]), unroll)
    context = jnp.concatenate([jnp.zeros_like(h[:1]), h[:-1]])
    return _output(p, jnp.tanh(z + stop_gradient(context) @ p["h->h"]))


def jordan_scan(p, x, target, unroll, mu=0.5):
    """Jordan network (running sum of outputs), the gradient stopped inside the scan."""

    def step(state, z_t):
        m, y = state
        m = stop_gradient(mu * m + y)
        y = _output(p, jnp.tanh(z_t + m @ p["m->h"]))
        return (m, y), y

    start = jnp.zeros_like(target[0])
    return scan(step, (start, start), _into(p, "h", x), unroll=unroll)[1]


def jordan_twice(p, x, target, unroll, mu=0.5):
    """Jordan network: memories from a scan without a gradient, then all steps at once as a perceptron."""
    fixed = jax.tree.map(stop_gradient, p)

    def step(state, z_t):
        m, y = state
        m = mu * m + y
        return (m, _output(fixed, jnp.tanh(z_t + m @ fixed["m->h"]))), m

    z, start = _into(p, "h", x), jnp.zeros_like(target[0])
    memories = scan(step, (start, start), stop_gradient(z), unroll=unroll)[1]
    return _output(p, jnp.tanh(z + memories @ p["m->h"]))


def _window(x, lags):
    """Stack the frames at lags 0 .. n - 1 of every step, (T, B, n I)."""
    steps = x.shape[0]
    padded = jnp.concatenate([jnp.zeros((lags - 1, *x.shape[1:]), x.dtype), x])
    return jnp.concatenate([padded[lags - 1 - k :][:steps] for k in range(lags)], axis=-1)


def tdnn_window(p, x, target, unroll):
    """TDNN as one product with a window of frames."""
    lags = p["x->h"].shape[0] // x.shape[2]
    return _output(p, jnp.tanh(_into(p, "h", _window(x, lags))))


def tdnn_convolution(p, x, target, unroll):
    """TDNN as a convolution over time."""
    lags = p["x->h"].shape[0] // x.shape[2]
    taps = p["x->h"].reshape(lags, x.shape[2], -1)[::-1]
    order = ("WNC", "WIO", "WNC")
    z = conv_general_dilated(x, taps, (1,), [(lags - 1, 0)], dimension_numbers=order)
    return _output(p, jnp.tanh(z + p["h.bias"]))


def narx_open(p, x, target, unroll):
    """NARX network fed with the targets: no loop at all."""
    lags, taps = p["x->h"].shape[0] // x.shape[2], p["y->h"].shape[0] // target.shape[2]
    before = jnp.concatenate([jnp.zeros_like(target[:1]), target[:-1]])
    z = _into(p, "h", _window(x, lags)) + _window(before, taps) @ p["y->h"]
    return _output(p, jnp.tanh(z))


def narx_closed(p, x, target, unroll):
    """NARX network fed with its own outputs, a delay line of which is carried."""
    lags, width = p["x->h"].shape[0] // x.shape[2], target.shape[2]

    def step(line, z_t):
        y = _output(p, jnp.tanh(z_t + line @ p["y->h"]))
        return jnp.concatenate([y, line[:, :-width]], axis=1), y

    line = jnp.zeros((x.shape[1], p["y->h"].shape[0]), x.dtype)
    return scan(step, line, _into(p, "h", _window(x, lags)), unroll=unroll)[1]


def brnn(p, x, target, unroll):
    """Bidirectional network: two scans."""
    f = _states(_into(p, "f", x), p["f->f"], unroll)
    b = _states(_into(p, "b", x), p["b->b"], unroll, reverse=True)
    return f @ p["f->y"] + b @ p["b->y"] + p["y.bias"]


def two_layers(p, x, target, unroll):
    """Two recurrent layers, one scan after the other."""
    g = _states(_into(p, "g", x), p["g->g"], unroll)
    return _output(p, _states(g @ p["g->h"] + p["h.bias"], p["h->h"], unroll))


def two_layers_together(p, x, target, unroll):
    """Two recurrent layers in one scan."""

    def step(state, z_t):
        g, h = state
        g = jnp.tanh(z_t + g @ p["g->g"])
        h = jnp.tanh(g @ p["g->h"] + h @ p["h->h"] + p["h.bias"])
        return (g, h), h

    z = _into(p, "g", x)
    start = jnp.zeros_like(z[0]), jnp.zeros((x.shape[1], p["h.bias"].size), x.dtype)
    return _output(p, scan(step, start, z, unroll=unroll)[1])
