"""The same bits for any number of threads, resumed or not."""

import pytest

from rnnbench.cli import main
from tests.sweep.stored import bits, left_over

SWEEP = (
    "run -m model=elman,narx model.hidden=6 task=scripted task.length=12 task.validation_size=32 "
    "task.test_size=32 seeds=2 train.updates=400 train.evaluate_every=50 train.stop_when_solved=false"
)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The runs of one thread, undisturbed; every test of this module has the same plugin file."""
    import shutil
    from pathlib import Path

    with pytest.MonkeyPatch.context() as patched:
        place = tmp_path_factory.mktemp("reference")
        patched.chdir(place)
        (place / "rnnbench_plugins").mkdir()
        shutil.copy(Path(__file__).with_name("scripted.py"), place / "rnnbench_plugins")
        assert main(f"{SWEEP} train.threads=1".split()) == 0
        runs = bits()
    assert len(runs) == 4
    return runs


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_undisturbed(folder, rnnbench, reference, threads):
    code, _, err = rnnbench(f"{SWEEP} train.threads={threads}")
    assert code == 0, err
    assert bits() == reference


# The signal may cut an import of a library short, whose open file is then noticed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("threads", [1, 2])
def test_interrupted_twice(folder, rnnbench, reference, threads):
    for at in (130, 420):
        (folder / "interrupt").write_text(str(at))
        code, _, err = rnnbench(f"{SWEEP} train.threads={threads}")
        assert code == 130 and err.endswith("rnnbench: interrupted\n") and "Traceback" not in err
        assert list((folder / "runs/default/.work").glob("*.checkpoint.npz"))
        assert not list((folder / "runs/default/.work").glob("*.claim"))
    code, _, err = rnnbench(f"{SWEEP} train.threads={threads}")
    assert code == 0 and "from " in err
    assert bits() == reference and not left_over()
