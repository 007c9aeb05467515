"""What every model found in the folder promises."""

import ast
import json
import subprocess
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from rnnbench import models
from rnnbench.checking import check_model
from rnnbench.network import Network
from tests.models.small import EVERY, small

FOLDER = Path(models.__file__).parent

every_model = pytest.mark.parametrize("model", EVERY.values(), ids=EVERY.keys())
every_class = pytest.mark.parametrize("cls", models.found().values(), ids=models.found().keys())


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


@pytest.mark.parametrize("name", models.found())
def test_every_model_keeps_the_contracts(name):
    findings = check_model(models.found()[name]())
    assert [str(finding) for finding in findings if not finding.holds] == []
    assert len(findings) == 11


@every_model
def test_variants_build_the_network_of_the_task(model):
    for activation in ("linear", "sigmoid", "softmax"):
        net = model.build(2, 3, activation)
        assert net == model.build(2, 3, activation)
        assert (net.n_in, net.n_out) == (2, 3)
        output = next(box for box in net.boxes if box.name == net.output)
        assert (output.size, output.activation) == (3, activation)
    assert Network.from_dict(json.loads(json.dumps(net.to_dict()))) == net


def test_models_import_descriptions_and_nothing_else():
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            for name in names:
                top = name.partition(".")[0]
                assert top in sys.stdlib_module_names or name.startswith(
                    ("rnnbench.network", "rnnbench.models.", "rnnbench.base.")
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
