"""Checkpoints and databases that are damaged: one plain line each, and no other run is harmed."""

import io
import shutil

import numpy as np
import pytest

from rnnbench.cli import main
from rnnbench.experiment.execution import checkpoint_path, execute
from rnnbench.experiment.identity import run_key
from rnnbench.tracking import Store
from rnnbench.training.seeds import Interrupted
from tests.experiment.composing import configured
from tests.faults.sweeping import Folder

SWEEP = (
    "model=elman model.hidden=6 task=adding task.length=12 task.validation_size=32 task.test_size=32 "
    "train.updates=400 train.evaluate_every=50 train.stop_when_solved=false train.threads=1"
)
DAMAGES = {
    "empty": lambda content, other: b"",
    "cut": lambda content, other: content[: len(content) // 2],
    "cut by a byte": lambda content, other: content[:-1],
    "one bit": lambda content, other: content[:1000] + bytes([content[1000] ^ 1]) + content[1001:],
    "text": lambda content, other: b"no checkpoint\n" * 100,
    "of another run": lambda content, other: other,
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def rnnbench(capfd):
    def run(line):
        capfd.readouterr()
        code = main(line.split())
        return code, *capfd.readouterr()

    return run


def weights(study, root="runs"):
    """Every bit of the weights of a study, by seed, and how many times each was resumed."""
    store, found = Store(root=root), {}
    for record in store.runs(study):
        with np.load(io.BytesIO(store.read_file(record, "weights.npz")), allow_pickle=False) as file:
            found[record["seed"]] = {name: file[name].tobytes() for name in file.files}
    return found, {record["seed"]: record["resumed"] for record in store.runs(study)}


def remove_database(folder):
    for part in (folder / "runs").glob("mlflow.db*"):
        part.unlink()


def moved(folder):
    """The store at another place: for this process MLflow keeps its connection to the old file."""
    return shutil.move(folder / "runs", folder / "moved")


def begin(line, seed, root):
    """Train a run up to its fourth block; returns its checkpoint."""
    configuration, left = configured(line), iter(range(4))

    def may_go_on():
        if next(left, None) is None:
            raise Interrupted("stopped")

    with pytest.raises(Interrupted):
        execute(configuration, seed, root=root, may_go_on=may_go_on)
    return checkpoint_path(root, configuration.study, run_key(configuration, seed))


def test_damaged_checkpoints(folder, rnnbench):
    line = f"{SWEEP} seeds=7"
    assert rnnbench(f"run {line} study.name=whole")[0] == 0
    paths = [begin(line, seed, folder / "runs") for seed in range(7)]
    contents = [path.read_bytes() for path in paths]
    for path, content, damage in zip(paths, contents, DAMAGES.values(), strict=False):
        path.write_bytes(damage(content, contents[-1]))
    code, out, err = rnnbench(f"run {line}")
    assert code == 0 and len(out.splitlines()) == 1
    first, *told = err.splitlines()
    assert first == "default: 0 done, 7 to run (7 from their checkpoints)"
    for line, path in zip(told, paths, strict=False):
        assert line.startswith(f"rnnbench: checkpoint {path}: ")
        assert line.endswith(f"; moved to {path.name}.damaged, training starts from the beginning")
    assert ["is damaged" in line for line in told] == [True] * 5 + [False]
    assert "belongs to another run" in told[5] and len(told) == 6
    found, resumed = weights("default")
    assert found == weights("whole")[0]
    assert resumed == dict.fromkeys(range(6), 0) | {6: 1}
    left = [path.name for path in (folder / "runs" / "checkpoints").rglob("*") if path.is_file()]
    assert sorted(left) == sorted(f"{path.name}.damaged" for path in paths[:6])


COMMANDS = (f"run {SWEEP}", f"run --dry-run {SWEEP}", "report default", "runs", "runs default")


def test_a_damaged_database(folder, rnnbench):
    assert rnnbench(f"run {SWEEP} seeds=2")[0] == 0
    before = weights("default")
    database = folder / "runs" / "mlflow.db"
    shutil.copytree(folder / "runs", folder / "copy")
    content = database.read_bytes()
    damages = {
        "empty": b"",
        "cut": content[: len(content) // 3],
        "text": b"this is no database\n" * 5000,
        "zeros": content[:8192] + bytes(300_000) + content[308_192:],
    }
    for damaged in damages.values():
        remove_database(folder)
        database.write_bytes(damaged)
        for command in COMMANDS:
            code, out, err = rnnbench(command)
            assert (code, out, len(err.splitlines())) == (1, "", 1), (command, out, err)
            assert err.startswith("rnnbench: ") and f"the store {database} cannot be opened: " in err
        assert database.read_bytes() == damaged
    # With what was saved of it, all is there.
    remove_database(folder)
    for part in (folder / "copy").glob("mlflow.db*"):
        shutil.copy(part, database.parent)
    code, _, err = Folder(folder).run(f"run {SWEEP} seeds=2")
    assert code == 0 and "2 done, 0 to run" in err
    assert weights("default", moved(folder)) == before


def test_a_database_that_is_gone_is_made_anew(folder, rnnbench):
    assert rnnbench(f"run {SWEEP} seeds=2")[0] == 0
    before = weights("default")
    remove_database(folder)
    code, _, err = Folder(folder).run(f"run {SWEEP} seeds=2")
    assert code == 0, err
    root = moved(folder)
    assert weights("default", root) == before
    aside = list((root / "artifacts" / "default" / "retired").iterdir())
    assert len(aside) == 2, "what no database knows of is not thrown away"
