"""Minimal runs, as training would commit them."""

from rnnbench.base.plain import as_json
from rnnbench.store.history import history_csv

HISTORY = [
    {"update": u, "train_loss": 1 / u, "gradient_norm": 0.5, "validation_loss": 1 / u}
    | {"validation_score": 1 - 1 / u, "solved": False, "seconds": u / 100}
    for u in (10, 20)
]


def key_of(number):
    """Return a key of the form of real ones."""
    return f"{number:016x}"


def record(outcome="finished", **changes):
    """Return the content of a record.json."""
    made = {
        "run": "r1",
        "outcome": outcome,
        "model": "elman",
        "task": "adding",
        "task_label": "adding T=20",
        "seed": 0,
        "model_fields": {"hidden": 8},
        "task_fields": {"length": 20},
        "train_fields": {"updates": 20, "lr": 0.001},
        "init_fields": {"bias": 0.0},
        "n_parameters": 105,
        "budget": None,
        "budget_deviation": None,
        "macs_per_step": 88,
        "receptive_field": "infinite",
        "causal": True,
        "solved_at": None,
        "updates": 20,
        "began": 90.0,
        "ended": 100.0,
        "sweep": {"id": "s1", "began": 90.0, "seconds": 10.0, "processors": 2},
        "scores": {"validation_score": 0.95, "test_score": 0.9, "test_loss": 0.1},
        "floors": [],
        "timings": {"compile": 0.1, "data": 0.2, "train": 0.3, "evaluate": 0.1},
        "provenance": {"commit": "abc", "dirty": False, "threads": 2},
    }
    return made | changes


def files(history=HISTORY):
    """Return the other files of a run."""
    return {"config.yaml": b"model: elman\n", "history.csv": history_csv(history).encode()}


def commit(study, key, content=None, **changes):
    """Commit a run of a study; returns its key."""
    study.open()
    claim = study.claim(key)
    assert claim.take()
    try:
        study.commit(claim, key, content or record(**changes), files())
    finally:
        claim.release()
    return key


def write(study, key, **changes):
    """Write the folder of a run without a claim, as a copied folder would come: quicker for thousands."""
    folder = study.layout.run(key)
    folder.mkdir(parents=True)
    (folder / "record.json").write_bytes(as_json(record(**changes)))
    for name, content in files().items():
        (folder / name).write_bytes(content)
