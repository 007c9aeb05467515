"""Small networks of every kind the diagnostics must see through, float64, every weight drawn."""

import numpy as np

from rnnbench.network import Arrow, Box, Network
from tests.network import textbook
from tests.network.comparing import random_parameters


def brnn():
    boxes = [Box("f", 3), Box("b", 2), Box("y", 2, "linear")]
    arrows = [Arrow("x", "f"), Arrow("f", "f", 1), Arrow("x", "b"), Arrow("b", "b", -1)]
    return Network([*boxes], [*arrows, Arrow("f", "y"), Arrow("b", "y")], 2)


def skip_from_fixed_input():
    """A fixed arrow out of x, a box that nothing reads at a lag, a present arrow out of the output."""
    boxes = [Box("d", 2, "linear", bias=False), Box("h", 3), Box("y", 2, "sigmoid"), Box("z", 2)]
    arrows = [
        Arrow("x", "d", weight=0.5),
        Arrow("d", "h", 2),
        Arrow("h", "h", 1, cut_every=2),
        Arrow("h", "y"),
        Arrow("y", "z"),
        Arrow("z", "h", 1),
        Arrow("y", "h", 1),
    ]
    return Network(boxes, arrows, 2)


NETWORKS = {
    "mlp": textbook.mlp(2, 3, 2),
    "tdnn": textbook.tdnn(2, 3, 2, window=3),
    "narx": textbook.narx(2, 3, 2, input_taps=1, output_taps=2),
    "jordan": textbook.jordan(2, 3, 2, mu=0.5),
    "elman": textbook.elman(2, 3, 2),
    "rnn": textbook.rnn(2, [3], 2),
    "rnn learned": textbook.rnn(2, [3], 2, initial="learned"),
    "deep": textbook.rnn(2, [3, 2], 2, cut_every=2, order=2),
    "brnn": brnn(),
    "mixed": skip_from_fixed_input(),
}


def drawn(net, seed=0, steps=6, sequences=2, scale=0.6):
    """Parameters, input and target."""
    rng = np.random.default_rng(seed)
    params = random_parameters(net, rng, scale)
    x = rng.normal(0, 1, (steps, sequences, net.n_in))
    return params, x, rng.normal(0, 1, (steps, sequences, net.n_out))
