"""Yearly sunspot numbers: data, split, floors, free running."""

import numpy as np
import pytest

from rnnbench.tasks.linear import free_run
from rnnbench.tasks.sunspots import PUBLISHED_VARIANCE, Sunspots, scaling, yearly_numbers
from tests.tasks.predicting import Knowing

MEAN, DEVIATION = scaling()


def years(batch):
    """Years of the targets that are scored."""
    return 1701 + np.flatnonzero(batch.weight[:, 0])


def test_the_series_is_the_one_before_2015():
    s = yearly_numbers()
    assert len(s) == 309 and s[:3].tolist() == [5.0, 11.0, 16.0]
    assert s[1957 - 1700] == 190.2, "the rescaled series has 269.3 here"
    with pytest.raises(ValueError, match="read-only"):
        s[0] = 1.0


def test_the_published_variance_and_that_of_the_data():
    s = yearly_numbers()
    assert PUBLISHED_VARIANCE == 1535.0
    assert s[: 1980 - 1700 + 1].var() == pytest.approx(1535, rel=0.005), "closest for 1700-1980"
    assert s[: 1979 - 1700 + 1].var() == pytest.approx(1496, abs=1)


def test_split_and_warm_up():
    task = Sunspots()
    assert years(task.training(None, 32)).tolist() == list(range(1713, 1921))
    assert years(task.validation(None)).tolist() == list(range(1921, 1956))
    assert years(task.test(None)).tolist() == list(range(1956, 1980))
    assert years(Sunspots(warm_up=0).training(None, 1))[0] == 1701


def test_the_input_is_the_year_before():
    task, s = Sunspots(), yearly_numbers()
    for batch, end in (
        (task.training(None, 1), 1920),
        (task.validation(None), 1955),
        (task.test(None), 1979),
    ):
        assert batch.x.shape == (end - 1700, 1, 1)
        assert batch.x[:, 0, 0] * DEVIATION + MEAN == pytest.approx(s[: end - 1700], abs=1e-4)
        assert batch.target[:, 0, 0] * DEVIATION + MEAN == pytest.approx(s[1 : end - 1700 + 1], abs=1e-4)
        assert np.array_equal(batch.x[1:], batch.target[:-1])


def test_scaling_knows_the_training_years_only():
    s = yearly_numbers()[:221]
    assert (MEAN, DEVIATION) == (s.mean(), s.std())


def test_floors_in_squared_sunspot_numbers():
    floors = {f.name: f for f in Sunspots().floors(None)}
    s = yearly_numbers()
    arv = {name: f.loss * DEVIATION**2 / PUBLISHED_VARIANCE for name, f in floors.items()}
    assert arv["persistence"] == pytest.approx(((s[256:280] - s[255:279]) ** 2).mean() / 1535)
    assert 0.28 < arv["AR(9)"] < 0.40, "the literature has 0.28 and 0.35 for 1956-79"
    assert floors["AR(9)"].score > floors["persistence"].score > floors["best constant"].score == 0.0
    assert floors["AR(9) free-running"].score < floors["AR(9)"].score


def test_the_autoregression_is_that_of_statsmodels():
    ar_model = pytest.importorskip("statsmodels.tsa.ar_model")
    s = yearly_numbers()
    fit = ar_model.AutoReg(s[:221], lags=9).fit()
    one_step = [fit.params[0] + fit.params[1:] @ s[t - 9 : t][::-1] for t in range(256, 280)]
    floors = {f.name: f for f in Sunspots(order=9).floors(None)}
    assert floors["AR(9)"].loss * DEVIATION**2 == pytest.approx(((one_step - s[256:280]) ** 2).mean())
    free = free_run(fit.params, s[:256], 24)
    assert floors["AR(9) free-running"].loss * DEVIATION**2 == pytest.approx(
        ((free - s[256:280]) ** 2).mean()
    )


def test_free_running_starts_from_the_last_known_year():
    task = Sunspots()
    batch = task.test(None)
    scaled = batch.target.astype(np.float64)
    net = Knowing(scaled + 1.0, scaled[255:] + 2.0)
    scores = task.extra_scores(net, net, batch)
    assert net.asked["feed"] == "output" and net.asked["steps"] == 24
    assert net.asked["prefix"].shape == (256, 1, 1), "1701-1956, whose inputs end with the number of 1955"
    unit = DEVIATION**2 / PUBLISHED_VARIANCE
    assert scores["arv"] == pytest.approx(unit) and scores["free_running_arv"] == pytest.approx(4 * unit)
    assert scores["free_running_score"] == pytest.approx(1.0 - 4.0 / task.constant_loss(batch))


def test_a_network_that_reads_the_future_is_refused():
    text = Sunspots().refusal(causal=False, loop="closed")
    assert text.startswith("task=sunspots: its input holds the target one step later")
    assert Sunspots().refusal(causal=True, loop="open") == ""


def test_missing_library_is_said_in_one_line(monkeypatch):
    yearly_numbers.cache_clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"^task=sunspots: .*install statsmodels$"):
        yearly_numbers()
