"""A training step of every other architecture, every step scored, against the same network in JAX."""

import pytest

from rnnbench.models.brnn import BRNN
from rnnbench.models.elman import Elman
from rnnbench.models.jordan import Jordan
from rnnbench.models.narx import NARX
from rnnbench.models.tdnn import TDNN
from rnnbench.network import Arrow, Box, Network
from tests.benchmarks.comparison import compare, jax_peers
from tests.benchmarks.work import make_case

T, B, INPUTS, OUTPUTS, HIDDEN = 100, 32, 4, 2, 64
SCANNED, AT_ONCE = (1, 8), (1,)
TAPS = NARX(HIDDEN, input_taps=4, output_taps=4)
TDNN_WAYS = ["tdnn_window", "tdnn_convolution"]


def two_layers(n_in, n_out):
    """Two fully recurrent layers, g below h."""
    boxes = [Box("g", HIDDEN), Box("h", HIDDEN), Box("y", n_out, "linear")]
    arrows = [Arrow("x", "g"), Arrow("g", "g", 1), Arrow("g", "h"), Arrow("h", "h", 1), Arrow("h", "y")]
    return Network(boxes, arrows, n_in)


#: name: (builder of the network, loop, the ways to write it in JAX, unrollings)
ARCHITECTURES = {
    "tdnn, 11 lags": (TDNN(HIDDEN, window=10).build, "closed", TDNN_WAYS, AT_ONCE),
    "tdnn, 41 lags": (TDNN(HIDDEN, window=40).build, "closed", TDNN_WAYS, AT_ONCE),
    "narx, open loop": (TAPS.build, "open", ["narx_open"], AT_ONCE),
    "narx, closed loop": (TAPS.build, "closed", ["narx_closed"], SCANNED),
    "jordan": (Jordan(HIDDEN).build, "closed", ["jordan_scan", "jordan_twice"], SCANNED),
    "elman": (Elman(HIDDEN).build, "closed", ["elman_scan", "elman_twice"], SCANNED),
    "brnn": (BRNN(HIDDEN).build, "closed", ["brnn"], SCANNED),
    "two-layer rnn": (two_layers, "closed", ["two_layers", "two_layers_together"], SCANNED),
}


@pytest.mark.benchmark(group="training step of the other architectures")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_training_step(benchmark, peak, jax, architecture):
    build, loop, functions, unrolls = ARCHITECTURES[architecture]
    case = make_case(build(INPUTS, OUTPUTS), T, B, loop=loop)
    peers = jax_peers(jax, functions, case, unrolls)
    benchmark.extra_info.update(row="training step of the others", T=T, B=B, I=INPUTS, O=OUTPUTS, H=HIDDEN)
    compare(benchmark, peak, case, peers, 3.0)
