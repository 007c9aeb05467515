"""Small runs from the command line to their folders."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf

from rnnbench import Network
from rnnbench.store import Store
from rnnbench.sweep.trained import stored_arrays, stored_network, stored_weights
from rnnbench.training import drain, fit
from tests.config.composing import configured
from tests.sweep.stored import TINY, left_over, records

ROOT = Path(__file__).resolve().parents[2]
FILES = ["config.yaml", "history.csv", "network.json", "predictions.npz", "record.json", "weights.npz"]


def test_a_run_is_a_folder(empty, rnnbench):
    code, out, err = rnnbench(f"run model=elman task=adding {TINY} seeds=2")
    assert (code, err) == (0, "")
    (line,) = out.splitlines()
    assert line.startswith("elman · adding T=8") and "solved 0 of 2" in line
    first, second = records()
    assert (first["seed"], second["seed"]) == (0, 1) and first["key"] != second["key"]
    for record in (first, second):
        folder = empty / "runs" / "default" / record["key"]
        assert sorted(path.name for path in folder.iterdir()) == FILES
        assert list(pd.read_csv(folder / "history.csv")["update"]) == [10, 20]
    configuration = configured(f"model=elman task=adding {TINY}")
    assert first["model_fields"]["hidden"] == 4 and first["model_fields"]["gradient"] == "blocked"
    assert first["n_parameters"] == configuration.network.n_parameters
    assert first["receptive_field"] == "infinite" and first["causal"] is True
    assert {"commit", "dirty", "numpy", "numba", "python", "processor", "threads", "numerics"} <= set(
        first["provenance"]
    )
    assert {floor["name"] for floor in first["floors"]} >= {"best constant", "oracle"}
    assert [path.name for path in empty.iterdir()] == ["runs"] and not left_over()


def test_what_is_stored_is_what_fit_trains(empty, rnnbench):
    options = "train.optimizer=sgd train.lr=0.1 train.clip_norm=0.5 init.bias=0.1"
    assert rnnbench(f"run model=rnn task=adding {TINY} {options}")[0] == 0
    configuration, study = configured(f"model=rnn task=adding {TINY}"), Store().study("default")
    (record,) = records()
    settings = {"updates": 20, "batch": 8, "evaluate_every": 10, "lr": 0.1, "clip_norm": 0.5}
    network, task = configuration.network, configuration.task
    result = drain(fit(network, task, **settings, optimizer="sgd", init={"bias": 0.1}))
    weights = stored_weights(study, record["key"])
    assert list(weights) == list(result.parameters)
    for name, values in result.parameters.items():
        np.testing.assert_array_equal(weights[name], values)
    assert record["scores"] == pytest.approx(result.scores)
    assert record["history"][-1]["train_loss"] == result.history[-1]["train_loss"]
    plain = OmegaConf.to_container(OmegaConf.load(study.folder(record["key"]) / "config.yaml"))
    assert plain["seeds"] == [0] and plain["train"]["lr"] == 0.1 and plain["model"]["name"] == "rnn"
    assert stored_network(study, record["key"])[0] == network
    assert set(stored_arrays(study, record["key"], "predictions.npz")) == {"y", "target", "weight"}


def test_every_model_has_the_same_floors_and_lines_come_in_the_order_of_the_plan(empty, rnnbench):
    code, out, _ = rnnbench(f"run -m model=tdnn,elman,rnn task=adding {TINY} seeds=2 train.threads=2")
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == ["tdnn", "elman", "rnn"]
    floors = [record["floors"] for record in records() if record["seed"] == 0]
    assert floors[0] == floors[1] == floors[2] != []


def test_a_task_of_unknown_alignment(empty, rnnbench):
    line = "run model=rnn task=spoken task.test_size=20 train.updates=20 train.evaluate_every=10"
    code, out, err = rnnbench(line)
    assert (code, err) == (0, "") and "spoken 2-5 of 4" in out
    study = Store().study("default")
    (record,) = study.records()
    assert np.isfinite(record["scores"]["test_loss"])
    kept = stored_arrays(study, record["key"], "predictions.npz")
    assert [kept[name].shape for name in ("y", "target", "weight")] == [(32, 4, 5), (5, 4), (4,)]


def test_a_stream_with_the_state_carried(empty, rnnbench):
    line = "run model=rnn task=flipflop train.updates=20 train.evaluate_every=10"
    assert rnnbench(f"{line} train.carry_state=true")[0] == rnnbench(line)[0] == 0
    carried, fresh = Store().study("default").records()
    assert carried["key"] != fresh["key"] and carried["scores"] != fresh["scores"]
    assert [r["train_fields"]["carry_state"] for r in (carried, fresh)] == [True, False]


def test_what_does_not_apply_is_said_and_kept(empty, rnnbench):
    code, out, _ = rnnbench("run -m model=brnn,elman task=sunspots,latch train=smoke")
    (said,) = [text for text in out.splitlines() if "not applicable" in text]
    assert code == 0 and len(out.splitlines()) == 4
    assert said.startswith("brnn · sunspots  not applicable: ")
    (kept,) = Store().study("default").facts()["skipped"]
    assert (kept["model"], kept["task"]) == ("brnn", "sunspots") and kept["reason"] in said


def test_a_study_file(empty, rnnbench):
    (empty / "experiments").mkdir()
    (empty / "experiments" / "mine.yaml").write_text(
        "study: {question: how small}\nmodel: {hidden: 4}\nseeds: 2\n"
        "train: {updates: 4, evaluate_every: 2, batch: 4}\n"
        "sweep: [{model: [elman, rnn], task.length: [8, 10]}, {model: tdnn, task: latch}]\n"
    )
    code, out, err = rnnbench("run experiment=mine")
    assert (code, err, len(out.splitlines())) == (0, "mine: 5 configurations, 10 runs\n", 5)
    study = Store().study("mine")
    assert len(list(study.records())) == 10 and study.facts()["question"] == "how small"
    assert Store().studies() == ["mine"]


@pytest.mark.parametrize(
    ("budget", "of", "got", "said"),
    [
        ("budget.parameters=100", "parameters", 97, "(97 parameters, -3.0%)"),
        ("budget.macs=100", "macs_per_step", 108, "(108 multiply-adds a step, +8.0%)"),
    ],
)
def test_a_budget(empty, rnnbench, budget, of, got, said):
    code, out, err = rnnbench(f"run model=rnn task=adding {TINY} {budget}".replace("model.hidden=4", ""))
    (record,) = records()
    assert (code, err) == (0, "") and said in out
    assert (record["budget"], record["budget_of"], record["tuning"]) == (100, of, None)
    assert record[of if of == "macs_per_step" else "n_parameters"] == got
    assert record["budget_deviation"] == pytest.approx(got / 100 - 1)


def test_a_width_far_from_its_budget_is_warned_of_once(empty, rnnbench):
    line = f"run model=rnn model.embedding=20 task=adding {TINY} budget.parameters=50 seeds=2"
    code, _, err = rnnbench(line.replace("model.hidden=4", ""))
    assert code == 0 and err.count("budget.parameters") == 1
    assert "parameters at the nearest width are +" in err and "are allowed" in err
    assert all(record["budget_deviation"] > record["budget_allowed"] for record in records())


def test_diverged_is_an_outcome(empty, rnnbench):
    line = f"run model=rnn task=adding {TINY} train.optimizer=sgd train.lr=1e30 model.activation=linear"
    code, out, err = rnnbench(line)
    assert (code, err) == (0, "") and "1 diverged" in out
    assert [record["outcome"] for record in records()] == ["diverged"]
    assert "1 done" in rnnbench(line)[2]


def test_more_runs_than_files_may_be_open(empty):
    line = f"run model=elman task=adding {TINY} seeds=120 tracking.mirror=later"
    words = line.replace("train=smoke", "train.updates=1").split()
    done = subprocess.run(
        ["sh", "-c", 'ulimit -n 60 && exec "$@"', "sh", sys.executable, "-m", "rnnbench", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert len(records()) == 120


def test_a_networks_description_is_readable_without_us(empty, rnnbench):
    assert rnnbench(f"run model=narx task=adding {TINY}")[0] == 0
    (record,) = records()
    folder = Store().study("default").folder(record["key"])
    network = Network.from_dict(json.loads((folder / "network.json").read_text()))
    with np.load(io.BytesIO((folder / "weights.npz").read_bytes()), allow_pickle=False) as weights:
        assert sum(weights[name].size for name in weights.files) == network.n_parameters
