"""Time of one loss and gradient of every model: float32, T = 50, 32 sequences, 32 hidden units."""

import numpy as np
import pytest

from rnnbench import models

T, B, INPUTS, OUTPUTS, HIDDEN = 50, 32, 2, 1, 32


@pytest.mark.benchmark(group="loss and gradient")
@pytest.mark.parametrize("name", models.found())
def test_loss_and_gradient(benchmark, name):
    net = models.found()[name](hidden=HIDDEN).build(INPUTS, OUTPUTS)
    params = net.init(seed=0)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((T, B, INPUTS), dtype=np.float32)
    target = rng.standard_normal((T, B, OUTPUTS), dtype=np.float32)
    # The first call compiles or loads the kernels.
    loss, _ = net.loss_and_grad(params, x, target)
    assert np.isfinite(loss)
    benchmark.extra_info["multiply_adds"] = net.macs_per_step * T * B
    benchmark(net.loss_and_grad, params, x, target)
