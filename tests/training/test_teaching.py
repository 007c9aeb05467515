"""The teacher's call."""

import pytest

import rnnbench
from rnnbench.models.narx import NARX
from rnnbench.tasks.adding import Adding
from tests.training.test_fit import bits, trained

SHORT = {"updates": 4, "batch": 4, "evaluate_every": 2}


def test_names_fields_and_arguments():
    result = rnnbench.train(model="elman", task="adding", seed=2, hidden=6, length=12, lr=0.01, **SHORT)
    assert result.seed == 2
    assert (result.network.n_in, result.network.n_parameters) == (2, 2 * 6 + 6 * 6 + 6 + 6 + 1)
    assert result.predictions["y"].shape[0] == 12
    assert [record["update"] for record in result.history] == [2, 4]


def test_is_fit_by_another_name():
    task = Adding(length=10)
    by_name = rnnbench.train("narx", "adding", hidden=4, output_taps=2, length=10, seed=3, **SHORT)
    by_hand = trained(NARX(hidden=4, output_taps=2), task, seed=3, lr=None, **SHORT)
    assert bits(by_name) == bits(by_hand)
    by_object = rnnbench.train(NARX(hidden=4, output_taps=2), task, seed=3, **SHORT)
    assert bits(by_name) == bits(by_object)


def test_a_model_s_loop_is_how_it_is_trained():
    with pytest.raises(ValueError, match="loop=open needs targets known before the scored step"):
        rnnbench.train("narx", "adding", loop="open")


def test_budget():
    result = rnnbench.train("rnn", "adding", budget=500, length=10, **SHORT)
    assert abs(result.network.n_parameters - 500) < 30


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"model": "elmann"},
            "model=elmann: must be one of brnn, custom, elman, jordan, memory, mlp, narx, rnn, "
            "tdnn (did you mean elman?)",
        ),
        (
            {"hiden": 3},
            "hiden=3: unknown argument (did you mean hidden?)\n"
            "allowed: hidden, activation, initial, gradient, embedding (Elman), length, variant, "
            "validation_size, test_size (Adding), and the arguments of rnnbench.fit",
        ),
        ({"updates": -1}, "train.updates=-1: must be a whole number of at least 1"),
        ({"hidden": -1}, "model.hidden=-1: must be a whole number of at least 1"),
        ({"model": "jordan", "mu": 1.5}, "model.mu=1.5: must lie in [0, 1)"),
    ],
)
def test_refusals(given, message):
    with pytest.raises(ValueError) as refusal:
        rnnbench.train(**given)
    assert str(refusal.value) == message


def test_an_unknown_task():
    with pytest.raises(ValueError, match=r"task=ading: must be one of adding, .* \(did you mean adding\?\)"):
        rnnbench.train("rnn", "ading")
