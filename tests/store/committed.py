"""Runs as training would commit them: a record, the files beside it, and the folder of both."""

import math
import secrets
import time
from contextlib import closing
from io import BytesIO

import numpy as np

from rnnbench.base.plain import as_json
from rnnbench.store.history import history_csv
from rnnbench.store.study import Study

KEY = "0123456789abcdef"


def history(updates=(10, 20), **changes):
    """Evaluations, better each time."""
    return [
        {"update": u, "sequences": 8 * u, "train_loss": 1 / u, "gradient_norm": 0.5, "clipped_share": 0.0}
        | {"validation_loss": 1 / u, "validation_score": 1 - 1 / u, "solved": False, "seconds": u / 100}
        | changes
        for u in updates
    ]


def facts(key=KEY, seed=0, **changes):
    """What is known of a run while it trains."""
    return {
        "key": key,
        "run": secrets.token_hex(8),
        "study": "demo",
        "study_notes": {"question": "Which one?"},
        "model": "elman",
        "task": "adding",
        "task_label": "adding T=20",
        "seed": seed,
        "model_fields": {"hidden": 8, "activation": "tanh"},
        "task_fields": {"length": 20},
        "train_fields": {"updates": 20, "lr": 0.001},
        "init_fields": {"bias": 0.0},
        "n_parameters": 105,
        "budget": None,
        "began": time.time() - 60,
        "sweep": {"id": "s", "began": time.time() - 60, "processors": 2},
        "provenance": {"commit": "abc", "dirty": False, "threads": 2},
    } | changes


def record(key=KEY, seed=0, outcome="finished", **changes):
    """A whole record, with its history."""
    return (
        facts(key, seed)
        | {
            "outcome": outcome,
            "ended": time.time(),
            "solved_at": None,
            "updates": 20,
            "sequences": 160,
            "macs_per_step": 88,
            "receptive_field": "infinite",
            "causal": True,
            "scores": {"validation_score": 0.95, "test_score": 0.9, "test_loss": 0.1},
            "floors": [{"name": "best constant", "score": 0.0, "loss": 1.0, "loop": "both", "how": "mean"}],
            "timings": {"compile": 0.1, "data": 0.2, "train": 0.3, "evaluate": 0.1},
            "history": history(),
        }
        | changes
    )


DIVERGED = {
    "outcome": "diverged",
    "scores": {"test_score": -3e42, "test_loss": 5e40, "validation_loss": math.nan},
}


def commit(root, made=None, study="demo", **changes):
    """Put a run into the store as training does; returns its record."""
    made = record(**changes) if made is None else made
    own = Study(root, study)
    own.open()
    claim = own.claim(made["key"])
    assert claim.take()
    weights = BytesIO()
    np.savez(weights, w=np.ones(2))
    files = {"config.yaml": b"model: elman\n", "network.json": b"{}", "weights.npz": weights.getvalue()}
    files["history.csv"] = history_csv(made["history"]).encode()
    plain = {name: value for name, value in made.items() if name != "history"}
    with closing(_Claimed(claim)):
        own.commit(claim, made["key"], plain, files)
    return made


def train(root, made, rows, study="demo"):
    """Put what others can see of a run in training beside the study; its claim is not taken."""
    own = Study(root, study)
    own.open()
    own.layout.running(made["key"]).write_bytes(as_json(made))
    own.layout.progress(made["key"]).write_text(history_csv(rows), encoding="utf-8")


class _Claimed:
    def __init__(self, claim):
        self.close = claim.release
