"""Options and studies of a user's own: folders, inheritance, subfolders, sweeps in Hydra's notation."""

import pytest

from rnnbench.config.composition import composing
from rnnbench.config.identity import run_key
from rnnbench.sweep.plan import read_plans
from tests.config.composing import configured, planned


@pytest.fixture
def write(empty):
    def write(name, text):
        path = empty / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return write


def plans(line, sweeping=False, config_dir=None):
    with composing(line.split(), config_dir) as overrides:
        return read_plans(overrides, sweeping)


def lengths(plan):
    return [c.task.length for c in plan.configurations]


def test_an_option_in_the_users_conf(write):
    write("conf/train/mine.yaml", "lr: 0.5\nupdates: 7\n")
    found = configured("train=mine train.updates=8")
    assert (found.optimizer.lr, found.train.updates) == (0.5, 8)


def test_the_first_folder_wins(write):
    write("conf/train/mine.yaml", "updates: 1\n")
    write("given/train/mine.yaml", "updates: 2\n")
    write("searched/train/mine.yaml", "updates: 3\n")
    write("searched/train/other.yaml", "updates: 4\n")

    def updates(line, config_dir=None):
        (plan,) = plans(line, config_dir=config_dir)
        return plan.configurations[0].train.updates

    assert updates("train=mine", "given") == 2
    assert updates("train=mine") == 1
    assert updates("train=mine hydra.searchpath=[searched]") == 1
    assert updates("train=other hydra.searchpath=[file://searched]") == 4
    # A file of the user's before that of the package.
    write("conf/train/smoke.yaml", "updates: 5\n")
    assert updates("train=smoke") == 5


def test_options_of_a_model_and_of_a_task(write):
    write("conf/model/small.yaml", "defaults: [elman, _self_]\nhidden: 7\n")
    write("conf/task/long/one.yaml", "defaults: [/task/adding@_here_, _self_]\nlength: 80\n")
    found = configured("model=small task=long/one")
    assert (found.model_name, found.model.hidden, found.task_name, found.task.length) == (
        "elman",
        7,
        "adding",
        80,
    )
    assert configured("model=small model.hidden=3").model.hidden == 3
    plan = planned("model=small,rnn task.length=10")
    assert plan.names == ["elman · adding T=10", "rnn · adding T=10"]
    assert run_key(configured("model=small"), 0) == run_key(configured("model=elman model.hidden=7"), 0)


def test_own_defaults_of_a_model(write, capsys):
    write("conf/model/elman.yaml", "hidden: 9\n")
    assert configured("model=elman").model.hidden == 9
    assert capsys.readouterr().err == ""


def test_an_option_that_names_no_model(write, rnnbench):
    write("conf/model/nothing.yaml", "hidden: 7\n")
    code, _, err = rnnbench("run model=nothing")
    assert code == 1
    assert "model=nothing: names no model; its file must begin with defaults: [NAME, _self_]" in err


def test_a_primary_configuration_of_another_program_is_left_alone(write):
    write("conf/config.yaml", "defaults: [db: mysql]\n")
    assert configured("model=rnn").model_name == "rnn"


def test_own_primary_configuration(write, empty):
    from rnnbench.config import folders

    write(
        "conf/rnnbench.yaml",
        (folders.conf() / "rnnbench.yaml").read_text().replace("model: elman", "model: rnn"),
    )
    assert configured().model_name == "rnn"


def test_studies_inherit_and_lie_in_subfolders(write):
    write("experiments/plain.yaml", "seeds: 2\nsweep: {task.length: [10, 20]}\n")
    write("experiments/child.yaml", "defaults: [plain, _self_]\nmodel: {hidden: 5}\nseeds: 3\n")
    write(
        "experiments/papers/elman.yaml", "defaults: [/experiment/child, _self_]\nsweep: {task.length: 30}\n"
    )
    (child,), (paper,) = plans("experiment=child"), plans("experiment=papers/elman")
    assert lengths(child) == [10, 20] and {c.model.hidden for c in child.configurations} == {5}
    assert child.configurations[0].seeds == (0, 1, 2) and child.configurations[0].study == "child"
    assert lengths(paper) == [30] and paper.configurations[0].study == "papers-elman"


def test_studies_of_conf_folders(write):
    write("conf/experiment/own.yaml", "# @package _global_\nsweep: {task.length: [10, 20]}\n")
    write("given/experiment/given.yaml", "# @package _global_\nseeds: 4\nsweep: {task.length: 30}\n")
    (mine,) = plans("experiment=own")
    (other,) = plans("experiment=given", config_dir="given")
    assert lengths(mine) == [10, 20] and mine.configurations[0].study == "own"
    assert lengths(other) == [30] and len(other.configurations[0].seeds) == 4


def test_two_studies_in_one_command(write):
    write("experiments/a.yaml", "sweep: {task.length: [10, 20]}\n")
    write("experiments/b.yaml", "seeds: 2\n")
    a, b = plans("experiment=a,b model=elman,rnn", sweeping=True)
    assert [c.study for c in a.configurations] == ["a"] * 4 and lengths(a) == [10, 10, 20, 20]
    assert [(c.study, c.model_name) for c in b.configurations] == [("b", "elman"), ("b", "rnn")]


def test_a_sweep_as_hydra_writes_it(write):
    write(
        "experiments/mine.yaml",
        "hydra:\n  mode: MULTIRUN\n  sweeper: {params: {task.length: '10,20', model: 'choice(elman,rnn)'}}\n",
    )
    (plan,) = plans("experiment=mine train.lr=0.1,0.2")
    assert len(plan.configurations) == 8
    assert {(c.task.length, c.model_name, c.optimizer.lr) for c in plan.configurations} == {
        (length, model, lr) for length in (10, 20) for model in ("elman", "rnn") for lr in (0.1, 0.2)
    }


def test_arrows_in_a_grid(write):
    write(
        "experiments/mine.yaml",
        "defaults: [override /model: custom]\nmodel: {boxes: [h]}\n"
        'sweep: {model.arrows: [["x->h", "h->y"], ["x->h", "h->h@1", "h->y"]]}\n',
    )
    (plan,) = plans("experiment=mine")
    assert [[a.name for a in c.network.arrows] for c in plan.configurations] == [
        ["x->h", "h->y"],
        ["x->h", "h->h@1", "h->y"],
    ]


def test_several_keys_of_a_group_at_once():
    found = configured("train={lr:0.1,updates:50} model=rnn model={hidden:3} task={length:20}")
    assert (found.optimizer.lr, found.train.updates, found.model.hidden, found.task.length) == (
        0.1,
        50,
        3,
        20,
    )
    assert {"train.lr", "model.hidden"} <= found.given, "what is given is not tuned"
