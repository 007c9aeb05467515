"""Small run records, as an experiment would build them, and the files beside them."""

import json
import math


def record(key="0123456789abcdef", study="demo", seed=0, outcome="finished", **changes):
    history = [
        {"update": u, "train_loss": 1 / u, "gradient_norm": 0.5, "clipped_share": 0.0}
        | {"validation_loss": 1 / u, "validation_score": 1 - 1 / u, "solved": False, "seconds": u / 100}
        for u in (10, 20)
    ]
    made = {
        "key": key,
        "study": study,
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
        "budget_deviation": None,
        "macs_per_step": 88,
        "receptive_field": "infinite",
        "causal": True,
        "outcome": outcome,
        "solved_at": None,
        "updates": 20,
        "scores": {"validation_score": 0.95, "test_score": 0.9, "test_loss": 0.1},
        "floors": [{"name": "best constant", "score": 0.0, "loss": 1.0, "loop": "both", "how": "mean"}],
        "timings": {"compile": 0.1, "data": 0.2, "train": 0.3, "evaluate": 0.1},
        "provenance": {"commit": "abc", "dirty": False, "threads": 2},
        "history": history,
    }
    return made | changes


FILES = {"config.yaml": b"model: elman\n", "history.json": json.dumps([1, 2]).encode()}

DIVERGED = {
    "outcome": "diverged",
    "scores": {"test_score": -math.inf, "test_loss": math.inf, "validation_loss": math.nan},
}
