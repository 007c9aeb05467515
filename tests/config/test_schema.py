"""Every option of every group, every field and every study file composes into a sound configuration."""

import dataclasses

import pytest

from rnnbench import models, tasks
from rnnbench.config import folders, groups, schema
from rnnbench.config.composition import composing
from rnnbench.sweep.tuning.search_space import search_space
from rnnbench.training.optimisers import OPTIMISERS
from tests.config.composing import configured, planned


@pytest.mark.parametrize("name", models.found())
def test_every_model_with_its_own_defaults(name):
    configuration = configured(f"model={name}")
    assert configuration.model == models.found()[name]()
    assert configuration.network.n_parameters > 0


@pytest.mark.parametrize("name", [name for name in tasks.found() if name not in ("csv", "text")])
def test_every_task_with_its_own_defaults(name):
    configuration = configured(f"task={name}")
    assert configuration.task == tasks.found()[name]()
    assert configuration.network.n_in == configuration.task.n_in


def test_a_task_with_a_file(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("a,b\n" + "".join(f"{n},{n % 7}\n" for n in range(400)))
    configuration = configured(f"task=csv task.path={path} task.inputs=[a] task.targets=[b]")
    assert (configuration.task.n_in, configuration.task.n_out) == (1, 1)
    path.write_text("ab" * 100)
    configuration = configured(f"task=text task.path={path} task.split=[0.5,0.25,0.25]")
    assert (configuration.task.n_in, configuration.task.n_out) == (2, 2)


def options():
    with composing():
        return [
            (group, name)
            for group, names in groups.options().items()
            for name in names
            if group not in ("model", "task", "experiment") and (group, name) != ("tracking", "server")
        ]


@pytest.mark.parametrize(("group", "name"), options())
def test_every_option_of_conf(group, name):
    assert configured(f"{group}={name}")


def test_the_tracking_server_is_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert configured("tracking=server").uri == "http://127.0.0.1:5000"


@pytest.mark.parametrize("name", folders.studies())
def test_every_study_file(name):
    plan = planned(f"experiment={name}")
    assert plan.configurations and all(c.study == name for c in plan.configurations)
    assert len(set(plan.names)) == len(plan.names), "two lines on the terminal would look alike"


def test_the_demo_as_the_issue_wants_it():
    plan = planned("experiment=demo")
    found = {(c.model_name, c.task.label) for c in plan.configurations}
    six = {"tdnn", "narx", "elman", "jordan", "rnn", "brnn"}
    labels = {"adding T=20", "adding T=50", "temporal_order T=30", "window T=100", "sunspots"}
    assert found == {(m, t) for m in six for t in labels} - {("brnn", "sunspots")}
    assert [(s["model"], s["task"]) for s in plan.skipped] == [("brnn", "sunspots")]
    assert all(c.seeds == (0, 1, 2) for c in plan.configurations)


def test_a_model_that_reads_the_future_is_left_out_of_a_sweep_in_pieces():
    plan = planned("model=rnn,brnn train.memory=recompute,full")
    found = [(c.model_name, c.train.memory) for c in plan.configurations]
    assert found == [("rnn", "recompute"), ("rnn", "full"), ("brnn", "full")]
    (skipped,) = plan.skipped
    assert skipped["model"] == "brnn" and skipped["reason"].startswith("train.memory=recompute: needs")


def test_a_sweep_over_carrying_leaves_out_what_cannot():
    plan = planned("model=rnn,brnn task=flipflop,adding train.carry_state=true,false")
    found = [(c.model_name, c.task_name) for c in plan.configurations if c.train.carry_state]
    assert found == [("rnn", "flipflop")] and len(plan.configurations) == 5
    assert all(s["reason"].startswith("train.carry_state=true: needs") for s in plan.skipped)


def test_example_3_as_the_notes_print_it():
    plan = planned("experiment=example3")
    ways = {(type(c.optimizer).__name__, c.train.reduction) for c in plan.configurations}
    assert ways == {("SGD", "mean"), ("SGD", "sum"), ("Adam", "mean")}
    for c in plan.configurations:
        assert (c.network.n_in, c.model.hidden, c.network.n_out) == (8, 5, 3)
        assert (c.task.length, c.task.sequences) == (64, 16)
        assert (c.train.updates, c.optimizer.lr) == (25000, 0.0001)
        assert {c.init.input, c.init.recurrent, c.init.output} == {"truncated_normal"}
        assert (c.init.bias, c.model.initial) == (0.0, "zero")


def test_seeds():
    assert configured().seeds == (0,)
    assert configured("seeds=5").seeds == (0, 1, 2, 3, 4)
    assert configured("seeds=[0,3]").seeds == (0, 3)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_option_of_every_optimiser(name):
    own = OPTIMISERS[name]()
    given = {f.name: getattr(own, f.name) for f in dataclasses.fields(own)}
    line = " ".join(f"train.{option}={str(value).lower()}" for option, value in given.items())
    assert configured(f"train.optimizer={name} {line}").optimizer == own
    assert configured(f"train.optimizer={name} train.lr=0.25").optimizer.lr == 0.25


def test_training_defaults_are_those_of_fit():
    import inspect

    from rnnbench.config.configuration import NOT_OF_FIT
    from rnnbench.training import fit

    parameters = inspect.signature(fit).parameters
    for field in dataclasses.fields(schema.Train):
        if field.name not in NOT_OF_FIT:
            assert field.default == parameters[field.name].default, field.name


def test_initial_weights_defaults_are_those_of_the_network():
    import inspect

    from rnnbench import Network

    parameters = inspect.signature(Network.init).parameters
    for field in dataclasses.fields(schema.Init):
        assert field.default == parameters[field.name].default


def test_the_width_is_solved_for_the_budget():
    configuration = configured("model=rnn budget.parameters=1000")
    assert configuration.budget == 1000
    assert abs(configuration.network.n_parameters - 1000) < 70
    assert configuration.model.hidden != models.found()["rnn"]().hidden
    assert configuration.budget_of == "parameters"
    assert configuration.as_plain()["budget"] == {"parameters": 1000, "macs": None}
    assert configured("model=rnn").as_plain()["budget"] == {"parameters": None, "macs": None}


def test_the_width_is_solved_for_multiply_adds():
    configuration = configured("model=rnn budget.macs=1000")
    assert (configuration.budget, configuration.budget_of) == (1000, "macs_per_step")
    assert configuration.network.macs_per_step == configuration.width.counted == 990
    assert configuration.as_plain()["budget"] == {"parameters": None, "macs": 1000}


def test_fair_memory_as_the_issue_wants_it():
    plan = planned("experiment=fair_memory")
    six = {"tdnn", "narx", "elman", "jordan", "rnn", "brnn"}
    labels = {c.task.label for c in plan.configurations}
    assert {(c.model_name, c.task.label) for c in plan.configurations} == {
        (m, t) for m in six for t in labels
    }
    assert len(plan.configurations) == 54 and not plan.skipped
    for c in plan.configurations:
        assert (c.budget, c.budget_of, len(c.seeds)) == (1000, "parameters", 5)
        assert (c.tune.trials, c.tune.seeds) == (8, 3) and not c.tune.space
        assert len(search_space(c)) == 4, "what is tuned must not be given in the grids"
        assert abs(c.width.deviation) <= c.width.allowed
    assert all(plan.configurations[0].notes[note] for note in ("question", "source", "expected"))


def test_the_loop_is_the_models_own():
    assert configured("model=narx task=sunspots model.loop=open").loop == "open"
    assert configured("model=elman").loop == "closed"


def test_a_study_may_override_groups_and_fields(empty):
    (empty / "experiments").mkdir()
    (empty / "experiments" / "mine.yaml").write_text(
        "defaults: [override /model: jordan, override /task: latch]\n"
        "model: {mu: 0.25}\ntask: {length: 12}\ntrain: {updates: 7}\nseeds: [3, 5]\n"
        "study: {question: why, expected: [one, two]}\n"
    )
    configuration = configured("experiment=mine train.updates=8")
    assert (configuration.model_name, configuration.model.mu) == ("jordan", 0.25)
    assert (configuration.task_name, configuration.task.length) == ("latch", 12)
    assert (configuration.train.updates, configuration.seeds, configuration.study) == (8, (3, 5), "mine")


def test_names_say_what_differs_among_namesakes():
    assert planned("model=elman,rnn task.length=20,30").names == [
        "elman · adding T=20",
        "elman · adding T=30",
        "rnn · adding T=20",
        "rnn · adding T=30",
    ]
    assert planned("model=rnn train.lr=0.1,0.2 task.length=20").names == [
        "rnn · adding T=20 · lr=0.1",
        "rnn · adding T=20 · lr=0.2",
    ]
