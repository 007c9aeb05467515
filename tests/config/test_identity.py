"""What changes a run's key, and what must not."""

import json
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from rnnbench.config import identity
from rnnbench.config.identity import differing, run_key
from rnnbench.kernels import NUMERICS_VERSION
from tests.config.composing import configured
from tests.config.defaults import RECORDED, current, silent_changes


def key(line="", seed=0):
    return run_key(configured(line), seed)


def test_sixteen_hexadecimal_digits():
    assert len(key()) == 16 and int(key(), 16) >= 0


def test_what_is_hashed():
    configuration = configured("model=elman model.hidden=64 task=adding train.lr=0.01 init.bias=0.5")
    assert identity.identity(configuration, 3) == {
        "model": ["elman", 1, {"hidden": 64}],
        "task": ["adding", 1, {}],
        "train": [1, {}, {"lr": 0.01}, {"bias": 0.5}],
        "seed": 3,
        "numerics": NUMERICS_VERSION,
    }


@pytest.mark.parametrize(
    "line",
    [
        "train.threads=1",
        "tracking.uri=sqlite:///elsewhere.db",
        "study.name=other",
        "seeds=7",
        # written out, but equal to the default
        "model=elman model.hidden=32 task=adding task.length=50",
        "train.optimizer=adam train.lr=0.001 train.beta1=0.9",
        "train.dtype=float32 train.clip_norm=null init.bias=0",
        "train.memory=full",
        "train.carry_state=false",
        "train=default hydra/launcher=basic experiment=null launch.batch=5 tracking.mirror=later",
        "tune.trials=3 tune.seed=1 tune.space={train.lr:null}",
    ],
)
def test_the_same_run(line):
    assert key(line) == key()


@pytest.mark.parametrize(
    "line",
    [
        "model=rnn",
        "model.hidden=33",
        "task=latch",
        "task.length=51",
        "train.updates=999",
        "train.batch=31",
        "train.optimizer=adamw",
        "train.lr=0.002",
        "train.beta2=0.99",
        "train.clip_norm=1",
        "train.clip_value=1",
        "train.reduction=sum",
        "train.evaluate_every=50",
        "train.stop_when_solved=false",
        "train.dtype=float64",
        "train.memory=recompute",
        "task=flipflop train.carry_state=true",
        "init.input=normal",
        "init.recurrent=identity",
        "init.output=uniform",
        "init.bias=0.1",
    ],
)
def test_another_run(line):
    assert key(line) != key()


def test_each_seed_is_a_run():
    configuration = configured()
    assert len({run_key(configuration, s) for s in range(20)}) == 20


def test_a_solved_width_is_the_width():
    solved = configured("model=rnn budget.parameters=1000")
    assert run_key(solved, 0) == key(f"model=rnn model.hidden={solved.model.hidden}")
    solved = configured("model=rnn budget.macs=1000")
    assert run_key(solved, 0) == key(f"model=rnn model.hidden={solved.model.hidden}")


def test_versions_are_part_of_the_key(monkeypatch):
    before = key()
    monkeypatch.setattr(identity, "NUMERICS_VERSION", NUMERICS_VERSION + 1)
    assert key() != before
    monkeypatch.undo()
    from rnnbench.models.elman import Elman

    monkeypatch.setattr(Elman, "VERSION", Elman.VERSION + 1)
    assert key() != before


def test_a_new_field_with_a_default_changes_no_key():
    @dataclass
    class Before:
        VERSION: ClassVar[int] = 1
        a: int = 1

    @dataclass
    class After(Before):
        b: list = field(default_factory=lambda: [1, 2])

    assert differing(Before(3)) == differing(After(3)) == {"a": 3}
    assert differing(After(3, [1])) == {"a": 3, "b": [1]}


def test_no_default_changed_without_its_version():
    recorded = json.loads(RECORDED.read_text())
    assert silent_changes(recorded, current()) == []
    assert recorded == current(), "new fields or versions: run python -m tests.config.defaults"


def test_the_guard_sees_a_changed_default():
    before = current()
    after = json.loads(json.dumps(before))
    after["model.elman"]["defaults"]["hidden"] = 33
    after["train"]["defaults"].pop("batch")
    assert len(silent_changes(before, after)) == 2
    after["model.elman"]["version"] = after["train"]["version"] = 2
    after["model.rnn"]["defaults"]["new"] = 1
    assert silent_changes(before, after) == []
