"""One network with its data: our step, and how much arithmetic it needs."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnnbench.tasks.contract import Batch
from rnnbench.training.blocks import updates_of_block
from rnnbench.training.optimisers import Adam

#: So small that parameters stay where they are, and every call does the same work.
RATE = 1e-6
CLIP = 1.0
#: Steps of ours in one call.
MOST_STEPS = 32


@dataclass
class Case:
    """A network, its parameters and a batch of random sequences, float32.

    Attributes
    ----------
    net, params
        The network and its initial parameters.
    x, target, weight : ndarray (T, B, I), (T, B, O), (T, B) or None
        Data; None scores every step.
    loop : str
        "closed" or "open".
    """

    net: Any
    params: Any
    x: np.ndarray
    target: np.ndarray
    weight: np.ndarray | None
    loop: str = "closed"

    @property
    def scored(self):
        """How many steps are scored."""
        return len(self.x) if self.weight is None else int(self.weight[:, 0].sum())

    def loss_and_grad(self, memory="full"):
        """Return our loss and gradient."""
        rest = {"weight": self.weight, "loop": self.loop, "memory": memory}
        return self.net.loss_and_grad(self.params, self.x, self.target, **rest)

    def of_type(self, dtype):
        """Return the same case in another type."""
        params = self.net.parameters(self.params.vector.astype(dtype))
        return replace(self, params=params, x=self.x.astype(dtype), target=self.target.astype(dtype))

    def single_step(self, memory="full"):
        """Return one step as a callable, a call of Python for each of its parts."""
        params = self.params.copy()
        update = Adam(lr=RATE).start(params.vector.size, params.vector.dtype, norm_bound=CLIP)
        net, x, target, weight, loop = self.net, self.x, self.target, self.weight, self.loop

        def step():
            _, gradient = net.loss_and_grad(params, x, target, weight=weight, loop=loop, memory=memory)
            update(params.vector, gradient.vector)

        return step

    def training_step(self):
        """Return our steps as a callable: forward, backward, clipping, Adam, for a whole block of batches.

        Its `steps` says how many, as many as a training makes at a time, MOST_STEPS at most. Each has its own
        copy of the data that the peers compute with again and again.
        """
        params = self.params.copy()
        rule = Adam(lr=RATE).start(params.vector.size, params.vector.dtype, norm_bound=CLIP).rule_of_block()
        weight = np.ones(self.x.shape[:2]) if self.weight is None else self.weight
        steps = min(MOST_STEPS, updates_of_block(self.net, Batch(self.x, self.target, weight)))
        data = self.x, self.target, self.weight
        block = self.net.training_block(*data[:2], weight=self.weight, loop=self.loop, capacity=steps)
        assert all(block.add(*data) for _ in range(steps))
        made = 0

        def call():
            nonlocal made
            done = block.update(params, rule, made + 1)
            assert done.stop == steps and done.finite
            made += steps

        call.steps = steps
        return call

    def inference(self):
        """Return our forward pass as a callable: the output of every step."""
        return lambda: self.net.forward(self.params, self.x)

    def flops(self, training=True):
        """Return the floating-point operations of the products that a step needs, without padding.

        Each learned arrow costs a product forward and one for its weights; a third one passes the gradient
        on, unless the source is data or the gate is always closed. An output box outside any cycle is needed
        at scored steps only.
        """
        sizes = {"x": self.net.n_in, **{box.name: box.size for box in self.net.boxes}}
        output, sequences = self.net.output, self.x.shape[1]
        in_cycle = self.loop == "closed" and any(arrow.source == output for arrow in self.net.arrows)
        total = 0
        for arrow in self.net.arrows:
            if not arrow.learned:
                continue
            data = arrow.source == "x" or (arrow.source == output and self.loop == "open")
            steps = self.scored if training and arrow.target == output and not in_cycle else len(self.x)
            products = (2 if data or arrow.cut_every == 1 else 3) if training else 1
            total += 2 * products * sizes[arrow.source] * sizes[arrow.target] * steps * sequences
        return total


def make_case(net, steps, sequences, last_only=False, loop="closed"):
    """Return a case whose data are so small that gradients stay in range over hundreds of steps."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((steps, sequences, net.n_in), dtype=np.float32) * np.float32(0.1)
    target = rng.standard_normal((steps, sequences, net.n_out), dtype=np.float32) * np.float32(0.1)
    weight = None
    if last_only:
        weight = np.zeros((steps, sequences))
        weight[-1] = 1
    return Case(net, net.init(seed=0), x, target, weight, loop)


def merged(params):
    """Return parameters by name, the matrices of all lags between two boxes stacked into one."""
    groups: dict[str, list[np.ndarray]] = {}
    for name in params.keys():
        groups.setdefault(name.partition("@")[0], []).append(np.asarray(params[name]))
    return {name: np.concatenate(arrays) for name, arrays in groups.items()}


def difference(one, other):
    """Return the relative distance of two gradients by name, ``|a - b| / |b|`` over all of them."""
    assert set(one) == set(other)
    names = sorted(one)
    a, b = (np.concatenate([np.ravel(g[name]).astype(np.float64) for name in names]) for g in (one, other))
    assert np.linalg.norm(b) > 0
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))
