"""Hypothesis strategies: valid networks nobody has named, as plain dicts, and calls that go with them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from rnnbench.network import Network, Parameters
from tests import naive

NAMES = ("a", "b", "c", "y")


@dataclass
class Case:
    """A network as a dict with parameters, input and the keywords of a call, all float64."""

    net: dict
    parameters: dict
    x: np.ndarray
    target: np.ndarray | None
    call: dict[str, Any]
    rng: np.random.Generator

    def engine(self, dtype=np.float64) -> tuple[Network, Parameters]:
        """The compiled network and the same parameters, in the order the design gives the vector."""
        network = Network.from_dict(self.net)
        vector = np.concatenate([a.ravel() for a in self.parameters.values()] or [np.zeros(0)])
        return network, network.parameters(vector.astype(dtype))

    def naive_pass(self, **changes) -> naive.Pass:
        """The slow forward pass of this case."""
        return naive.Pass(self.net, self.parameters, self.x, target=self.target, **{**self.call, **changes})


@st.composite
def networks(draw, outputs=("linear", "tanh", "sigmoid", "softmax", "square", "relu")):
    """Draw 1 to 4 boxes in components with one sign of inner lags; lags between components are free."""
    n_boxes = draw(st.integers(1, 4))
    names = draw(st.permutations(NAMES[4 - n_boxes :]))
    n_in = draw(st.integers(1, 3))
    sizes = {name: draw(st.integers(1, 3)) for name in names} | {"x": n_in}
    group, sign = {"x": -1}, {}
    for i, name in enumerate(names):
        group[name] = draw(st.integers(0, i))
        sign[group[name]] = draw(st.sampled_from((1, 1, -1)))
    hidden = st.sampled_from(("tanh", "tanh", "sigmoid", "relu", "linear", "square", "softmax"))
    boxes = [
        {
            "name": name,
            "size": sizes[name],
            "activation": draw(st.sampled_from(outputs) if name == "y" else hidden),
            "bias": draw(st.sampled_from((True, True, False))),
        }
        for name in names
    ]
    possible = []
    for target in names:
        for source in ("x", *names):
            if group[source] < group[target]:
                possible += [(source, target, lag) for lag in (0, 0, 0, 1, 2, -1, -2)]
            elif group[source] == group[target]:
                direction = sign[group[target]]
                possible += [(source, target, direction * k) for k in (1, 1, 2, 3)]
                if names.index(source) < names.index(target):
                    possible += [(source, target, 0)] * 3
    chosen = draw(
        st.lists(st.sampled_from(possible), min_size=n_boxes, max_size=3 * n_boxes + 2, unique=True)
    )
    arrows = []
    for source, target, lag in chosen:
        fixed = sizes[source] == sizes[target] and draw(st.integers(0, 4)) == 0
        arrows.append(
            {
                "source": source,
                "target": target,
                "lag": lag,
                "cut_every": draw(st.sampled_from((0, 0, 0, 1, 2, 3) if lag else (0, 0, 0, 1))),
                "weight": draw(st.sampled_from((1.0, 0.5, -0.75))) if fixed else "learned",
            }
        )
    return {
        "n_in": n_in,
        "output": "y",
        "initial": draw(st.sampled_from(("zero", "learned"))),
        "boxes": boxes,
        "arrows": arrows,
    }


@st.composite
def cases(draw, outputs=("linear", "tanh", "sigmoid", "softmax", "square", "relu"), labels=False):
    """Draw a network, parameters, input, targets, loop, step weights, lengths and carried state."""
    net = draw(networks(outputs))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    T, B = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    n_out = next(box["size"] for box in net["boxes"] if box["name"] == "y")
    parameters = {name: rng.normal(0, 0.6, shape) for name, shape in naive.parameter_shapes(net).items()}
    x = rng.normal(size=(T, B, net["n_in"]))
    lengths = rng.integers(1, T + 1, B) if draw(st.booleans()) else None
    weight = None
    if draw(st.booleans()):
        weight = rng.choice([0.0, 0.5, 1.0, 2.0], size=(T, B))
        weight[0, 0] = 1.0
    if labels:
        target = rng.integers(0, n_out, (T, B))
    else:
        target = rng.uniform(0.1, 0.9, (T, B, n_out))
        if draw(st.booleans()):
            target[rng.uniform(size=(T, B)) < 0.2] = np.nan
            target[0, 0] = 0.5
    state = None
    if draw(st.booleans()):
        sizes = {"x": net["n_in"]} | {box["name"]: box["size"] for box in net["boxes"]}
        state = {name: rng.uniform(-0.9, 0.9, (naive.slots(net, name)[0], B, n)) for name, n in sizes.items()}
        state = {name: rows for name, rows in state.items() if len(rows) and rng.uniform() < 0.7}
        state["step"] = rng.integers(0, 5, B)
    loop = draw(st.sampled_from(("closed", "open", 0, 1, 3)))
    case = Case(
        net, parameters, x, target, {"loop": loop, "weight": weight, "lengths": lengths, "state": state}, rng
    )
    assume(is_smooth(case))
    return case


def is_smooth(case: Case, margin: float = 0.05) -> bool:
    """Whether no ReLU is near its kink and no value is large: finite differences mean something."""
    relus = [box["name"] for box in case.net["boxes"] if box["activation"] == "relu"]
    linear = {**case.net, "boxes": [{**box, "activation": "linear"} for box in case.net["boxes"]]}
    slow = case.naive_pass()
    with np.errstate(over="ignore", invalid="ignore"):
        if not all(np.abs(slow.values(box["name"])).max() < 5 for box in case.net["boxes"]):
            return False
    if not relus:
        return True
    # the pre-activations: the same pass with the last activation left out, one ReLU box at a time
    asked = naive.Pass(linear, case.parameters, case.x, target=case.target, frozen=None, **case.call)
    asked.remembered = {}
    asked.seen = slow.seen
    for box in relus:
        for t in range(slow.T):
            for s in range(slow.B):
                if t < slow.lengths[s] and np.abs(asked.value(box, t, s)).min() < margin:
                    return False
    return True
