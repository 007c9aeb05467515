"""fit: what it yields, what it returns, and that its bits depend on nothing they should not."""

import json
import math

import numpy as np
import pytest

import rnnbench
from rnnbench.models.brnn import BRNN
from rnnbench.models.elman import Elman
from rnnbench.models.jordan import Jordan
from rnnbench.models.mlp import MLP
from rnnbench.models.narx import NARX
from rnnbench.models.rnn import RNN
from rnnbench.network import network, recompute
from rnnbench.training import SGD, drain, evaluate, fit, run, stream
from tests import naive
from tests.training.small_tasks import Closed, Delay, Symbols, Uneven, Watched

KEYS = [
    "update",
    "sequences",
    "train_loss",
    "gradient_norm",
    "clipped_share",
    "validation_loss",
    "validation_score",
    "solved",
    "compiled_seconds",
    "seconds",
]


def build(model, task):
    return model.build(task.n_in, task.n_out, task.output_activation)


def trained(model=None, task=None, **keywords):
    task = task or Delay()
    net = build(model or Elman(hidden=5), task)
    return drain(fit(net, task, **{"updates": 40, "batch": 8, "evaluate_every": 10, "lr": 0.02} | keywords))


def bits(result):
    """Everything of a result that must be the same, timings left out."""
    history = [
        {key: value for key, value in record.items() if key not in ("seconds", "compiled_seconds")}
        for record in result.history
    ]
    arrays = {name: array.tobytes() for name, array in result.predictions.items()}
    return result.parameters.vector.tobytes(), str(history), str(result.scores), result.outcome, arrays


def test_is_public():
    assert rnnbench.fit is fit


def test_records_are_plain_and_come_at_fixed_updates():
    task = Delay()
    records = list(fit(build(Elman(hidden=4), task), task, updates=25, evaluate_every=10, batch=4))
    assert [record["update"] for record in records] == [10, 20, 25]
    for record in records:
        assert list(record) == KEYS
        assert json.loads(json.dumps(record)) == record
        assert type(record["solved"]) is bool
        assert all(type(record[key]) is float for key in KEYS if key not in ("update", "sequences", "solved"))
    seconds = [record["seconds"] for record in records]
    assert seconds == sorted(seconds) and seconds[0] > 0


def test_result():
    result = trained()
    assert result.outcome == "finished"
    assert (result.updates, result.solved_at, result.seed) == (40, None, 0)
    assert [record["update"] for record in result.history] == [10, 20, 30, 40]
    assert list(result.scores) == ["validation_score", "validation_loss", "test_score", "test_loss"]
    assert list(result.timings) == ["compile", "data", "train", "evaluate"]
    assert all(seconds > 0 for seconds in result.timings.values())
    assert {name: array.shape for name, array in result.predictions.items()} == {
        "y": (6, 4, 1),
        "target": (6, 4, 1),
        "weight": (6, 4),
    }
    assert all(array.base is None for array in result.predictions.values())


def test_learning_lowers_the_loss():
    first, *_, last = trained(updates=200).history
    assert last["train_loss"] < 0.5 * first["train_loss"]
    assert last["validation_loss"] < 0.5 * first["validation_loss"]


def test_elman_solves_a_delay_and_stops():
    result = trained(task=Delay(goal=0.9), updates=2000, lr=0.05)
    assert result.outcome == "solved"
    assert result.solved_at == result.updates == result.history[-1]["update"] < 2000
    assert [record["solved"] for record in result.history] == [False] * (len(result.history) - 1) + [True]
    assert result.scores["test_score"] > 0.85


def test_a_solved_run_may_go_on():
    task = Delay(goal=0.9)
    stopped = trained(task=task, updates=2000, lr=0.05)
    result = trained(task=task, updates=stopped.updates + 20, lr=0.05, stop_when_solved=False)
    assert (result.outcome, result.solved_at) == ("solved", stopped.solved_at)
    assert result.updates == stopped.updates + 20


def test_a_perceptron_cannot_solve_it():
    result = trained(MLP(hidden=5), updates=300, lr=0.05)
    assert result.outcome == "finished"
    assert result.scores["test_score"] < 0.1


@pytest.mark.parametrize("dtype", ["float32", "float64", np.float32])
def test_same_seed_same_bits(dtype):
    first, again, other = (trained(seed=seed, dtype=dtype) for seed in (3, 3, 4))
    assert first.parameters.vector.dtype == np.dtype(dtype)
    assert bits(first) == bits(again)
    assert bits(first)[0] != bits(other)[0]


def test_data_depend_on_the_seed_and_not_on_what_is_trained():
    runs = []
    for model, options in (
        (MLP(hidden=2), {}),
        (Elman(hidden=7), {"optimizer": "sgd", "lr": 0.5, "init": {"recurrent": "identity"}}),
        (BRNN(hidden=3), {"dtype": "float64", "clip_norm": 0.1, "reduction": "sum"}),
        (NARX(hidden=3), {"loop": "open", "evaluate_every": 7}),
    ):
        task = Watched()
        trained(model, task, updates=20, seed=5, **options)
        runs.append({purpose: task.of(purpose) for purpose in ("train", "validation", "test")})
    assert all(run == runs[0] for run in runs)
    assert len(set(runs[0]["train"])) == 20
    other = Watched()
    trained(MLP(hidden=2), other, updates=20, seed=6)
    assert not set(other.of("train")) & set(runs[0]["train"])
    assert other.of("validation") != runs[0]["validation"]


def test_test_data_are_drawn_once_and_last():
    task = Watched()
    trained(Elman(hidden=3), task)
    assert [purpose for purpose, _ in task.calls] == ["validation", *["train"] * 40, "test"]
    assert task.of("validation") != task.of("test")


def test_the_parameters_are_those_of_the_smallest_validation_loss():
    # A rate at which the loss jumps about: the best is not the last.
    result = trained(lr=0.5, updates=60, evaluate_every=5, seed=1, dtype="float64")
    losses = [record["validation_loss"] for record in result.history]
    assert min(losses) < losses[-1]
    assert result.scores["validation_loss"] == min(losses)
    task = Delay()
    validation = evaluate(result.network, result.parameters, task, task.validation(stream(1, "validation")))
    assert validation.loss == pytest.approx(min(losses), rel=1e-12)
    assert validation.score == pytest.approx(result.scores["validation_score"], rel=1e-12)
    test = evaluate(result.network, result.parameters, task, task.test(stream(1, "test")))
    assert test.loss == pytest.approx(result.scores["test_loss"], rel=1e-12)
    np.testing.assert_array_equal(result.predictions["y"], test.y[:, :4])


def by_hand(net, task, updates, seed=0, lr=0.02, loop="closed"):
    """Adam over the notes' mean loss, written out; returns vector and losses."""
    params = net.init(seed=np.random.SeedSequence(seed, spawn_key=(0,)), dtype=np.float64)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    start, gradients, losses = params.vector.copy(), [], []
    for _ in range(updates):
        x, target, weight, lengths = task.training(rng, 8)
        loss, gradient = net.loss_and_grad(
            params, x.astype(float), target, task.loss, weight, loop, lengths=lengths
        )
        gradients.append(gradient.vector.copy())
        losses.append(loss)
        params.vector[:] = naive.adam(start, gradients, lr)
    return params.vector, losses


def test_three_updates_are_three_updates():
    task = Uneven()
    net = build(RNN(hidden=4), task)
    vector, losses = by_hand(net, task, 3)
    result = drain(fit(net, task, updates=3, batch=8, lr=0.02, dtype="float64"))
    np.testing.assert_allclose(result.parameters.vector, vector, rtol=1e-9)
    assert result.history[0]["train_loss"] == pytest.approx(np.mean(losses), rel=1e-9)


def test_the_loop_of_training_reaches_the_gradient():
    task = Delay()
    net = build(NARX(hidden=4), task)
    paths = {}
    for loop in ("closed", "open", 3):
        paths[loop], losses = by_hand(net, task, 2, loop=loop)
        result = drain(fit(net, task, updates=2, batch=8, lr=0.02, dtype="float64", loop=loop))
        np.testing.assert_allclose(result.parameters.vector, paths[loop], rtol=1e-9)
        assert result.history[0]["train_loss"] == pytest.approx(np.mean(losses), rel=1e-9)
    assert np.abs(paths["closed"] - paths["open"]).max() > 1e-3


@pytest.mark.parametrize("task", [Delay(), Symbols(), Uneven()])
def test_the_sum_is_the_mean_times_what_is_scored(task):
    # Uneven batches have sums of weights of their own, so that only one update compares.
    updates = 1 if isinstance(task, Uneven) else 20
    values = 8 * 5
    if isinstance(task, Uneven):
        batch = task.training(stream(0, "train"), 8)
        values = float(batch.weight[~np.isnan(batch.target).any(axis=2)].sum())
    settings = {"task": task, "updates": updates, "evaluate_every": updates, "dtype": "float64"}
    mean = trained(optimizer="sgd", lr=0.2, **settings)
    total = trained(optimizer="sgd", lr=0.2 / values, reduction="sum", **settings)
    np.testing.assert_allclose(total.parameters.vector, mean.parameters.vector, rtol=1e-8)
    assert total.history[0]["train_loss"] == pytest.approx(mean.history[0]["train_loss"], rel=1e-8)
    assert total.history[0]["gradient_norm"] == pytest.approx(
        values * mean.history[0]["gradient_norm"], rel=1e-6
    )


def test_clipping_is_recorded_and_changes_what_is_learned():
    free, tight, loose = (
        trained(clip_norm=bound, optimizer=SGD(lr=0.1), lr=None, evaluate_every=1)
        for bound in (None, 1e-3, 1e6)
    )
    assert [record["clipped_share"] for record in tight.history] == [1.0] * 40
    assert [record["clipped_share"] for record in free.history] == [0.0] * 40
    # The first gradient is the same, and its norm is that before clipping.
    assert free.history[0]["gradient_norm"] == tight.history[0]["gradient_norm"] > 0.01
    assert bits(free) == bits(loose)
    # 40 steps of at most lr * bound each.
    start = build(Elman(hidden=5), Delay()).init(seed=np.random.SeedSequence(0, spawn_key=(0,)))
    assert np.linalg.norm(tight.parameters.vector - start.vector) < 40 * 0.1 * 1e-3 * 1.001
    assert np.linalg.norm(free.parameters.vector - start.vector) > 0.1
    by_value = trained(clip_value=1e-4)
    assert [record["clipped_share"] for record in by_value.history] == [1.0] * 4


def test_integers_stay_integers():
    result = trained(RNN(hidden=12), Symbols(goal=0.95), updates=2000, lr=0.05)
    assert result.outcome == "solved"
    assert result.predictions["target"].dtype == np.int64
    assert result.predictions["y"].shape == (6, 4, 3)


def test_open_loop_score_is_a_column_of_its_own():
    for model, feeds_back in ((NARX(hidden=3), True), (Jordan(hidden=3), True), (RNN(hidden=3), False)):
        assert ("open_loop_score" in trained(model).scores) == feeds_back
        assert "open_loop_score" not in trained(model, Closed()).scores


def test_open_loop_score_feeds_targets():
    # y_t = x_{t-1}: with the true y_{t-1} fed back nothing of use is known, and less without.
    result = trained(NARX(hidden=3), updates=5)
    task = Delay()
    batch = task.test(stream(0, "test"))
    y = result.network.forward(result.parameters, batch.x, batch.target, "open", weight=batch.weight)
    assert result.scores["open_loop_score"] == pytest.approx(task.score(y, batch), rel=1e-6)
    assert result.scores["open_loop_score"] != result.scores["test_score"]


def test_further_scores_of_the_task_come_from_the_test_data():
    class More(Delay):
        def extra_scores(self, net, params, batch):
            return {"free_running_score": float(batch.x[0, 0, 0]), "size": float(params.vector.size)}

    scores = trained(task=More()).scores
    assert scores["free_running_score"] == float(Delay().test(stream(0, "test")).x[0, 0, 0])
    assert scores["size"] == Elman(hidden=5).build(1, 1).n_parameters


def test_initial_schemes_and_rate():
    result = trained(init={"bias": 0.25, "recurrent": "identity:0.5"}, optimizer="sgd", lr=0.0)
    assert result.parameters["h.bias"].tolist() == [0.25] * 5
    np.testing.assert_array_equal(result.parameters["h->h@1"], 0.5 * np.eye(5, dtype=np.float32))


REFUSALS = [
    ({"updates": 0}, "train.updates=0: must be a whole number of at least 1"),
    ({"updates": 1.5}, "train.updates=1.5: must be a whole number of at least 1"),
    ({"batch": 0}, "train.batch=0: must be a whole number of at least 1"),
    ({"batch": True}, "train.batch=True: must be a whole number of at least 1"),
    ({"seed": -1}, "seed=-1: must be a whole number of at least 0"),
    (
        {"optimizer": "sdg"},
        "optimizer=sdg: must be one of sgd, rmsprop, adam, adamw, rprop (did you mean sgd?)",
    ),
    ({"lr": -0.1}, "train.lr=-0.1: must be a finite number of at least 0"),
    ({"loop": "half"}, "train.loop=half: must be one of closed, open, or the step at which targets end"),
    ({"loop": -1}, "train.loop=-1: must be one of closed, open, or the step at which targets end"),
    ({"loop": True}, "train.loop=True: must be one of closed, open, or the step at which targets end"),
    ({"reduction": "average"}, "train.reduction=average: must be one of mean, sum"),
    ({"clip_norm": 0}, "train.clip_norm=0: must be a number above 0, or none for no clipping"),
    ({"clip_norm": math.nan}, "train.clip_norm=nan: must be a number above 0, or none for no clipping"),
    ({"clip_value": "1"}, "train.clip_value=1: must be a number above 0, or none for no clipping"),
    ({"evaluate_every": 0}, "train.evaluate_every=0: must be a whole number of at least 1"),
    ({"stop_when_solved": 1}, "train.stop_when_solved=1: must be true or false"),
    ({"dtype": "float16"}, "train.dtype=float16: must be one of float32, float64 (did you mean float64?)"),
    ({"memory": "none"}, "train.memory=none: must be one of full, recompute"),
    ({"dtype": np.int64}, "train.dtype=int64: must be one of float32, float64"),
    (
        {"init": {"recurent": "identity"}},
        "init.recurent=identity: must be a scheme of input, recurrent, output, bias",
    ),
]


@pytest.mark.parametrize(("given", "message"), REFUSALS)
def test_refusals_come_at_the_call_in_one_line(given, message):
    task = Watched()
    with pytest.raises(ValueError) as refusal:
        fit(build(Elman(), task), task, **given)
    assert str(refusal.value) == message
    assert task.calls == []


def test_a_network_of_other_sizes_is_refused():
    with pytest.raises(ValueError, match=r"net\.n_in=3: must be 1 for task small_tasks T=6"):
        fit(RNN().build(3, 1), Delay())
    with pytest.raises(ValueError, match=r"net\.n_out=2: must be 1 for task"):
        fit(RNN().build(1, 2), Delay())


def test_a_network_that_reads_the_future_cannot_be_trained_in_pieces():
    task = Watched()
    with pytest.raises(ValueError, match=r"^train\.memory=recompute: needs .* only the past; box "):
        fit(build(BRNN(), task), task, memory="recompute")
    assert task.calls == []


@pytest.mark.parametrize("model", [RNN(hidden=4), NARX(hidden=4, output_taps=2), Jordan(hidden=4)])
@pytest.mark.parametrize("task", [Delay(), Uneven()])
def test_training_in_pieces_is_training(model, task, monkeypatch):
    monkeypatch.setattr(recompute, "LEAST_ROWS", 1)
    settings = {"dtype": "float64", "lr": 0.05, "clip_norm": 1.0, "loop": 3}
    whole, pieces = (trained(model, task, memory=memory, **settings) for memory in recompute.MEMORIES)
    np.testing.assert_allclose(pieces.parameters.vector, whole.parameters.vector, rtol=1e-6, atol=1e-9)
    assert pieces.scores == pytest.approx(whole.scores, rel=1e-6)


def test_in_pieces_the_scores_of_the_task_itself_keep_outputs_only(monkeypatch):
    class Own(Delay):
        def extra_scores(self, net, params, batch):
            state = net.forward(params, batch.x, return_state=True)[1]
            return {"own": float(state["h"].sum()), "size": net.n_parameters}

    def never(*_, **__):
        raise AssertionError("a whole pass")

    expected = trained(task=Own(), updates=1).scores
    monkeypatch.setattr(run, "warm_up", lambda dtype: 0.0)
    monkeypatch.setattr(network, "Pass", never)
    found = trained(task=Own(), updates=1, memory="recompute").scores
    assert found == pytest.approx(expected, rel=1e-5)


def test_what_the_task_refuses_is_refused_with_its_reason():
    task = Closed()
    with pytest.raises(ValueError, match="loop=open needs targets known before the scored step"):
        fit(build(NARX(), task), task, loop="open")

    class Next(Delay):
        causal_only = True

    with pytest.raises(ValueError, match="its input holds the target one step later"):
        fit(build(BRNN(), Next()), Next())
