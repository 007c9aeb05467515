"""What every model found in the folder promises."""

import ast
import json
import math
import subprocess
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
import pytest

from rnnbench import models
from rnnbench.network import Network
from tests.models.small import EVERY, small
from tests.network.comparing import assert_loss_and_gradient, random_parameters

FOLDER = Path(models.__file__).parent
T, B, I, O = 14, 2, 2, 3

every_model = pytest.mark.parametrize("model", EVERY.values(), ids=EVERY.keys())
every_class = pytest.mark.parametrize("cls", models.found().values(), ids=models.found().keys())


def inputs(rng, steps=T):
    return rng.normal(size=(steps, B, I))


def test_every_file_with_a_model_is_found():
    assert list(models.found()) == [
        "brnn",
        "custom",
        "elman",
        "jordan",
        "memory",
        "mlp",
        "narx",
        "rnn",
        "tdnn",
    ]
    assert set(models.found()) <= {path.stem for path in FOLDER.glob("*.py")}


@every_class
def test_is_a_dataclass_with_a_version_and_defaults(cls):
    assert is_dataclass(cls)
    assert isinstance(cls.VERSION, int) and cls.VERSION >= 1
    assert "VERSION" not in {field.name for field in fields(cls)}
    assert cls() == cls()
    cls().hidden = 4  # configuration overrides fields of an instance


@every_class
def test_docstring_names_its_equation_its_source_and_its_names_elsewhere(cls):
    for part in ("y_t", "References", "MATLAB", "SNNS", "PyTorch"):
        assert part in cls.__doc__
    parameters = cls.__doc__.split("Parameters\n")[1].split("Notes\n")[0]
    for field in fields(cls):
        assert f"    {field.name} : " in parameters


@every_model
def test_builds_a_network_of_the_task_s_sizes(model):
    for activation in ("linear", "sigmoid", "softmax"):
        net = model.build(I, O, activation)
        assert isinstance(net, Network)
        assert (net.n_in, net.n_out) == (I, O)
        output = next(box for box in net.boxes if box.name == net.output)
        assert (output.size, output.activation) == (O, activation)


@every_model
def test_gradient_equals_central_differences_behind_the_gates(model):
    rng = np.random.default_rng(1)
    for activation, loss in (("linear", "mse"), ("softmax", "cross_entropy")):
        net = model.build(I, O, activation)
        params = random_parameters(net, rng)
        x = inputs(rng, steps=5)
        target = rng.normal(size=(5, B, O)) if loss == "mse" else rng.integers(O, size=(5, B))
        assert_loss_and_gradient(net, params, x, target, loss=loss)


@every_model
def test_causal_means_that_no_output_sees_a_later_input(model):
    rng = np.random.default_rng(2)
    net = model.build(I, O)
    params = random_parameters(net, rng)
    x = inputs(rng)
    y = net.forward(params, x)
    later = x.copy()
    later[4] += 1
    changed = (net.forward(params, later) != y).any(axis=(1, 2))
    assert changed[4]
    assert net.causal == (not changed[:4].any())


@every_model
def test_receptive_field_is_how_far_an_input_reaches(model):
    rng = np.random.default_rng(3)
    net = model.build(I, O)
    params = random_parameters(net, rng)
    x = inputs(rng)
    first = x.copy()
    first[0] += 1
    changed = (net.forward(params, first) != net.forward(params, x)).any(axis=(1, 2))
    if math.isinf(net.receptive_field):
        assert changed[-1]
    else:
        assert changed[net.receptive_field]
        assert not changed[net.receptive_field + 1 :].any()


@every_model
def test_same_bits_twice(model):
    net, again = model.build(I, O), model.build(I, O)
    assert net == again
    x = inputs(np.random.default_rng(4)).astype(np.float32)
    first, second = (n.init(seed=5) for n in (net, again))
    assert first.vector.tobytes() == second.vector.tobytes()
    assert net.forward(first, x).tobytes() == again.forward(second, x).tobytes()


@every_model
def test_network_survives_json(model):
    net = model.build(I, O)
    assert Network.from_dict(json.loads(json.dumps(net.to_dict()))) == net
    assert net.init().vector.size == net.n_parameters


def test_models_import_descriptions_and_nothing_else():
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            for name in names:
                top = name.partition(".")[0]
                assert top in sys.stdlib_module_names or name.startswith(
                    ("rnnbench.network", "rnnbench.models.")
                )


def test_finding_models_loads_neither_numpy_nor_numba():
    code = "import sys, rnnbench.models as m; m.found(); print({'numpy', 'numba'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_two_models_in_one_file_are_refused(monkeypatch):
    from rnnbench.models import elman

    class Second(elman.Elman):
        __module__ = elman.__name__

    monkeypatch.setattr(elman, "Second", Second, raising=False)
    with pytest.raises(TypeError, match=r"2 models .*Elman, Second"):
        models.found()


def test_small_models_stay_small():
    assert small("rnn").hidden == 3
