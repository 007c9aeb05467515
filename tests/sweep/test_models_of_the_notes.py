"""The models of the lecture notes through the command line: lists, networks in YAML, a file, the switches."""

import json

import pytest

from rnnbench.models.rnn import RNN
from rnnbench.models.sizes import SPANS
from rnnbench.store import Store
from rnnbench.sweep.trained import stored_network
from tests.config.composing import configured
from tests.sweep.stored import records

TINY = "train=smoke train.updates=2 task.length=8 task.validation_size=16 task.test_size=16"
ADDING = f"task=adding {TINY}"


def network(study="default"):
    (record,) = records(study)
    return stored_network(Store().study(study), record["key"])[0]


def test_a_network_on_the_command_line(folder, rnnbench):
    boxes = "model.boxes=[h,{name:m,size:2,activation:linear}]"
    arrows = 'model.arrows=["x->h","h->m@1",{source:m,target:m,lag:1,weight:0.5},"m->h","h->y"]'
    code, _, err = rnnbench(f"run model=custom {boxes} {arrows} {ADDING} model.hidden=3")
    assert (code, err) == (0, "")
    net = network()
    assert [box.size for box in net.boxes] == [3, 2, 1]
    assert {arrow.name for arrow in net.arrows} == {"x->h", "h->m@1", "m->m@1", "m->h", "h->y"}


def test_a_network_in_a_study_file(folder, rnnbench):
    (folder / "experiments").mkdir()
    (folder / "experiments" / "mine.yaml").write_text(
        """\
defaults:
  - override /model: custom
model:
  boxes: [h, {name: m, size: 2, activation: linear, bias: false}]
  arrows: [x->h, h->m@1, {source: m, target: m, lag: 1, weight: 0.5}, m->h, h->y]
task: {length: 8, validation_size: 16, test_size: 16}
train: {updates: 2}
"""
    )
    code, _, err = rnnbench("run experiment=mine model.hidden=3")
    assert (code, err) == (0, "")
    assert len(network("mine").arrows) == 5


def test_a_network_from_a_file_is_known_by_what_the_file_holds(folder, rnnbench):
    described = RNN(hidden=3, layers=2).build(2, 1)
    for name in ("one.json", "two.json"):
        (folder / name).write_text(json.dumps(described.to_dict()))
        code, _, err = rnnbench(f"run model=custom model.file={name} {ADDING}")
        # The second file holds the same network: its run is done.
        assert (code, "1 done" in err) == (0, name == "two.json")
    assert network() == described
    (folder / "one.json").write_text(json.dumps(RNN(hidden=4).build(2, 1).to_dict()))
    rnnbench(f"run model=custom model.file=one.json {ADDING}")
    assert len(records()) == 2


@pytest.mark.parametrize("model", ["elman", "jordan", "rnn", "memory", "narx"])
def test_one_switch_for_the_gradient(model):
    for value, cut in (("blocked", 1), ("full", 0), ("5", 5)):
        net = configured(f"model={model} model.gradient={value} {ADDING}").network
        assert {arrow.cut_every for arrow in net.arrows if arrow.lag > 0} == {cut}


def test_a_list_of_widths_and_a_budget():
    configuration = configured(f"model=rnn model.hidden=[32,16,8] budget.parameters=2000 {ADDING}")
    assert len(configuration.model.hidden) == 3
    assert configuration.network.n_parameters == pytest.approx(2000, rel=0.03)


def test_open_then_closed_reaches_the_training(folder, rnnbench):
    line = "model=narx task=sunspots model.input_taps=2 train=smoke train.updates=2"
    assert configured(f"{line} model.loop=100").fit_keywords["loop"] == 100
    code, _, err = rnnbench(f"run {line} model.loop=100")
    assert (code, err) == (0, "")
    (record,) = records()
    scores = record["scores"]
    assert {"test_score", "open_loop_score", "five_step_score", "free_running_score"} <= set(scores)


def test_lists(rnnbench):
    code, out, _ = rnnbench("list models")
    lines = [line for line in out.splitlines() if not line.startswith(" ")]
    names = ["brnn", "custom", "elman", "jordan", "memory", "mlp", "narx", "rnn", "tdnn"]
    assert code == 0
    assert [line.partition(":")[0] for line in lines if line.partition(":")[0] in names] == names
    code, out, err = rnnbench("list sizes")
    assert (code, err) == (0, "")
    rows = [line.split() for line in out.splitlines() if line.split() and line.split()[0].isdecimal()]
    sizes = {name: [int(row[2]) for row in rows if row[1] == name] for name in ("tdnn", "narx", "rnn")}
    assert [int(row[0]) for row in rows if row[1] == "rnn"] == list(SPANS)
    assert all(sizes[name] == sorted(set(sizes[name])) for name in ("tdnn", "narx"))
    assert len(set(sizes["rnn"])) == 1
    assert max(map(len, out.splitlines())) <= 110
