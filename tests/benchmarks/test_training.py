"""A training step of `rnn`, loss on the last step, and inference, against PyTorch and JAX."""

import shutil

import pytest

from rnnbench.models.rnn import RNN
from tests.benchmarks.comparison import compare, jax_peers
from tests.benchmarks.work import make_case

#: (T, B, I, H); the first is also compared with PyTorch's compiled loop, which compiles for half a minute.
POINTS = [
    (50, 32, 2, 64),
    (50, 1, 2, 8),
    (100, 1, 2, 32),
    (100, 18, 2, 32),
    (100, 128, 2, 10),
    (200, 8, 2, 24),
    (200, 32, 2, 50),
    (200, 32, 2, 64),
    (100, 32, 2, 75),
    (784, 60, 1, 96),
    (784, 1, 1, 100),
    (400, 30, 2, 128),
    (50, 128, 2, 141),
    (200, 60, 10, 256),
    (50, 32, 2, 300),
    (50, 128, 2, 512),
]
INFERENCE_POINTS = [(100, 1, 2, 32), (200, 32, 2, 64), (100, 32, 2, 75), (50, 128, 2, 256)]


def needed_ratio(hidden):
    """Return the ratio to the fastest peer that is the target at this width."""
    return 5.0 if hidden <= 32 else 3.0 if hidden <= 128 else 2.0


@pytest.mark.benchmark(group="training step of rnn")
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")
@pytest.mark.parametrize(("T", "B", "I", "H"), POINTS)
def test_training_step(benchmark, peak, torch, jax, T, B, I, H):
    case = make_case(RNN(hidden=H).build(I, 1), T, B, last_only=True)
    peers = jax_peers(jax, ["rnn_last"], case)
    if torch is not None:
        from tests.benchmarks.torch_network import TorchRNN

        peers["torch nn.RNN"] = TorchRNN(torch, case)
        # Its code generator needs a compiler of C++ on the machine.
        if (T, B, I, H) == POINTS[0] and shutil.which("g++"):
            peers["torch compiled loop"] = TorchRNN(torch, case)
            peers["torch compiled loop"].compile_loop()
    benchmark.extra_info["row"] = "training step of rnn"
    rounds = 5 if T * B * H * H > 2e8 else 7
    compare(benchmark, peak, case, peers, needed_ratio(H), rounds=rounds)


@pytest.mark.benchmark(group="inference")
@pytest.mark.parametrize(("T", "B", "I", "H"), INFERENCE_POINTS)
def test_inference(benchmark, peak, torch, jax, T, B, I, H):
    case = make_case(RNN(hidden=H).build(I, 1), T, B)
    peers = jax_peers(jax, ["rnn"], case)
    benchmark.extra_info["row"] = "inference of rnn"
    if torch is not None:
        from tests.benchmarks.torch_network import TorchRNN

        peers["torch nn.RNN"] = TorchRNN(torch, case, every_step=True)
    compare(benchmark, peak, case, peers, 3.0, kind="inference")
