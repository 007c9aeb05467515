"""Records as tidy frames: rows, order, labels."""

import math

import pytest

from rnnbench.reporting.frame import extra_scores, floors_frame, histories_frame, model_labels, runs_frame
from tests.reporting.synthetic import FLOORS, record, study


def test_one_row_per_run_in_the_order_of_tasks_models_and_seeds():
    frame = runs_frame(list(reversed(study())))
    assert len(frame) == 27
    assert list(frame["task"].unique()) == ["adding T=20", "adding T=100"]
    assert list(frame["model"].cat.categories) == ["tdnn", "elman", "narx", "rnn", "brnn"]
    assert list(frame["seed"][:3]) == [0, 1, 2]
    assert frame["key"].is_unique


def test_what_a_run_does_not_have_is_nan():
    frame = runs_frame([record("rnn"), record("narx"), record("elman", outcome="diverged")])
    by_model = frame.set_index("model")
    assert math.isnan(by_model["open_loop_score"]["rnn"])
    assert by_model["open_loop_score"]["narx"] == pytest.approx(0.7)
    assert math.isnan(by_model["score"]["elman"])
    assert by_model["diverged"]["elman"]
    assert not by_model["solved"]["elman"]
    assert extra_scores(frame) == ["open_loop_score"]
    assert extra_scores(runs_frame([record("rnn")])) == []


def test_a_width_solved_anew_for_each_task_is_no_other_model():
    runs = [record(length=n, model_fields={"hidden": n}) for n in (20, 100)]
    assert set(runs_frame(runs)["model"]) == {"rnn"}


def test_what_differs_on_one_task_is_in_the_label():
    runs = [record(model_fields={"hidden": n, "initial": "zero"}, key=f"{n}") for n in (5, 50)]
    assert list(runs_frame(runs)["model"]) == ["rnn (hidden=5)", "rnn (hidden=50)"]


def test_training_is_in_the_label_and_options_that_only_one_has_are_not():
    sgd = {"optimizer": "sgd", "lr": 0.1, "momentum": 0.0, "threads": 1}
    adam = {"optimizer": "adam", "reduction": "mean", "lr": 0.1, "beta1": 0.9, "threads": 2}
    trained = [sgd | {"reduction": "mean"}, sgd | {"reduction": "sum"}, adam]
    runs = [record(train_fields=t, key=str(n)) for n, t in enumerate(trained)]
    assert set(runs_frame(runs)["model"]) == {"rnn (sgd, mean)", "rnn (sgd, sum)", "rnn (adam, mean)"}


def test_tasks_that_share_a_label_are_told_apart():
    runs = [record(task_label="adding", task_fields={"length": n}, key=str(n)) for n in (9, 30)]
    assert list(runs_frame(runs)["task"]) == ["adding (length=9)", "adding (length=30)"]


def test_seconds_leave_compilation_and_tracking_out():
    frame = runs_frame([record()])
    assert frame["seconds"][0] == pytest.approx(1.8)


def test_floors_are_medians_over_seeds_whatever_the_number_of_models():
    def with_oracle(score, **which):
        return record(**which, floors=[FLOORS[0], {**FLOORS[3], "score": score}])

    runs = [with_oracle(0.9, seed=0), with_oracle(0.9, seed=0, model="elman"), with_oracle(0.7, seed=1)]
    floors = floors_frame(runs)
    assert list(floors["floor"]) == ["best constant", "oracle"]
    assert floors["score"][1] == pytest.approx(0.8)
    assert floors_frame([record(floors=[])]).empty


def test_floors_know_the_score_they_compare_with():
    floors = [*FLOORS, {**FLOORS[1], "name": "AR(3) free-running"}]
    column = floors_frame([record(floors=floors)]).set_index("floor")["column"]
    assert column["best constant"] == column["linear"] == column["oracle"] == "score"
    assert column["AR(3)"] == "open_loop_score"
    assert column["AR(3) free-running"] == "free_running_score"


def test_histories_have_a_row_per_evaluation():
    runs = [record(), record("elman", outcome="diverged")]
    frame = histories_frame(runs)
    assert len(frame) == 6 + 6
    assert frame["validation_score"].isna().sum() == 1
    assert histories_frame([record(history=[])]).empty


def test_no_runs_is_an_error():
    with pytest.raises(ValueError, match="no finished runs"):
        runs_frame([])


def test_long_lists_are_shortened_and_still_told_apart():
    def record(arrows):
        return {"model": "custom", "task": "adding", "model_fields": {"arrows": arrows, "hidden": 3}}

    long = [{"source": "x", "target": "h", "lag": lag} for lag in range(9)]
    labels = model_labels([record(long), record(long[:-1]), record(["x->h", "h->y"])], ["adding"] * 3)
    assert len(set(labels)) == 3 and max(map(len, labels)) < 50
    assert labels[2] == 'custom (["x->h", "h->y"])'
