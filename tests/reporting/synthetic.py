"""Run records as the store returns them, made from formulas: no training, no MLflow, the same every time."""

import io
import math

import numpy as np

MODELS = {
    "tdnn": {"receptive_field": 10, "rate": 0.0, "best": 0.02},
    "elman": {"receptive_field": "infinite", "rate": 1.0, "best": 0.4},
    "narx": {"receptive_field": "infinite", "rate": 2.0, "best": 0.6},
    "rnn": {"receptive_field": "infinite", "rate": 4.0, "best": 0.98},
    "brnn": {"receptive_field": "infinite", "rate": 5.0, "best": 0.99, "causal": False},
}
FLOORS = [
    {"name": "best constant", "score": 0.0, "loss": 1 / 6, "loop": "both", "how": "the mean of the targets"},
    {"name": "linear", "score": 0.05, "loss": 0.158, "loop": "closed", "how": "least squares on 10 steps"},
    {
        "name": "AR(3)",
        "score": 0.7,
        "loss": 0.05,
        "loop": "open",
        "how": "least squares on three true values",
    },
    {"name": "oracle", "score": 1.0, "loss": 0.0, "loop": "both", "how": "knows the rule"},
]
NOTES = {
    "question": "Who remembers?",
    "source": "Made up, 2026",
    "expected": ["rnn solves it", "tdnn does not"],
}


def record(model="rnn", task="adding", length=20, seed=0, *, outcome=None, score=None, **changes):
    """One run: its score and its curve follow from the model's name and the seed."""
    facts = MODELS[model]
    final = facts["best"] - 0.01 * seed - (0.3 if length > 20 else 0.0) if score is None else score
    outcome = outcome or ("solved" if final > 0.95 else "finished")
    updates = 600 if outcome == "solved" else 1000
    scores = {
        "test_score": final,
        "test_loss": (1 - final) / 6,
        "validation_score": final,
        "validation_loss": 0.1,
    }
    if outcome == "diverged":
        scores = {name: None for name in scores}
    if model == "narx":
        scores["open_loop_score"] = final + 0.1
    made = {
        "key": f"{model}-{task}-{length}-{seed}",
        "study": "made",
        "model": model,
        "task": task,
        "task_label": f"{task} T={length}",
        "seed": seed,
        "model_fields": {"hidden": 10, "initial": "zero"},
        "task_fields": {"length": length},
        "train_fields": {"updates": 1000, "evaluate_every": 100, "stop_when_solved": True, "threads": 2},
        "init_fields": {"bias": 0.0},
        "n_parameters": 151,
        "budget": 150,
        "budget_deviation": 1 / 150,
        "macs_per_step": 140,
        "receptive_field": facts["receptive_field"],
        "causal": facts.get("causal", True),
        "outcome": outcome,
        "solved_at": updates if outcome == "solved" else None,
        "updates": updates,
        "scores": scores,
        "floors": FLOORS,
        "timings": {"compile": 0.0, "data": 0.1, "train": 1.5, "evaluate": 0.2, "tracking": 0.1},
        "provenance": {"commit": "abc123", "dirty": False, "rnnbench": "0.1.0", "processor": "a processor"},
        "study_notes": NOTES,
        "history": list(_looks(final, facts["rate"], updates, outcome)),
    }
    return made | changes


def fair(run, *, spans=None, **changes):
    """Return a run with what newer records have: its budgets, its tuning, what it took, other spans."""
    solved, batch = run["outcome"] == "solved", 32
    space = {"train.lr": ["log", 1e-4, 0.03], "train.clip_norm": ["choice", None, 1.0]}
    chosen = {"train.lr": 0.003, "train.clip_norm": None}
    if run["model"] == "tdnn":
        space["model.window"], chosen["model.window"] = ["int", 5, 40], 20
    made = {
        "sequences": run["updates"] * batch,
        "compiled_seconds": 1.25,
        "sequences_to_solve": run["solved_at"] * batch if solved else None,
        "seconds_to_solve": 0.75 + 0.01 * run["seed"] if solved else None,
        "select": "best_validation",
        "selected_at": run["updates"],
        "resumed": 0,
        "budget_of": "parameters",
        "budget_allowed": 0.02,
        "launcher": "basic",
        "tuning": {
            "study": "made.tuning",
            "trials": 16,
            "seeds": [10000],
            "updates": 500,
            "sampler": "tpe",
            "rule": "highest median validation score",
            "space": space,
            "chosen": chosen,
            "validation_score": 0.5,
        },
        "generalisation": None,
    }
    if spans is not None:
        scores = [score for score, _ in spans.values()]
        made["generalisation"] = {
            "field": "length",
            "values": list(spans),
            "scores": scores,
            "losses": [None if score is None else (1 - score) / 6 for score in scores],
            "solved": [solved for _, solved in spans.values()],
        }
    return run | made | changes


def _looks(final, rate, updates, outcome):
    for update in range(100, updates + 1, 100):
        reached = final * (1 - math.exp(-rate * update / 400))
        exploded = outcome == "diverged" and update > 500
        score = None if exploded else reached
        yield {
            "update": update,
            "train_loss": None if exploded else (1 - reached) / 6,
            "validation_loss": None if exploded else (1 - reached) / 6 + 1e-4,
            "validation_score": score,
        }
        if exploded:
            return


def study(seeds=3):
    """Return all models on two lengths of one task, bidirectional on the first only, one run diverged."""
    runs = [record(m, length=n, seed=s) for n in (20, 100) for m in MODELS for s in range(seeds)]
    runs = [r for r in runs if not (r["model"] == "brnn" and r["task_fields"]["length"] == 100)]
    return [
        record("elman", length=100, seed=1, outcome="diverged") if r["key"] == "elman-adding-100-1" else r
        for r in runs
    ]


SKIPPED = [
    {"model": "brnn", "task": "adding", "task_label": "adding T=100", "reason": "its input holds the answer"}
]


def predictions(record, _name="predictions.npz", *, labels=False):
    """Return the predictions.npz of a run: a sine, or labels, every step but the first ten scored."""
    steps = np.arange(64.0)
    truth = np.sin(steps / 5.0)
    weight = np.ones((64, 1), np.float32)
    weight[:10] = 0.0
    if labels:
        target = (steps.astype(np.int64) % 3)[:, None]
        y = np.eye(3)[(target[:, 0] + (steps > 40)) % 3][:, None, :]
    else:
        target, y = truth[:, None, None], 0.8 * truth[:, None, None]
    made = io.BytesIO()
    np.savez(made, y=y, target=target, weight=weight)
    return made.getvalue()
