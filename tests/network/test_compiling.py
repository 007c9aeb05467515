"""One compiled signature per precision serves every architecture, loop and kind of input."""

import numpy as np
import pytest

from rnnbench.kernels.backward import backward
from rnnbench.kernels.forward import forward
from rnnbench.kernels.optimisers import SETTINGS, SGD, Rule
from rnnbench.kernels.training import training_steps
from rnnbench.network import warm_up
from tests.network import textbook
from tests.network.comparing import random_parameters


def read_only(a):
    """Return a copy that cannot be written."""
    a = a.copy()
    a.flags.writeable = False
    return a


def sgd(size, dtype):
    """Return plain descent at a rate of 0."""
    return Rule(SGD, np.zeros((0, size), dtype), np.zeros(SETTINGS), np.inf, np.inf)


def test_a_new_model_compiles_nothing():
    if not hasattr(forward, "signatures"):
        pytest.skip("kernels are interpreted")
    for dtype in (np.float32, np.float64):
        assert warm_up(dtype) >= 0
    kernels = forward, backward, training_steps
    assert [len(kernel.signatures) for kernel in kernels] == [2, 2, 2]
    rng = np.random.default_rng(0)
    for net in textbook.every().values():
        for dtype in (np.float32, np.float64):
            params = net.parameters(read_only(random_parameters(net, rng).vector.astype(dtype)))
            x = read_only(rng.normal(size=(4, 2, net.n_in)).astype(dtype))
            target = read_only(rng.uniform(size=(4, 2, net.n_out)))
            labels = rng.integers(0, net.n_out, (4, 2)).astype(np.uint8)
            weight = read_only(np.asfortranarray(rng.uniform(size=(4, 2)).astype(np.float32)))
            for loop in ("closed", "open", 2):
                net.loss_and_grad(params, x, target, loop=loop, weight=weight, lengths=[4, 2])
                block = net.training_block(x, target, loop=loop, weight=weight, dtype=dtype, capacity=1)
                assert block.add(x, target, weight, [4, 2])
                block.update(params.copy(), sgd(params.vector.size, dtype))
                net.forward(params, np.zeros((4, 2), np.int32), labels, loop)
            _, state = net.forward(params, x, return_state=True)
            state = {name: read_only(rows) for name, rows in state.items()}
            net.backward(params, x, np.asfortranarray(target), state=state, gates="open")
    assert [len(kernel.signatures) for kernel in kernels] == [2, 2, 2]
