"""A training step around a network written in JAX: loss, gradient, clipping and Adam in one `jit`."""

from functools import partial

import jax
import jax.numpy as jnp

from tests.benchmarks.work import CLIP, RATE, merged

#: PyTorch's defaults and ours.
BETA1, BETA2, EPS = 0.9, 0.999, 1e-8


class JaxNetwork:
    """The network of a case, computed by one of the functions of `jax_networks`.

    Parameters
    ----------
    function : callable
        (p, x, target, unroll) -> y of every step, or of the last (1, B, O).
    case : Case
        What it is compared with.
    unroll : int
        Steps of a scan that are unrolled.
    """

    def __init__(self, function, case, unroll):
        self.p = {name: jnp.asarray(array) for name, array in merged(case.params).items()}
        self.x, self.target = jnp.asarray(case.x), jnp.asarray(case.target)
        self.unroll, self.function = unroll, function
        self.last_only = case.weight is not None

    def _loss(self, p, x, target):
        y = self.function(p, x, target, self.unroll)
        return jnp.mean((y - (target[-1:] if self.last_only else target)) ** 2)

    def loss_and_grad(self):
        """Return the loss and the gradient under our names, lags stacked."""
        loss, gradient = jax.jit(jax.value_and_grad(self._loss))(self.p, self.x, self.target)
        return float(loss), gradient

    def training_step(self):
        """Return a step as a callable; parameters and averages are updated in place (donated)."""

        @partial(jax.jit, donate_argnums=0)
        def step(state, x, target):
            p, m, v, n = state
            loss, g = jax.value_and_grad(self._loss)(p, x, target)
            norm = jnp.sqrt(sum(jnp.sum(part**2) for part in jax.tree.leaves(g)))
            g = jax.tree.map(lambda part: part * jnp.minimum(1.0, CLIP / (norm + 1e-6)), g)
            m = jax.tree.map(lambda old, new: BETA1 * old + (1 - BETA1) * new, m, g)
            v = jax.tree.map(lambda old, new: BETA2 * old + (1 - BETA2) * new**2, v, g)
            n = n + 1
            rate, root = RATE / (1 - BETA1**n), jnp.sqrt(1 - BETA2**n)
            p = jax.tree.map(lambda w, a, b: w - rate * a / (jnp.sqrt(b) / root + EPS), p, m, v)
            return loss, (p, m, v, n)

        zeros = jax.tree.map(jnp.zeros_like, self.p)
        # Copies, for donated arrays are gone.
        state = (jax.tree.map(jnp.copy, self.p), zeros, jax.tree.map(jnp.copy, zeros), jnp.float32(0))

        def call():
            nonlocal state
            loss, state = step(state, self.x, self.target)
            loss.block_until_ready()

        return call

    def inference(self):
        """Return the forward pass as a callable: the output of every step."""
        forward = jax.jit(partial(self.function, unroll=self.unroll))
        return lambda: forward(self.p, self.x, self.target).block_until_ready()
