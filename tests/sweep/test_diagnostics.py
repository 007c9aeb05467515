"""`diagnostics=on` end to end: numbers, figures, the same weights and the same key."""

import json

import numpy as np
import pytest

from rnnbench.store import Store
from rnnbench.sweep.diagnostics import STEPS, Diagnostics, numbers
from rnnbench.sweep.trained import stored_weights
from tests.config.composing import configured
from tests.sweep.stored import TINY, records

FIGURES = ("diagnostics_influence.png", "diagnostics_gradients.png", "diagnostics_state.png")


def test_what_is_seen_is_stored_and_changes_no_bit(folder, rnnbench):
    line = f"run model=elman {TINY} seeds=2"
    for study, switch in (("on", "on"), ("off", "off"), ("plain", "")):
        given = f"diagnostics={switch}" if switch else ""
        code, _, err = rnnbench(f"{line} study.name={study} {given}")
        assert (code, err) == (0, "")
    store = Store()
    runs = [records(study) for study in ("on", "off", "plain")]
    for seen, plain, default in zip(*runs, strict=True):
        assert seen["key"] == plain["key"] == default["key"]
        assert seen["history"][-1]["train_loss"] == plain["history"][-1]["train_loss"]
        weights = stored_weights(store.study("off"), plain["key"])
        for name, values in stored_weights(store.study("on"), seen["key"]).items():
            np.testing.assert_array_equal(values, weights[name])
        assert "diagnostics" not in plain
        for name in FIGURES:
            assert store.study("on").read_file(seen["key"], name).startswith(b"\x89PNG")
        whole = json.loads(store.study("on").read_file(seen["key"], "diagnostics.json"))
        assert [look["update"] for look in whole["training"]] == [0, 10, 20]
        assert whole["influence"]["lags"] == list(range(8))
        assert all(whole["influence"]["open"])
        assert whole["influence"]["declared"][0] > 0 and not any(whole["influence"]["declared"][1:])
        assert 0 < whole["memory_capacity"]["total"] <= whole["memory_capacity"]["units"] == 4
    metrics = {name: value for name, value, _ in runs[0][0]["diagnostics"]}
    assert metrics["effective_memory.declared_gates"] == 0
    assert metrics["effective_memory.open_gates"] >= 1 and metrics["memory_capacity"] > 0
    assert metrics["spectral_radius.h"] == metrics["spectral_radius.all"] > 0
    assert metrics["gradient_norm.h.first_step"] == 0 < metrics["gradient_norm.h.largest"]
    lags = [step for name, _, step in runs[0][0]["diagnostics"] if name == "influence.open_gates"]
    assert lags == list(range(8))


@pytest.mark.parametrize(
    "line",
    [
        "model=brnn task=temporal_order task.length=12",
        "model=narx model.output_taps=2 model.loop=open task=sunspots",
        "model=tdnn task=hello",
        "model=rnn task=window",
    ],
)
def test_every_kind_of_task_and_network(line):
    configuration = configured(f"{line} model.hidden=4 diagnostics=on")
    watch = Diagnostics(configuration, 0)
    params = configuration.network.init(0, np.float32)
    watch(0, params)
    seen = watch.end(params)
    assert all(np.isfinite(value) for _, value, _ in numbers(seen))
    assert seen["training"][0]["gradient_norm"]["y"]
    if "loop=open" in line:
        # Fed with targets, training hears nothing through the outputs.
        assert any(seen["influence"]["open"][3:]) and not any(seen["influence"]["declared"][3:])
    if "brnn" in line:
        assert min(seen["influence"]["lags"]) < 0


def test_of_long_sequences_the_last_steps():
    configuration = configured(
        f"model=rnn model.hidden=2 task=window task.length={STEPS + 50} diagnostics=on"
    )
    watch = Diagnostics(configuration, 0)
    watch(0, configuration.network.init(0))
    assert len(watch.end(configuration.network.init(0))["influence"]["lags"]) == STEPS


def test_a_run_that_diverges_is_seen_too(folder, rnnbench):
    code, _, err = rnnbench(
        f"run model=rnn {TINY} model.activation=linear train.optimizer=sgd train.lr=1e6 diagnostics=on"
    )
    assert (code, err) == (0, "")
    (record,) = records()
    assert record["outcome"] == "diverged"
    assert Store().study("default").read_file(record["key"], FIGURES[0]).startswith(b"\x89PNG")


def test_it_is_off_by_default_and_written_down():
    assert configured().diagnostics is False
    assert configured("diagnostics=on").as_plain()["diagnostics"] is True
    assert configured("diagnostics=true").diagnostics is True


def test_a_wrong_value_is_refused(empty, rnnbench):
    code, _, err = rnnbench("run diagnostics=perhaps")
    assert code == 1 and "diagnostics" in err
