"""kill -9 at random moments: what is left goes on, and the results are those of an undisturbed sweep."""

import random
import time

import pytest

from rnnbench.store import Store
from tests.faults.sweeping import LONG, STUDY, assert_undisturbed, ended, until

pytestmark = pytest.mark.faults
KILLS = 8
#: Prints how many runs MLflow has of the study, and their states.
COUNT = f"""
import mlflow, sys
mlflow.set_tracking_uri("sqlite:///" + sys.argv[1])
runs = mlflow.search_runs(experiment_names=["{STUDY}"])
print(len(runs), *set(runs.status))
"""
TINY = (
    f"run model=elman task=adding task.length=8 task.validation_size=16 task.test_size=16 study.name={STUDY} "
    "model.hidden=4 train.updates=50 train.evaluate_every=25"
)
#: Dies behind the n-th renaming of a folder.
DYING = """
import os, signal, sys
left, rename = int(sys.argv.pop(1)), os.rename

def dying(*names):
    global left
    rename(*names)
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

os.rename = dying
from rnnbench.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_process_that_is_killed_again_and_again(folder, long):
    """From the start of Python to the midst of training, of storing, and of writing to MLflow."""
    rng = random.Random(0)
    for _ in range(KILLS):
        began, process = time.time(), folder.start(LONG, mirror="tracking.mirror=auto")
        if rng.random() < 0.75:
            assert until(lambda p=process, b=began: p.poll() is not None or folder.trained_since(b))
            time.sleep(rng.uniform(0.0, 0.5))
        else:
            time.sleep(rng.uniform(0.0, 2.0))
        assert process.poll() is None, ended(process)
        folder.kill(process)
    code, _, err = folder.run(LONG, mirror="tracking.mirror=auto")
    assert code == 0 and "Traceback" not in err, err
    assert_undisturbed(folder, long)
    _, out, err = folder.run("", python=("-c", COUNT, str(folder.runs / "mlflow.db")))
    assert out.split() == ["12", "FINISHED"], out + err


def test_a_kill_between_the_steps_of_replacing_a_run(folder):
    assert folder.run(TINY)[0] == 0
    (before,) = folder.outcome()[1].values()
    (key,) = folder.study.keys()
    trained = {folder.study.summary(key).run}
    for step in (1, 2, 3):
        code, _, _ = folder.run(f"{step} {TINY} resume=off", python=("-c", DYING))
        assert code == -9
        # At once, from outside, there is one whole run: the new one.
        summary = Store(folder.runs).study(STUDY).summary(key)
        assert summary.run not in trained and folder.outcome()[1] == {key: before}
        trained.add(summary.run)
        code, _, err = folder.run(TINY)
        assert code == 0 and "1 done, 0 to run" in err
        assert folder.study.summary(key).run == summary.run
        assert {path.name for path in folder.study.layout.folder.iterdir()} == {
            key, ".work", ".removed", "study.json"
        }  # fmt: skip
        assert not list(folder.study.layout.work.iterdir())
    assert len(list(folder.study.layout.removed.iterdir())) == 3
