"""Configurations composed from a cached set of choices are those that Hydra composes each time anew."""

import re
import sys

import pytest
from omegaconf import OmegaConf

from rnnbench.base.refusals import Refused
from rnnbench.config import composition, groups
from rnnbench.config.composition import composing
from rnnbench.sweep import bars
from tests.config.composing import planned

STUDY = """\
defaults: [override /train: smoke, override /model: rnn]
init: {bias: 0.5}
train: {evaluate_every: '${train.updates}'}
study: {question: why}
"""
LINES = (
    *("", "model=rnn", "model=jordan task=xor train=smoke", "model=rnn model.hidden=5 train.updates=7"),
    *("init={bias: 1}", "train={updates: 3, lr: 0.1} train.batch=4", "model={hidden: 3}", "init.bias=2"),
    *("seeds=[1,2] evaluate.spans=[10,20]", "tune.space={train.lr: [log, 1e-3, 1e-1]}", "budget.macs=500"),
    *("train.evaluate_every=${train.updates}", "init=${model}", "study.question=${hydra.job.name}"),
    *("study.question=${hydra:job.name}", "study.expected=${..}", "study.name='a'", "model.hidden=null"),
    *("hydra/launcher=dask", "hydra/launcher=dask hydra.launcher.workers=2", "hydra.launcher.workers=2"),
    *("experiment=mine", "experiment=mine model=elman", "experiment=mine train.updates=9 init.bias=1"),
    *("experiment=mine init.bias=x", "tracking=server", "tracking.uri=x tracking=server", "seeds=???"),
    *("model.hidden=abc", "model.hiden=3", "nosuch=1", "init.bias.x=1", "init=5", "train=null", "model.=1"),
    *("model/hidden=1", "/model=rnn", "model=elman model=rnn", "task.length={a: 1}", "diagnostics=3"),
)


@pytest.fixture
def hydra(empty):
    (empty / "experiments").mkdir()
    (empty / "experiments" / "mine.yaml").write_text(STUDY)
    with composing():
        groups.register_study("mine")
        yield


def composed(line):
    """What a line stands for in plain data with the types of its parts, or what is wrong with it."""
    try:
        found = composition.compose_one([text for text in line.split(" ") if text])
    except Refused as refused:
        return str(refused)
    kinds = {key: OmegaConf.get_type(found.config, key) for key in found.config}
    return OmegaConf.to_container(found.config), kinds, found.choices, found.launcher


@pytest.mark.parametrize("line", [line.replace(", ", ",").replace(": ", ":") for line in LINES])
def test_as_hydra_composes(line, hydra, monkeypatch):
    # Twice: the second time from the cache.
    found = composed(line), composed(line)
    monkeypatch.setattr(composition, "_VALUE", re.compile("(?!)"))
    assert found == (composed(line),) * 2


def test_a_value_does_not_reach_the_next_configuration(hydra):
    plain = composed("model=rnn")
    for line in ("model=rnn model.hidden=99", "model=rnn evaluate.spans=[1]", "model=rnn init={bias:3}"):
        assert composed(line) != plain
    assert composed("model=rnn") == plain
    config = composition.compose_one(["model=rnn"]).config
    config.model.hidden = 98
    assert composed("model=rnn") == plain


def test_hydra_composes_once_for_each_set_of_choices(empty, monkeypatch):
    composition._composed.cache_clear()
    seen, compose = [], composition.compose
    monkeypatch.setattr(
        composition,
        "compose",
        lambda *a, overrides, **k: seen.append(overrides) or compose(*a, overrides=overrides, **k),
    )
    plan = planned("model=elman,rnn task.length=10,20,30 train.lr=0.1,0.2")
    assert len(plan.configurations) == 12
    assert seen == [["model=elman"], ["model=rnn"]]


def test_a_study_that_is_edited_is_read_anew(hydra, empty):
    before = composed("experiment=mine")
    path = empty / "experiments" / "mine.yaml"
    path.write_text(STUDY.replace("0.5", "1.0"))
    groups.register_study("mine")
    after = composed("experiment=mine")
    assert (before[0]["init"]["bias"], after[0]["init"]["bias"]) == (0.5, 1.0)


def test_a_plugin_that_is_edited_is_read_anew(empty, rnnbench):
    assert rnnbench("new model leaky")[0] == 0
    assert "keep: 0.9\n" in rnnbench("run --cfg job model=leaky")[1]
    path = empty / "rnnbench_plugins" / "leaky.py"
    path.write_text(path.read_text().replace("keep: float = 0.9", "keep: float = 0.8"))
    assert "keep: 0.8\n" in rnnbench("run --cfg job model=leaky")[1]


def test_what_takes_long_is_said_once(empty, monkeypatch, capsys):
    monkeypatch.setattr(bars, "PATIENCE", 0.0)
    planned("model=elman,rnn task.length=range(10,21)")
    assert capsys.readouterr().err == "checking 22 configurations\n"
    planned("model=elman,rnn task.length=range(10,20)")
    assert capsys.readouterr().err == ""


def test_what_does_not_take_long_is_not_said(empty, monkeypatch, capsys):
    monkeypatch.setattr(bars, "PATIENCE", 1e6)
    planned("model=elman,rnn task.length=range(10,21)")
    assert capsys.readouterr().err == ""


class Bars:
    def __init__(self):
        self.said = []

    def __getattr__(self, name):
        return lambda *given, **named: self.said.append((name, *named.values()))


def test_a_bar_on_a_terminal_is_cleared(empty, monkeypatch, capsys):
    drawn = Bars()
    monkeypatch.setattr(bars, "PATIENCE", 0.0)
    monkeypatch.setattr(bars, "_rich_bars", lambda: drawn)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with pytest.raises(Refused, match=r"task.length=1: must be a whole number of at least 2"):
        planned("task.length=range(24,-1,-1)")
    assert capsys.readouterr().err == ""
    assert [name for name, *_ in drawn.said[:2]] == ["add_task", "start"] and drawn.said[-1] == ("stop",)
    assert ("update", 3, "3 of 25") in drawn.said


def test_a_study_that_hydra_refuses_is_refused_each_time(hydra, empty, monkeypatch):
    def refused(*arguments, **options):
        raise ValueError("no")

    monkeypatch.setattr(groups.ConfigStore, "store", refused)
    path = empty / "experiments" / "mine.yaml"
    path.write_text("seeds: 2")
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            groups.register_study("mine")
