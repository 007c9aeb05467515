"""What `runs`, `diff` and `rerun` ask of a store that has no such verbs of its own, by MLflow's client."""

import time
from typing import NamedTuple

from rnnbench.tracking import Store


class State(NamedTuple):
    key: str
    run_id: str
    status: str
    outcome: str
    model: str
    task: str
    task_label: str
    seed: int
    updates: int | None
    seconds: float | None
    n_parameters: int | None
    scores: dict
    ended: float


def give(monkeypatch):
    """Add the verbs that the store lacks."""
    for name, verb in (("states", states), ("remove", remove), ("restore", restore)):
        if not hasattr(Store, name):
            monkeypatch.setattr(Store, name, verb, raising=False)


def found(store, study, view=1):
    client = store._connect()
    experiment = client.get_experiment_by_name(study)
    ids = [] if experiment is None else [experiment.experiment_id]
    return client.search_runs(ids, run_view_type=view, order_by=["attributes.end_time DESC"]) if ids else []


def states(store, study):
    newest = {}
    for run in found(store, study):
        tags, metrics, params = run.data.tags, run.data.metrics, run.data.params
        if run.info.status not in ("FINISHED", "FAILED"):
            continue
        scores = {n.removeprefix("best_"): v for n, v in metrics.items() if n.startswith(("best_", "test_"))}
        newest.setdefault(
            tags["key"],
            State(
                key=tags["key"],
                run_id=run.info.run_id,
                status=run.info.status.lower(),
                outcome=tags["outcome"],
                model=params["model"],
                task=params["task"],
                task_label=tags["task_label"],
                seed=int(params["seed"]),
                updates=int(metrics["updates"]) if "updates" in metrics else None,
                seconds=(run.info.end_time - run.info.start_time) / 1000,
                n_parameters=int(metrics["n_parameters"]),
                scores=scores,
                ended=run.info.end_time / 1000 if run.info.end_time else time.time(),
            ),
        )
    return newest


def remove(store, study, keys):
    chosen = [run for run in found(store, study) if run.data.tags["key"] in keys]
    for run in chosen:
        store._connect().delete_run(run.info.run_id)
    return len(chosen)


def restore(store, study, keys=None):
    chosen = [run for run in found(store, study, view=2) if keys is None or run.data.tags["key"] in keys]
    for run in chosen:
        store._connect().restore_run(run.info.run_id)
    return len(chosen)
