"""Forecasts k steps ahead, between the open loop and the closed one, and open-then-closed training."""

import numpy as np
import pytest

from rnnbench.models.brnn import BRNN
from rnnbench.models.jordan import Jordan
from rnnbench.models.narx import NARX
from rnnbench.models.rnn import RNN
from rnnbench.tasks.contract import Batch
from rnnbench.tasks.sunspots import Sunspots
from rnnbench.training import drain, fit, forecast, stream
from rnnbench.training.forecasts import forecast_scores
from tests import naive
from tests.models.test_equations_of_the_notes import taps_of
from tests.network.comparing import random_parameters
from tests.training.small_tasks import Closed, Delay, Symbols, Uneven

T, B, I, O = 12, 3, 2, 2
NETS = {
    "narx": NARX(3, input_taps=[0, 2], output_taps=[1, 3], initial="learned"),
    "jordan": Jordan(3, mu=0.4),
    "shades": RNN(3, layers=2, order=2, output_taps=2, initial="learned"),
    "embedding": NARX(3, input_taps=2, embedding=2),
}


def case(model, seed=0):
    net = model.build(I, O)
    rng = np.random.default_rng(seed)
    batch = Batch(rng.normal(size=(T, B, I)), rng.normal(size=(T, B, O)), np.ones((T, B)), None)
    return net, random_parameters(net, rng), batch


@pytest.mark.parametrize("model", NETS.values(), ids=NETS.keys())
def test_one_step_is_the_open_loop_and_all_steps_are_the_closed_one(model):
    net, params, batch = case(model)
    opened = net.forward(params, batch.x, batch.target, "open")
    closed = net.forward(params, batch.x)
    np.testing.assert_allclose(forecast(net, params, batch, 1), opened, rtol=1e-12)
    for steps in (T, T + 5):
        np.testing.assert_allclose(forecast(net, params, batch, steps), closed, rtol=1e-12)


@pytest.mark.parametrize("steps", [2, 3, 7])
@pytest.mark.parametrize("model", NETS.values(), ids=NETS.keys())
def test_k_steps_are_the_loop_that_switches_k_steps_before(model, steps):
    net, params, batch = case(model)
    y = forecast(net, params, batch, steps)
    for t in range(T):
        switched = net.forward(params, batch.x, batch.target, max(0, t - steps + 1))
        np.testing.assert_allclose(y[t], switched[t], rtol=1e-10)


@pytest.mark.parametrize("steps", [1, 4])
def test_k_steps_of_a_narx_are_its_equation(steps):
    net, params, batch = case(NETS["narx"])
    p = {name: np.array(value) for name, value in params.items()}
    y = forecast(net, params, batch, steps)
    for t in range(T):
        for s in range(B):
            given = batch.x[:, s], *taps_of(p), batch.target[:, s], max(0, t - steps + 1), p["y.initial"]
            np.testing.assert_allclose(y[t, s], naive.narx_with_lags(*given)[1][t], rtol=1e-10)


def test_steps_that_are_not_asked_for_are_left_out():
    net, params, batch = case(NETS["narx"])
    whole = forecast(net, params, batch, 3)
    part = forecast(net, params, batch, 3, at=np.array([0, 5, 9]))
    assert np.isnan(np.delete(part, [0, 5, 9], axis=0)).all()
    np.testing.assert_allclose(part[[0, 5, 9]], whole[[0, 5, 9]], rtol=1e-12)


def test_an_input_that_is_the_last_target_is_predicted_too():
    """An autoregression by hand: behind the switch the network reads its outputs as inputs."""
    net = NARX(3, output_taps=2).build(1, 1)
    rng = np.random.default_rng(4)
    params = random_parameters(net, rng)
    series = rng.normal(size=(T + 1, 1, 1))
    batch = Batch(series[:-1].copy(), series[1:].copy(), np.ones((T, 1)), None)
    y = forecast(net, params, batch, 3, own_input=True)
    p = {name: np.array(value) for name, value in params.items()}
    for t in range(T):
        switch = max(0, t - 2)
        x = batch.x[:, 0].copy()
        for step in range(switch, t + 1):
            run = naive.narx_with_lags(x, *taps_of(p), batch.target[:, 0], switch)[1]
            if step < t:
                x[step + 1] = run[step]
        np.testing.assert_allclose(y[t, 0], run[t], rtol=1e-10)


def test_refusals():
    net, params, batch = case(NETS["narx"])
    for steps in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match=f"steps={steps}: must be a whole number of at least 1"):
            forecast(net, params, batch, steps)
    net, params, batch = case(BRNN(3))
    with pytest.raises(ValueError, match="reads the future"):
        forecast(net, params, batch)


def trained(model, task, **keywords):
    net = model.build(task.n_in, task.n_out, task.output_activation)
    return drain(fit(net, task, updates=keywords.pop("updates", 5), batch=8, **keywords))


@pytest.mark.parametrize("task", [Delay(length=12), Symbols(length=12), Uneven(length=12)])
def test_every_narx_reports_one_step_five_steps_and_free_running_scores(task):
    result = trained(NARX(3, input_taps=1), task)
    batch = task.test(stream(0, "test"))
    net, params = result.network, result.parameters
    for name, steps in {"open_loop_score": 1, "five_step_score": 5, "test_score": 99}.items():
        y = forecast(net, params, batch, steps)
        assert result.scores[name] == pytest.approx(task.score(y, batch), rel=1e-5)


def test_where_there_is_no_forecast_there_is_no_score():
    assert "five_step_score" not in trained(RNN(3), Delay()).scores
    assert "five_step_score" not in trained(NARX(3), Closed()).scores
    assert "five_step_score" in trained(RNN(3, output_taps=1), Delay()).scores


def test_sunspots_are_predicted_from_predictions():
    task = Sunspots()
    net = NARX(4, input_taps=2, output_taps=2).build(1, 1)
    params = net.init(0)
    batch = task.test(np.random.default_rng(0))
    found = forecast_scores(net, params, task, batch)["five_step_score"]
    y = forecast(net, params, batch, 5, own_input=True)
    assert found == pytest.approx(task.score(y, batch), rel=1e-6)
    leaking = task.score(forecast(net, params, batch, 5), batch)
    assert found != pytest.approx(leaking, rel=1e-3)


def test_training_in_the_three_loops():
    """Open-then-closed: the gradient is that of the loop that switches, and all three paths differ."""
    ends = {}
    for loop in ("closed", "open", 4):
        model = NARX(4, input_taps=1, output_taps=2, loop=loop)
        result = trained(model, Delay(length=12), loop=model.loop, updates=10, stop_when_solved=False)
        ends[loop] = result.parameters.vector
    assert len({vector.tobytes() for vector in ends.values()}) == 3
    also = trained(NARX(4, input_taps=1, output_taps=2), Delay(length=12), loop=0, updates=10)
    np.testing.assert_array_equal(also.parameters.vector, ends["closed"])
