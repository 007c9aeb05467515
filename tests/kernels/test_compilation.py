"""Compiled and interpreted kernels agree; an edit of a kernel never serves stale machine code."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rnnbench.kernels.compilation as compilation

ROOT = Path(__file__).parents[2]

CALLS = """
import sys
import numpy as np
from rnnbench.training import optimiser
from tests.network import textbook
from tests.network.comparing import random_parameters

found = {}
for name, net in textbook.every().items():
    for dtype in (np.float32, np.float64):
        rng = np.random.default_rng(0)
        params = net.parameters(random_parameters(net, rng).vector.astype(dtype))
        x = rng.normal(size=(3, 2, net.n_in)).astype(dtype)
        target = rng.uniform(0.1, 0.9, (3, 2, net.n_out))
        call = {"loop": 1, "lengths": np.array([3, 2]), "weight": np.array([[1.0, 2], [0, 1], [1, 1]])}
        key = f"{name} {np.dtype(dtype).name}"
        loss, gradient = net.loss_and_grad(params, x, target, **call)
        pulled, dx, _ = net.backward(params, x, np.ones_like(target, dtype=dtype), target, loop=1)
        learned = params.copy()
        adam = optimiser("adam").start(learned.vector.size, dtype, norm_bound=0.5).rule_of_block()
        block = net.training_block(x, target, dtype=dtype, capacity=2, **call)
        assert all(block.add(x, target, call["weight"], call["lengths"]) for _ in range(2))
        done = block.update(learned, adam)
        parts = [loss], gradient.vector, pulled.vector, dx.ravel(), net.forward(params, x).ravel(), done.loss
        found[key] = np.concatenate(parts)
np.savez(sys.argv[1], **found)
"""


def run(code, *arguments, path, **environment):
    """Run Python code in a process of its own; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=path, check=False,
        timeout=300,
        env=os.environ | {"PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"} | environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_interpreted_kernels_give_the_same_numbers(tmp_path):
    run(CALLS, str(tmp_path / "python.npz"), path=ROOT, NUMBA_DISABLE_JIT="1")
    run(CALLS, str(tmp_path / "compiled.npz"), path=ROOT)
    interpreted, compiled = np.load(tmp_path / "python.npz"), np.load(tmp_path / "compiled.npz")
    assert set(interpreted) == set(compiled) and len(set(compiled)) > 20
    for name in compiled:
        tolerance = 2e-5 if "float32" in name else 1e-12
        np.testing.assert_allclose(
            compiled[name], interpreted[name], rtol=tolerance, atol=tolerance, err_msg=name
        )


@pytest.fixture
def copied(tmp_path):
    """A copy of the kernels alone, with one kernel that calls another in a different file."""
    package = tmp_path / "rnnbench"
    shutil.copytree(
        ROOT / "rnnbench" / "kernels", package / "kernels", ignore=shutil.ignore_patterns("__pycache__")
    )
    (package / "__init__.py").write_text("")
    header = "from rnnbench.kernels.compilation import kernel\n"
    (package / "kernels" / "called.py").write_text(header + "\n@kernel\ndef called(x):\n    return x + 1.0\n")
    (package / "kernels" / "calling.py").write_text(
        header
        + "from rnnbench.kernels.called import called\n\n@kernel\ndef calling(x):\n    return called(x)\n"
    )
    return tmp_path


ASK = """
from rnnbench.kernels.calling import calling
print(calling(1.0), sum(calling.stats.cache_hits.values()), sum(calling.stats.cache_misses.values()))
"""


def test_an_edit_of_a_called_kernel_is_noticed(copied):
    cache = {"RNNBENCH_CACHE_DIR": str(copied / "cache")}
    assert run(ASK, path=copied, **cache) == "2.0 0 1"
    assert run(ASK, path=copied, **cache) == "2.0 1 0"
    called = copied / "rnnbench" / "kernels" / "called.py"
    called.write_text(called.read_text().replace("1.0", "100.0"))
    assert run(ASK, path=copied, **cache) == "101.0 0 1"


def test_every_file_of_the_kernels_counts_in_the_name_of_the_folder(copied):
    """One process: the hash is taken from the files each time it is asked for."""
    code = """
from pathlib import Path
from rnnbench.kernels import compilation
keys = [compilation.source_hash()]
files = sorted(Path(compilation.__file__).parent.glob("*.py"))
for file in files:
    file.write_text(file.read_text() + "# edited\\n")
    keys.append(compilation.source_hash())
assert len(set(keys)) == len(files) + 1, keys
assert compilation.source_hash() == keys[-1] and keys[-1] in compilation.cache_folder()
print(len(files))
"""
    count = int(run(code, path=copied, RNNBENCH_CACHE_DIR=str(copied / "cache")))
    assert count == len(list((ROOT / "rnnbench" / "kernels").glob("*.py"))) + 2


def test_a_cache_folder_that_cannot_be_written_is_not_the_end(copied):
    blocked = copied / "a file"
    blocked.write_text("")
    environment = {"RNNBENCH_CACHE_DIR": str(blocked), "XDG_CACHE_HOME": str(blocked), "TMPDIR": str(copied)}
    assert run(ASK, path=copied, **environment).startswith("2.0")


def test_the_decorators_policy():
    assert compilation.NAN_SAFE_FASTMATH == {"reassoc", "contract", "arcp", "nsz", "afn"}

    @compilation.kernel
    def divided(a, b):
        return a / b

    assert divided(1.0, 0.0) == np.inf  # error_model="numpy": no exception, no branch
    options = divided.targetoptions
    assert options["nogil"] and options["error_model"] == "numpy"
