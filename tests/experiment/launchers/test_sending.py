"""A configuration arrives at a worker as it was sent, or is refused in plain words."""

import pickle
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rnnbench.experiment.execution import execute
from rnnbench.experiment.identity import run_key
from rnnbench.experiment.launchers import remote, sending
from rnnbench.experiment.launchers.contract import Unlike
from rnnbench.experiment.memory import is_too_large
from rnnbench.experiment.refusals import Refused
from tests.experiment.composing import configured
from tests.experiment.launchers.runs import bits, small

LINES = [
    "model=elman budget.parameters=500",
    "model=jordan train.optimizer=sgd train.momentum=0.9 train.lr=1e-3 seeds=[3,1]",
    "model=custom model.boxes=[h,y] model.arrows=['x->h','h->h@1','h->y'] model.hidden=5",
    "model=narx task=sunspots train.dtype=float64 train.clip_norm=1 init.recurrent=identity:0.5",
    "model=tdnn task=echo diagnostics=on train.optimizer=rprop",
    "model=elman task=text task.path=words.txt",
]


def order(configuration, seed=0, **changed):
    return {**sending.parcel(configuration).order(seed, Path("runs").absolute()), **changed}


def afresh(configuration, seed):
    """Return the configuration as another process would build it."""
    sending._built.cache_clear()
    return sending.received(order(configuration, seed))


@pytest.mark.parametrize("line", LINES)
def test_the_same_configuration_arrives(line, empty):
    (empty / "words.txt").write_text("a relative path, seen from the working folder. " * 100)
    sent = configured(line)
    got = afresh(sent, sent.seeds[0])
    # How the width was found stays where it is.
    assert got is not sent and got == replace(sent, width=None)
    assert got.as_plain() == sent.as_plain() and got.yaml == sent.yaml
    assert got.network.to_dict() == sent.network.to_dict()
    assert [run_key(got, s) for s in got.seeds] == [run_key(sent, s) for s in sent.seeds]


def test_an_order_is_plain(empty):
    """A worker can read it before it has imported anything of rnnbench but the place where orders arrive."""

    class Plain(pickle.Unpickler):
        def find_class(self, module, name):
            raise AssertionError(f"{module}.{name}")

    import io

    Plain(io.BytesIO(pickle.dumps(order(small())))).load()


def test_a_worker_caps_its_threads_before_numpy(empty):
    import subprocess

    code = """
import os, sys
from rnnbench.experiment.launchers import dask_worker, remote, submitit_job
assert not {"numpy", "numba", "hydra", "mlflow"} & set(sys.modules), sorted(sys.modules)
assert os.environ["OMP_NUM_THREADS"] == os.environ["NUMBA_NUM_THREADS"] == "1"
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=remote.environment())


def test_what_a_run_gives_comes_back(empty):
    configuration = small("diagnostics=on")
    executed = execute(configuration, 0, root=empty)
    got = sending.unpacked(sending.packed(executed), configuration)
    assert bits(got) == bits(executed)
    assert got.result.network is configuration.network
    assert got.provenance["numpy"] == np.__version__ and executed.provenance is None
    assert got.result.parameters["y.bias"].flags.writeable


@pytest.fixture
def failing(empty, rnnbench):
    """A task whose data cannot be drawn, as `rnnbench new` writes it otherwise."""
    assert rnnbench("new task parrot")[0] == 0
    path = empty / "rnnbench_plugins" / "parrot.py"
    text = path.read_text().replace(
        "def training(", "def training(self, rng, size):\n        raise Mine('no')\n\n    def other("
    )
    path.write_text(
        text
        + "\n\nclass Mine(Exception):\n    def __init__(self, text):\n        super().__init__(text, 1)\n"
    )
    return path


def test_an_exception_comes_back_with_its_traceback(failing):
    configuration = configured("task=parrot train=smoke")
    content = remote.carry_out(order(configuration))
    with pytest.raises(sending.RunFailed, match="Mine: ") as failed:
        sending.unpacked(content, configuration)
    assert "parrot.py" in str(failed.value.__cause__) and "Mine" in str(failed.value.__cause__)


def test_sizes_that_do_not_fit_are_known_as_such(empty):
    configuration = small("train.batch=1000000000000")
    with pytest.raises(Exception) as failed:
        sending.unpacked(remote.carry_out(order(configuration)), configuration)
    assert is_too_large(failed.value)


def test_another_version(empty):
    configuration = small()
    content = remote.carry_out(order(configuration, versions={"rnnbench": "0.0.1", "numerics": 1}))
    with pytest.raises(Unlike, match=r"the sweep runs|a worker has rnnbench 0\.0\.1 \(numerics 1\)"):
        sending.unpacked(content, configuration)


def test_another_configuration(empty):
    configuration = small()
    content = remote.carry_out(order(configuration, key="0" * 16))
    with pytest.raises(Unlike, match="makes another configuration of it than was sent"):
        sending.unpacked(content, configuration)


def test_fields_that_the_worker_does_not_know(empty):
    configuration = small()
    sent = order(configuration)
    plain = pickle.loads(sent["configuration"])
    plain["train"]["of_tomorrow"] = 1
    with pytest.raises(Unlike, match=r"cannot read the configuration.*of_tomorrow"):
        sending.received({**sent, "configuration": pickle.dumps(plain)})


def test_plugins(empty, rnnbench):
    assert rnnbench("new model leaky")[0] == 0
    path = empty / "rnnbench_plugins" / "leaky.py"
    sent = configured("model=leaky model.hidden=3")
    assert afresh(sent, 0) == sent
    path.write_text(path.read_text() + "\n# edited\n")
    with pytest.raises(Unlike, match="a plugin is not the same file"):
        afresh(sent, 0)
    path.unlink()
    with pytest.raises(Unlike, match=r"a worker has no model leaky: it must see the folder"):
        afresh(sent, 0)


def test_a_plugin_that_cannot_be_sent(empty, rnnbench):
    assert rnnbench("new model leaky")[0] == 0
    configuration = configured("model=leaky")
    configuration.model.hidden = lambda: 3
    with pytest.raises(Refused, match="cannot be sent to another process"):
        sending.parcel(configuration)
