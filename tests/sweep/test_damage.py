"""Checkpoints, records and indexes that are damaged: one plain line each, and no other run is harmed."""

import pytest

from rnnbench.store import Store
from rnnbench.sweep.command import Command
from rnnbench.sweep.interruption import Interrupted
from rnnbench.sweep.run import train_run
from tests.config.composing import configured
from tests.sweep.stored import TINY, bits, left_over, records

SWEEP = f"model=elman task=adding {TINY} train.updates=400 train.evaluate_every=50 train.threads=1"
DAMAGES = {
    "empty": lambda content, other: b"",
    "cut": lambda content, other: content[: len(content) // 2],
    "cut by a byte": lambda content, other: content[:-1],
    "one bit": lambda content, other: content[:1000] + bytes([content[1000] ^ 1]) + content[1001:],
    "text": lambda content, other: b"no checkpoint\n" * 100,
    "of another run": lambda content, other: other,
}


def begin(configuration, seed, root):
    """Train a run up to its fourth block."""
    left = iter(range(4))

    def may_go_on():
        if next(left, None) is None:
            raise Interrupted

    with pytest.raises(Interrupted):
        train_run(configuration, seed, Command(root), may_go_on)


def test_damaged_checkpoints(empty, rnnbench):
    assert rnnbench(f"run {SWEEP} seeds=7 study.name=whole")[0] == 0
    configuration = configured(f"{SWEEP} seeds=7")
    for seed in range(7):
        begin(configuration, seed, empty / "runs")
    layout = Store().study("default").layout
    paths = [layout.checkpoint(record["key"]) for record in records("whole")]
    contents = [path.read_bytes() for path in paths]
    for path, content, damage in zip(paths, contents, DAMAGES.values(), strict=False):
        path.write_bytes(damage(content, contents[-1]))
    code, out, err = rnnbench(f"run {SWEEP} seeds=7")
    assert code == 0 and len(out.splitlines()) == 1
    first, *told = err.splitlines()
    assert first == "default: 0 done, 7 to run (7 from their checkpoints)"
    for line, path in zip(told, paths, strict=False):
        assert line.startswith(f"rnnbench: checkpoint {path}: ")
        assert line.endswith(f"; moved to {path.name}.damaged, training starts from the beginning")
    assert ["is damaged" in line for line in told] == [True] * 5 + [False]
    assert "belongs to another run" in told[5] and len(told) == 6
    assert bits() == bits("whole")
    assert [record["resumed"] for record in records()] == [0] * 6 + [1]
    assert sorted(left_over()) == sorted(path.with_name(f"{path.name}.damaged") for path in paths[:6])


def test_a_damaged_record_is_named_and_its_run_is_trained_again(empty, rnnbench):
    line = f"run {SWEEP} seeds=2"
    assert rnnbench(line)[0] == 0
    before, study = bits(), Store().study("default")
    key = records()[0]["key"]
    record = study.folder(key) / "record.json"
    record.write_bytes(record.read_bytes()[:100])
    code, _, err = rnnbench(line)
    said = [text for text in err.splitlines() if "record.json" in text]
    assert code == 0 and "1 done, 1 to run" in err and len(said) == 1 and f"default/{key}" in said[0]
    assert bits() == before and [path.name for path in study.layout.removed.iterdir()] == [f"{key}.1"]


@pytest.mark.parametrize("content", [b"", b"no index", b"{}", None])
def test_the_index_is_made_anew(empty, rnnbench, content):
    line = f"run model=elman task=adding {TINY} seeds=25"
    assert rnnbench(line)[0] == rnnbench(line)[0] == 0
    index = Store().study("default").layout.index
    assert index.is_file()
    index.unlink() if content is None else index.write_bytes(content)
    code, _, err = rnnbench(line)
    assert (code, err) == (0, "default: 25 done, 0 to run; resume=off runs them again\n")
