"""A configuration that is sent to a worker or stored is the same configuration there."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from rnnbench import models, tasks
from rnnbench.base.refusals import Refused
from rnnbench.config.construction import from_plain, restore
from rnnbench.config.identity import run_key
from tests.config.composing import configured

LINES = (
    *(f"model={name}" for name in models.found()),
    *(f"task={name}" for name in tasks.found() if name not in ("csv", "text")),
    "model=narx model.input_taps=[0,2] model.output_taps=[1,3] task=sunspots model.loop=open",
    "model=tdnn model.windows=[2,4] train.optimizer=sgd train.momentum=0.9 init.input=normal:0.1",
    "model=rnn budget.parameters=700 diagnostics=true evaluate.spans=[20,80] seeds=[3,5] resume=false",
    "train.lr=0.1 train.seconds=2.5 launch.batch=3 tracking.mirror=later tracking.uri=sqlite:///x.db",
    "hydra/launcher=dask hydra.launcher.workers=2 study.question=why study.name=other",
    "tune.trials=3 tune.space={train.lr:[log,1e-3,1e-1]}",
)


def sent(configuration):
    return from_plain(json.loads(json.dumps(configuration.as_plain())))


@pytest.mark.parametrize("line", LINES)
def test_a_message_is_the_configuration(line):
    before = replace(configured(line), given=frozenset())
    after = sent(before)
    assert after == before
    assert [run_key(after, seed) for seed in after.seeds] == [run_key(before, seed) for seed in before.seeds]
    assert after.yaml == before.yaml


def test_what_tuning_adds_is_sent_too():
    before = replace(
        configured(), trial=True, tuning={"trials": 4, "chosen": {"train.lr": 0.1}}, given=frozenset()
    )
    assert sent(before) == before


@pytest.mark.parametrize("line", LINES)
def test_what_is_stored_gives_the_same_run(line):
    before = configured(line)
    after = restore(f"{before.yaml}seeds:\n- 4\n", 4, "elsewhere")
    assert (after.seeds, after.study) == ((4,), "elsewhere")
    assert run_key(after, 4) == run_key(before, 4)
    assert (after.diagnostics, after.spans, after.budget) == (before.diagnostics, before.spans, before.budget)


def test_nothing_of_hydra_is_needed():
    code = """
import json, sys
from rnnbench.config.construction import from_plain
from hydra.core.global_hydra import GlobalHydra
from rnnbench.config.identity import run_key
found = from_plain(json.load(sys.stdin))
assert not GlobalHydra.instance().is_initialized()
print(run_key(found, 1))
"""
    before = configured("model=rnn train.lr=0.01")
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(before.as_plain()), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == run_key(before, 1)


def test_a_model_that_is_gone():
    text = configured().yaml
    with pytest.raises(Refused, match="model=elmann: unknown model"):
        restore(text.replace("name: elman", "name: elmann"), 0, "demo")
    with pytest.raises(Refused, match=r"model.width: elman no longer has this field"):
        restore(text.replace("  hidden:", "  width: 3\n  hidden:"), 0, "demo")
