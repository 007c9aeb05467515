"""Same bits for any number of threads, any launcher, resumed or not."""

import io
import signal
import threading
from itertools import product

import numpy as np
import pytest

from rnnbench.experiment.progress import Progress
from rnnbench.tracking import Store

SWEEP = (
    "run -m model=elman,narx model.hidden=6 task=adding task.length=12 task.validation_size=32 "
    "task.test_size=32 seeds=2 train.updates=400 train.evaluate_every=50 train.stop_when_solved=false"
)
LAUNCHERS = {
    "threads_1": "train.threads=1",
    "threads_2": "train.threads=2",
    "threads_4": "train.threads=4",
    "dask_1": "hydra/launcher=dask hydra.launcher.workers=1",
    "dask_2": "hydra/launcher=dask hydra.launcher.workers=2",
}
TIMES = ("seconds", "compiled_seconds")


def found(study):
    """Everything of a study's runs that must not differ: scores, history, and every bit of the weights."""
    store, runs = Store(), {}
    for record in store.runs(study):
        with np.load(io.BytesIO(store.read_file(record, "weights.npz")), allow_pickle=False) as file:
            weights = {name: file[name].tobytes() for name in file.files}
        history = [{k: v for k, v in entry.items() if k not in TIMES} for entry in record["history"]]
        runs[record["key"]] = (record["outcome"], record["updates"], record["scores"], history, weights)
    return runs


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The runs of one thread, undisturbed."""
    from rnnbench.cli import main

    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(tmp_path_factory.mktemp("reference"))
        assert main(f"{SWEEP} train.threads=1".split()) == 0
        runs = found("default")
    assert len(runs) == 4
    return runs


def interrupt(monkeypatch, at):
    """Let Ctrl-C come at the `at`-th record of a command."""
    show, seen = Progress.show, []

    def interrupted(self, number, seed, record):
        show(self, number, seed, record)
        seen.append(record)
        if len(seen) == at:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    monkeypatch.setattr(Progress, "show", interrupted)


# The signal may cut an import of a library short, whose open file is then noticed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("launcher", "resumed"), list(product(LAUNCHERS, [False, True])))
def test_the_bits_are_the_same(folder, rnnbench, monkeypatch, reference, launcher, resumed):
    if "dask" in launcher:
        pytest.importorskip("distributed")
    line = f"{SWEEP} {LAUNCHERS[launcher]}"
    if resumed:
        for at in (3, 5):
            with monkeypatch.context() as patched:
                interrupt(patched, at)
                code, _, err = rnnbench(line)
            # Launchers far away report only now and then: the sweep may be over before.
            assert code == 130 or "dask" in launcher, err
    code, _, err = rnnbench(line)
    assert code == 0, err
    assert found("default") == reference
