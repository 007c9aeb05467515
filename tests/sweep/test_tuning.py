"""Equal tuning: the same trials for all, chosen on validation data, replayed by a repeated sweep."""

import json
import math
from dataclasses import fields

import pytest

from rnnbench import models
from rnnbench.config import schema
from rnnbench.config.identity import run_key
from rnnbench.store import Store
from rnnbench.sweep.tuning.search import ROUND, Search, Trial, tuned
from rnnbench.sweep.tuning.search_space import SAME_FOR_ALL, search_space, written
from rnnbench.tasks.adding import Adding
from rnnbench.training import fit
from tests.config.composing import configured, planned
from tests.sweep.stored import records

SIX = "tdnn,narx,elman,jordan,rnn,brnn"
SMALL = "task=adding task.length=12 budget.parameters=200"
BOTH = "task=adding task.length=12,16 budget.parameters=200"


def invented(configuration, seed):
    """A score that depends on the values alone, at its best near lr = 0.005."""
    width = configuration.model.hidden
    score = 1 - abs(math.log10(configuration.optimizer.lr / 0.005)) - 0.01 * width + 1e-3 * (seed - 10_000)
    return {"validation_score": score, "validation_loss": -score, "outcome": "finished"}


class Recorder:
    """A `run` that invents results and remembers what it was asked."""

    def __init__(self, result=invented):
        self.result, self.rounds = result, []

    def __call__(self, configurations):
        self.rounds.append(list(configurations))
        return [[self.result(c, seed) for seed in c.seeds] for c in configurations]

    @property
    def configurations(self):
        return [c for configurations in self.rounds for c in configurations]

    def keys(self):
        return [[run_key(c, c.seeds[0]) for c in configurations] for configurations in self.rounds]


def test_without_tuning_nothing_is_run_and_nothing_changes():
    plan, run = planned(f"model=rnn,elman {SMALL}"), Recorder()
    assert tuned(plan, run).configurations == plan.configurations and not run.rounds


def test_every_model_gets_the_same_trials_seeds_and_updates_on_every_task():
    plan = planned(f"model={SIX} {BOTH} tune.trials=6 tune.seeds=2 tune.updates=30 seeds=5")
    searches = [Search(c) for c in plan.configurations]
    asked = [search.ask(100) for search in searches]
    assert {len(trials) for trials in asked} == {6}
    run = Recorder()
    final = tuned(plan, run)
    assert [len(r) <= 12 * n for r, n in zip(run.rounds, (4, 2), strict=True)] == [True, True]
    for c in run.configurations:
        assert (c.seeds, c.train.updates, c.trial) == ((10000, 10001), 30, True)
        assert (c.study, c.tune.trials) == ("default.tuning", 0)
    assert [(c.model_name, c.task, c.seeds) for c in final.configurations] == [
        (c.model_name, c.task, c.seeds) for c in plan.configurations
    ]
    for c in final.configurations:
        assert (c.study, c.trial, c.train.updates) == ("default", False, 1000)
        assert c.tuning["trials"] == 6 and c.tuning["seeds"] == [10000, 10001] and c.tuning["updates"] == 30


def test_the_six_families_have_spaces_of_one_size():
    sizes = {n: len(search_space(configured(f"model={n} {SMALL} tune.trials=1"))) for n in SIX.split(",")}
    assert set(sizes.values()) == {4}


@pytest.mark.parametrize("name", models.found())
def test_every_declared_space_can_be_tried_from_end_to_end(name):
    from rnnbench.config.construction import with_values

    configuration = configured(f"model={name} task.length=12 tune.trials=1")
    space = search_space(configuration)
    assert {"train.lr", "train.clip_norm"} < set(space)
    assert space["train.lr"].holds(written(configuration, "train.lr"))
    for key, dimension in space.items():
        for value in dimension.values:
            changed = with_values(configuration, {key: value})
            assert written(changed, key) == value and type(written(changed, key)) is type(value)


def test_the_best_median_is_chosen_and_the_record_says_how():
    plan, run = planned(f"model=rnn {SMALL} tune.trials=9 tune.seeds=3"), Recorder()
    (final,) = tuned(plan, run).configurations
    best = max(run.configurations, key=lambda c: invented(c, 10001)["validation_score"])
    account = final.tuning
    assert final.optimizer == best.optimizer and final.init == best.init
    assert account["validation_score"] == pytest.approx(invented(best, 10001)["validation_score"])
    assert account["chosen"] == {key: written(final, key) for key in search_space(plan.configurations[0])}
    assert account["space"]["train.lr"] == ["log", 1e-4, 3e-2]
    assert account["rule"].startswith("highest median validation score")
    assert (account["study"], account["sampler"], account["sampler_seed"]) == ("default.tuning", "tpe", 0)
    assert account["impossible"] == []
    assert json.loads(json.dumps(account)) == account


def test_the_chosen_run_has_the_key_of_the_configuration_as_it_would_be_written():
    line = f"model=tdnn {SMALL}"
    (final,) = tuned(planned(f"{line} tune.trials=5"), Recorder()).configurations
    values = {k: "null" if v is None else v for k, v in final.tuning["chosen"].items()}
    by_hand = configured(line + "".join(f" {key}={value}" for key, value in values.items()))
    assert run_key(final, 0) == run_key(by_hand, 0)
    assert run_key(final, 0) != run_key(configured(line), 0)


def test_the_first_trial_is_the_configuration_as_written():
    line = f"model=narx {SMALL} model.output_taps=1"
    (search,) = [Search(c) for c in planned(f"{line} tune.trials=3 train.updates=7").configurations]
    first, second, _ = search.ask(3)
    assert first.values["train.lr"] == 0.001 and first.values["model.input_taps"] == 0
    assert run_key(first.configuration, 0) == run_key(configured(f"{line} train.updates=7"), 0)
    assert second.values != first.values


def test_the_first_trial_keeps_what_lies_in_the_space_and_draws_the_rest():
    space = "tune.space={train.lr:[log,0.01,0.1]}"
    (search,) = [Search(c) for c in planned(f"model=rnn {SMALL} tune.trials=1 {space}").configurations]
    (trial,) = search.ask(1)
    assert 0.01 <= trial.values["train.lr"] <= 0.1
    assert (trial.values["train.clip_norm"], trial.values["init.recurrent"]) == (None, "orthogonal")


def test_a_repeated_sweep_asks_for_the_same_trials():
    line = f"model={SIX} {SMALL} tune.trials=10"
    first, again, other = Recorder(), Recorder(), Recorder()
    chosen = tuned(planned(line), first)
    assert tuned(planned(line), again).configurations == chosen.configurations
    assert again.keys() == first.keys()
    tuned(planned(f"{line} tune.seed=1"), other)
    assert other.keys() != first.keys()


def test_a_models_trials_do_not_depend_on_the_other_models_of_the_sweep():
    alone, among = Recorder(), Recorder()
    tuned(planned(f"model=elman {SMALL} tune.trials=10"), alone)
    tuned(planned(f"model={SIX} {SMALL} tune.trials=10"), among)
    mine = [[run_key(c, 10000) for c in r if c.model_name == "elman"] for r in among.rounds]
    assert mine == alone.keys()


def test_models_and_tasks_draw_different_values():
    plan = planned("model=elman,rnn task=adding task.length=12,16 budget.parameters=200 tune.trials=2")
    values = [Search(c).ask(2)[1].values["train.lr"] for c in plan.configurations]
    assert len(set(values)) == 4


def test_the_sampler_learns_from_the_rounds_before():
    plan = planned(f"model=rnn {SMALL} tune.trials={6 * ROUND} tune.space={{init.input:null}}")
    run, blind = Recorder(), Recorder(lambda c, seed: invented(c, seed) | {"validation_score": 0.5})
    tuned(plan, run)
    tuned(plan, blind)
    assert run.keys()[0] == blind.keys()[0] and run.keys()[1:] != blind.keys()[1:]

    def miss(configurations):
        distances = [abs(math.log10(c.optimizer.lr / 0.005)) for c in configurations]
        return sum(distances) / len(distances)

    assert miss(run.configurations[-2 * ROUND :]) < 0.6 * miss(run.configurations[:ROUND])


def test_random_search():
    run, again = Recorder(), Recorder(lambda c, seed: invented(c, seed) | {"validation_score": 0.5})
    line = f"model=rnn {SMALL} tune.trials=9 tune.sampler=random"
    (final,) = tuned(planned(line), run).configurations
    tuned(planned(line), again)
    assert run.keys() == again.keys() and final.tuning["sampler"] == "random"


def test_values_are_readable_and_within_their_range():
    (search,) = [Search(c) for c in planned(f"model=jordan {SMALL} tune.trials=40").configurations]
    for trial in search.ask(40):
        lr, mu = trial.values["train.lr"], trial.values["model.mu"]
        assert lr == float(f"{lr:.3g}") and 1e-4 <= lr <= 3e-2
        assert mu == float(f"{mu:.3g}") and 0 <= mu <= 0.95


def test_what_was_given_is_not_tuned(empty):
    (empty / "experiments").mkdir()
    (empty / "experiments" / "mine.yaml").write_text(
        "tune: {trials: 4}\ntrain: {clip_norm: 1.0}\ntask: {length: 12}\n"
        "sweep: [{model: tdnn, model.window: [3, 5]}, {model: rnn}]\n"
    )
    run = Recorder()
    final = tuned(planned("experiment=mine train.lr=0.01 init={bias:0.5}"), run)
    assert [c.model.window for c in final.configurations[:2]] == [3, 5]
    for c in run.configurations + final.configurations:
        assert (c.optimizer.lr, c.init.recurrent, c.init.bias) == (0.01, "orthogonal", 0.5)
        assert c.study in ("mine", "mine.tuning")
    # A value of the study's own body is where its tuning starts.
    assert set(final.configurations[0].tuning["space"]) == {"train.clip_norm"}
    assert run.rounds[0][0].train.clip_norm == 1.0
    assert len({c.train.clip_norm for c in run.configurations}) > 1


def test_with_a_budget_the_width_is_solved_for_each_trial():
    run = Recorder()
    (final,) = tuned(planned(f"model=tdnn {SMALL} tune.trials=8"), run).configurations
    assert len({c.model.hidden for c in run.configurations}) > 3
    for c in [*run.configurations, final]:
        assert c.network.n_parameters == pytest.approx(200, rel=0.4) and c.width.model == c.model


def test_an_impossible_configuration_is_the_worst_trial_with_its_reason():
    run = Recorder()
    line = "model=tdnn task=adding task.length=12 budget.parameters=40 model.activation=relu tune.trials=8"
    (final,) = tuned(planned(f"{line} tune.space={{tdnn.model.window:[int,5,90]}}"), run).configurations
    refused = final.tuning["impossible"]
    assert 1 <= len(refused) <= 7 and len(run.configurations) == 8 - len(refused)
    for one in refused:
        assert one["reason"].startswith("budget.parameters=40: must be about")
        assert one["values"]["model.window"] > 25
    assert final.tuning["trials"] == 8 and final.network.n_parameters < 60


def test_what_the_task_refuses_is_the_worst_trial_with_its_reason():
    run = Recorder()
    line = f"model=narx {SMALL} tune.trials=8 tune.space={{narx.model.loop:[choice,closed,open]}}"
    (final,) = tuned(planned(line), run).configurations
    reasons = {one["reason"] for one in final.tuning["impossible"]}
    assert len(reasons) == 1 and "open" in reasons.pop()
    assert {c.loop for c in run.configurations} == {final.loop} == {"closed"}


def test_where_nothing_ends_well_the_configuration_is_run_as_written():
    plan = planned(f"model=rnn {SMALL} tune.trials=3")
    (final,) = tuned(plan, Recorder(lambda c, s: invented(c, s) | {"outcome": "diverged"})).configurations
    assert run_key(final, 0) == run_key(plan.configurations[0], 0)
    assert (final.tuning["chosen"], final.tuning["validation_score"]) == ({}, None)


SCORED = [
    ([{"validation_score": 0.5, "validation_loss": 2.0, "outcome": "finished"}], 0.5, 2.0),
    ([{"validation_score": s, "validation_loss": 1.0, "outcome": "solved"} for s in (3, 1, 2)], 2, 1.0),
    ([{"validation_score": 0.9, "validation_loss": 1.0, "outcome": "diverged"}], -math.inf, math.inf),
    ([{"outcome": "failed"}], -math.inf, math.inf),
    ([{"validation_score": math.nan, "validation_loss": None, "outcome": "finished"}], -math.inf, math.inf),
]  # fmt: skip


@pytest.mark.parametrize(("seeds", "score", "loss"), SCORED)
def test_the_score_of_a_trial(seeds, score, loss):
    trial = Trial({}, None)
    trial.judge(seeds)
    assert (trial.score, trial.loss) == (score, loss)


def test_ties_go_to_the_lower_loss_then_to_the_earlier_trial():
    (search,) = [Search(c) for c in planned(f"model=rnn {SMALL} tune.trials=4").configurations]
    trials = search.ask(4)
    for trial, loss in zip(trials, (3.0, 1.0, 2.0, 1.0), strict=True):
        trial.judge([{"validation_score": 0.25, "validation_loss": loss, "outcome": "finished"}])
    search.tell(trials)
    assert search.chosen().tuning["chosen_trial"] == 1


def test_the_same_values_are_run_once_and_count_as_a_trial_each(empty, rnnbench):
    space = "train.lr:null,init.input:null,init.recurrent:null"
    assert rnnbench(f"run {TRIED.replace('trials=2', 'trials=9')} tune.space={{{space}}}")[0] == 0
    assert records()[0]["tuning"]["trials"] == 9
    assert len(records("default.tuning")) <= 4


def test_test_data_are_never_asked_for(monkeypatch):
    """With real training: the score of a trial is that of its validation data."""
    seen = []

    def train(configurations):
        results = []
        for c in configurations:
            assert c.trial
            for seed in c.seeds:
                *_, last = fit(c.network, c.task, seed=seed, **c.fit_keywords)
                seen.append(run_key(c, seed))
                results.append([last | {"outcome": "finished"}])
        return results

    line = "model=tdnn task=adding task.length=6 task.validation_size=32 task.test_size=8 train.updates=60"
    plan = planned(f"{line} train.evaluate_every=20 model.hidden=4 tune.trials=5")
    (final,) = tuned(plan, train).configurations
    assert len(seen) == len(set(seen)) == 5 and not final.trial
    assert "test" not in json.dumps({k: v for k, v in final.tuning.items() if k != "rule"})
    assert final.tuning["validation_score"] > 0


TRIED = (
    "model=elman model.hidden=4 task=adding task.length=8 task.validation_size=16 task.test_size=16 "
    "train=smoke tune.trials=2"
)


def test_no_trial_draws_test_data_not_even_at_other_spans(empty, rnnbench, monkeypatch):
    drawn, draw = [], Adding.test
    monkeypatch.setattr(Adding, "test", lambda self, rng: (drawn.append(self.length), draw(self, rng))[1])
    assert rnnbench(f"run {TRIED} evaluate.spans=[8,16]")[0] == 0
    trials = records("default.tuning")
    assert len(trials) == 2 and not any("test_score" in trial["scores"] for trial in trials)
    # Those of the one run that was chosen: its test and its spans.
    assert sorted(set(drawn)) == [8, 16] and len(drawn) == 3
    (final,) = records()
    assert final["generalisation"]["values"] == [8, 16] and final["tuning"]["trials"] == 2


def test_a_study_may_have_the_longest_name_there_is(empty, rnnbench):
    name = 100 * "a"
    assert rnnbench(f"run {TRIED} study.name={name}")[0] == 0
    assert records(name)[0]["tuning"]["impossible"] == []
    assert len(records(f"{name}.tuning")) == 2


def test_a_model_that_no_trial_could_tune_is_told_of(empty, rnnbench):
    line = f"run {TRIED} train.optimizer=sgd model.activation=linear tune.space={{train.lr:[log,1e30,1e31]}}"
    code, _, err = rnnbench(line)
    assert code == 0 and "none of its 2 trials ended well; it is run as configured" in err


def test_runs_of_an_earlier_choice_are_told_of(empty, rnnbench):
    line = f"run model=elman {SMALL} train=smoke seeds=2 tune.trials=2"
    said = "default: 2 finished runs with other settings than tuning chose; the report shows them too"
    assert rnnbench("run model=elman task=adding task.length=12 train=smoke seeds=2 train.lr=0.3")[0] == 0
    code, _, err = rnnbench(line)
    assert code == 0 and f"rnnbench: {said}" in err.splitlines()
    # Without its rivals nothing is said.
    rivals = [r["key"] for r in records() if r["train_fields"].get("lr") == 0.3]
    assert Store().study("default").remove(rivals) == rivals != []
    assert "other settings" not in rnnbench(line)[2]


def test_trials_can_be_reported(empty, rnnbench):
    assert rnnbench(f"run {TRIED}")[0] == 0
    code, _, err = rnnbench("report default.tuning")
    assert code == 0, err


@pytest.mark.parametrize(
    "budget, updates",
    [("train.updates=30", 30), ("train.sequences=100", 4), ("train.seconds=2", None)],
)
def test_the_record_says_how_long_trials_were(budget, updates):
    (final,) = tuned(planned(f"model=rnn {SMALL} {budget} tune.trials=1"), Recorder()).configurations
    assert final.tuning["updates"] == updates


REFUSED = {
    "tune.trials=-1": "tune.trials=-1: must be a whole number from 0 to 10000",
    "tune.trials=2.5": "tune.trials=2.5: must be a whole number",
    "tune.trials=2 tune.seeds=0": "tune.seeds=0: must be a whole number from 1 to 1000",
    "tune.trials=2 tune.seed=-1": "tune.seed=-1: must be a whole number from 0 to 4294967295",
    "tune.trials=2 tune.updates=0": "tune.updates=0: must be a whole number of at least 1",
    "tune.trials=2 tune.sampler=tpr": "tune.sampler=tpr: must be one of tpe, random (did you mean tpe?)",
    "tune.trial=2": "did you mean tune.trials?",
    "tune.trials=2 tune.seeds=3 seeds=[1,10002]": "seeds: 10002 is one of the tuning, 10000 to 10002",
    "tune.trials=2 tune.space=3": "tune.space=3: must map keys",
    "tune.trials=2 tune.space=[]": "tune.space=[]: must map keys",
    "tune.trials=2 tune.space={train.lr:[log,0.1]}": "tune.space.train.lr=['log', 0.1]: must be null",
    "tune.trials=2 tune.space={train.lr:0.1}": "tune.space.train.lr=0.1: must be null",
    "tune.trials=2 tune.space={train.lr:[log,0,1]}": "0 < LOW < HIGH",
    "tune.trials=2 tune.space={train.lr:[uniform,2,1]}": "numbers with LOW < HIGH",
    "tune.trials=2 tune.space={train.lr:[uniform,0,.inf]}": "numbers with LOW < HIGH",
    "tune.trials=2 tune.space={train.lr:[lin,1,2]}": "[uniform, LOW, HIGH]",
    "tune.trials=2 model=tdnn tune.space={model.window:[int,1.5,2]}": "whole numbers with LOW < HIGH",
    "tune.trials=2 tune.space={train.clip_norm:[choice,1]}": "must name at least two values, all different",
    "tune.trials=2 tune.space={train.clip_norm:[choice,1,1]}": "must name at least two values, all different",
    "tune.trials=2 tune.space={train.lrr:[log,1,2]}": "train.lrr: unknown key (did you mean train.lr?)",
    "tune.trials=2 tune.space={model.windw:[int,1,2]}": "did you mean model.window?",
    "tune.trials=2 tune.space={tdnn.model.mu:[int,1,2]}": "tune.space.tdnn.model.mu: unknown key",
    "tune.trials=2 tune.space={task.length:[int,1,2]}": "must be a key of model, train or init",
    "tune.trials=2 tune.space={train:[int,1,2]}": "must be a key of model, train or init",
    "tune.trials=2 tune.space={nobody.train.lr:[log,1,2]}": "must be a key of model, train or init",
    "tune.trials=2 tune.space={train.updates:[int,1,2]}": (
        "tune.space.train.updates: cannot be tuned; how long all trials train is tune.updates"
    ),
    "tune.trials=2 tune.space={train.dtype:[choice,float32,float64]}": (
        "tune.space.train.dtype: cannot be tuned; it is no hyperparameter of the method"
    ),
    "tune.trials=2 tune.space={train.shortest:[int,4,8]}": (
        "tune.space.train.shortest: cannot be tuned; what is trained on is the same"
    ),
    "tune.trials=2 tune.space={rnn:{train.select:[choice,last,first_solved]}}": (
        "tune.space.rnn.train.select: cannot be tuned; how a run is judged is the same"
    ),
    "tune.trials=2 tune.space={train.batch:[choice,8,32]}": (
        "tune.space.train.batch: cannot be tuned; with a budget of train.updates a larger batch sees more"
    ),
    "tune.trials=2 tune.updates=5 train.sequences=99 tune.space={train.batch:[choice,8,32]}": (
        "tune.space.train.batch: cannot be tuned; with a budget of tune.updates a larger batch sees more data"
    ),
    "tune.trials=2 tune.space={seeds:[int,1,9]}": "must be a key of model, train or init",
    "tune.trials=2 budget.parameters=99 tune.space={model.hidden:[int,1,2]}": "model.hidden: cannot be tuned",
    "tune.trials=2 tune.space={model.hidden:[int,0,9]}": (
        "tune.space.model.hidden=['int', 0, 9]: cannot be tried (model.hidden=0: must be"
    ),
    "tune.trials=2 tune.space={train.lr:[uniform,-1,1]}": "cannot be tried (train.lr=-1.0: must",
    "tune.trials=2 tune.space={train.lr:[choice,a,1]}": "cannot be tried (train.lr=a: must be a number",
    "tune.trials=2 tune.space={train.momentum:[uniform,0,0.9]}": "adam has no such option",
    "tune.trials=2 tune.space={model.activation:[choice,tanh,thanh]}": "did you mean tanh?",
    "tune.trials=2 tune.space={init.input:[choice,glorot,glorit:2]}": "(init.input=glorit: must be",
    "tune.trials=2 train.lr=1 train.clip_norm=1 init={bias:0}": "nothing is left to tune for elman",
    "-m tune.trials=2,3": "tune: must be the same for all configurations",
}  # fmt: skip


@pytest.mark.parametrize("line", REFUSED)
def test_what_is_refused_before_anything_runs(line, empty, rnnbench):
    code, out, err = rnnbench(f"run {line}")
    assert code != 0 and REFUSED[line] in err, err
    assert len(err.splitlines()) <= 3 and "Traceback" not in err and not out
    assert not (empty / "runs").exists()


def test_every_setting_of_training_is_decided_upon():
    """Whoever adds one says whether trials may differ in it."""
    settings = {f.name for f in fields(schema.Train)}
    tuned = {"batch", "optimizer", "clip_norm", "clip_value", "reduction"}
    assert settings == tuned | set(SAME_FOR_ALL) and not tuned & set(SAME_FOR_ALL)


@pytest.mark.parametrize("budget", ["train.sequences=320", "train.seconds=2"])
def test_batches_may_differ_where_the_budget_is_the_same_for_all(budget):
    line = f"model=rnn {SMALL} {budget} tune.trials=8 tune.space={{train.batch:[choice,8,16,32]}}"
    run = Recorder()
    tuned(planned(line), run)
    assert len({c.train.batch for c in run.configurations}) > 1
    assert {(c.train.sequences, c.train.seconds) for c in run.configurations} in (
        {(320, None)},
        {(None, 2.0)},
    )


def test_the_optimiser_may_be_tuned():
    run = Recorder()
    tuned(
        planned(f"model=rnn {SMALL} tune.trials=8 tune.space={{train.optimizer:[choice,adam,rmsprop]}}"), run
    )
    assert {c.train.optimizer for c in run.configurations} == {"adam", "rmsprop"}


def test_a_space_that_is_right_is_accepted_in_either_notation(empty):
    (empty / "experiments").mkdir()
    (empty / "experiments" / "mine.yaml").write_text(
        "tune:\n  trials: 4\n  space:\n"
        "    train: {lr: [log, 0.01, 0.1], clip_norm: null}\n"
        "    init.recurrent: [choice, identity, orthogonal]\n"
        "    init.input: null\n"
        "    rnn: {model.order: [int, 1, 3], train.lr: [uniform, 0.5, 0.6]}\n"
        "    model.gradient: [choice, full, blocked, 3]\n    rnn.model.gradient: null\n"
        "sweep: [{model: [rnn, elman, tdnn]}]\n"
    )
    rnn, elman, tdnn = (search_space(c) for c in planned("experiment=mine").configurations)
    assert {k: v.plain() for k, v in rnn.items()} == {
        "init.recurrent": ["choice", "identity", "orthogonal"],
        "model.order": ["int", 1, 3],
        "train.lr": ["uniform", 0.5, 0.6],
    }
    assert elman["train.lr"].plain() == ["log", 0.01, 0.1] and "model.order" not in elman
    assert elman["model.gradient"].plain() == ["choice", "full", "blocked", 3]
    assert set(tdnn) == {"init.recurrent", "model.window", "train.lr"}
    run = Recorder(lambda c, seed: invented(c, seed) | {"validation_score": 0.5})
    tuned(planned("experiment=mine"), run)
    assert {c.model.gradient for c in run.configurations if c.model_name == "elman"} - {"blocked"}


PLUGIN = '''
from dataclasses import dataclass
from typing import ClassVar
from rnnbench.network import Arrow, Box, Network

@dataclass
class Mine:
    """A perceptron."""
    VERSION: ClassVar[int] = 1
    SPACE
    hidden: int = 4
    more: int = 1
    def __post_init__(self):
        if self.more < 1:
            raise ValueError(f"model.more={self.more}: must be at least 1")
    def build(self, n_in, n_out, output_activation="linear"):
        boxes = [Box("h", self.hidden * self.more), Box("y", n_out, output_activation)]
        return Network(boxes, [Arrow("x", "h"), Arrow("h", "y")], n_in)
'''


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ("", ""),
        ('SEARCH: ClassVar = {"model.more": ("int", 1, 3)}', ""),
        ('SEARCH: ClassVar = {"model.more": ("int", 1, 3), "model.hidden": ("log_int", 2, 9)}', ""),
        (
            'SEARCH: ClassVar = {"model.more": ("int", 0, 3)}',
            "SEARCH of mine: model.more=['int', 0, 3]: cannot be tried (model.more=0: must be at",
        ),
        (
            'SEARCH: ClassVar = {"train.memory": ("choice", "full", "recompute")}',
            "SEARCH of mine: train.memory: cannot be tuned; it is no hyperparameter",
        ),
        ('SEARCH: ClassVar = {"model.mor": ("int", 1, 3)}', "SEARCH of mine: model.mor: unknown key"),
        ('SEARCH: ClassVar = {"model.more": 3}', "SEARCH of mine: model.more=3: must be null"),
        ("SEARCH: ClassVar = [1]", "SEARCH of mine: [1] must map keys"),
    ],
)
def test_a_plugin_with_and_without_a_space(search, said, empty, rnnbench):
    (empty / "rnnbench_plugins").mkdir()
    (empty / "rnnbench_plugins" / "mine.py").write_text(PLUGIN.replace("SPACE", search))
    if said:
        code, _, err = rnnbench("run model=mine tune.trials=3")
        assert code != 0 and said in err, err
    else:
        space = search_space(configured("model=mine tune.trials=3"))
        assert ("model.more" in space) is bool(search) and {"train.lr", "init.recurrent"} < set(space)
        assert ("model.hidden" in space) is ("hidden" in search)
        assert "model.hidden" not in search_space(configured("model=mine tune.trials=3 budget.parameters=60"))


def test_a_batch_that_a_class_declares_waits_for_a_budget_that_allows_it(empty):
    (empty / "rnnbench_plugins").mkdir()
    declared = 'SEARCH: ClassVar = {"train.batch": ("choice", 8, 32)}'
    (empty / "rnnbench_plugins" / "mine.py").write_text(PLUGIN.replace("SPACE", declared))
    assert "train.batch" not in search_space(configured("model=mine tune.trials=3"))
    assert "train.batch" in search_space(configured("model=mine tune.trials=3 train.sequences=320"))


def test_settings_of_tuning_change_no_key():
    assert run_key(configured("tune.trials=9 tune.seed=4"), 0) == run_key(configured(), 0)
