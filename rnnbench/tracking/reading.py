"""Reading runs back: whole records, or for a thousand runs at once what their metrics and tags say."""

import json
import math
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from rnnbench.tracking import database
from rnnbench.tracking.connection import BATCH, Connection
from rnnbench.tracking.faults import StoreError
from rnnbench.tracking.naming import scores_of
from rnnbench.tracking.retirement import ENDED, held

#: What a record's provenance says about plugins.
SOURCES = ("model_source", "task_source")
#: Looks for a file: between two of them another process may have moved the run, which a newer one replaces.
LOOKS = 3


class State(NamedTuple):
    """What became of the run of a key.

    Attributes
    ----------
    key, run_id : str
        Ours and MLflow's name of the run.
    study : str
        The study it is of.
    status : str
        "finished" or "failed".
    outcome : str
        "solved", "finished", "diverged" or "failed".
    model, task, task_label : str
        What was trained on what.
    seed, updates, parameters : int
        Root of its streams; updates made; learned numbers of the network.
    seconds : float
        What the run took, without compilation and storing.
    scores : dict of str to float
        As in the record; NaN where a score was not finite.
    ended : float
        Seconds since 1970.
    sources : mapping of str to str
        "model_source", "task_source": where model and task came from, as far as they were plugins.
    compiled_seconds : float
        Of `seconds`, those that a budget of seconds counts; 0 where not known.
    """

    key: str
    run_id: str
    study: str
    status: str
    outcome: str
    model: str
    task: str
    task_label: str
    seed: int
    updates: int
    seconds: float
    parameters: int
    scores: dict[str, float]
    ended: float
    sources: Mapping[str, str] = MappingProxyType({})
    compiled_seconds: float = 0.0

    @property
    def score(self) -> float:
        """The score on test data; NaN where there is none, as for a trial of a tuning."""
        return self.scores.get("test_score", math.nan)

    @property
    def validation_score(self) -> float:
        """The score on validation data; NaN where there is none."""
        return self.scores.get("validation_score", math.nan)


def states(connection: Connection, study: str) -> dict[str, State]:
    """Return what became of each key of a study; see `Store.states`."""
    experiment = connection.find(study)
    if experiment is None:
        return {}
    if connection.file is not None:
        rows = database.ended_runs(connection.file, experiment)
    else:
        rows = [_row(run) for run in connection.search([experiment], "attributes.status != 'RUNNING'")]
    rows = [row for row in rows if row["status"] in ENDED and "key" in row["tags"]]
    best: dict[str, State] = {}
    for row in sorted(rows, key=lambda r: (r["status"] == "FINISHED", r["end_time"] or 0, r["run_id"])):
        best[row["tags"]["key"]] = _state(row, study)
    return dict(sorted(best.items(), key=lambda one: one[1].ended))


def has(connection: Connection, study: str, key: str) -> bool:
    """Whether a study has a finished run of a key; see `Store.has`."""
    return any(run.status == "FINISHED" and not run.deleted for run in held(connection, study, key))


def _row(run: Any) -> dict[str, Any]:
    data = {"metrics": run.data.metrics, "params": run.data.params, "tags": run.data.tags}
    return {"run_id": run.info.run_id, "status": run.info.status, "end_time": run.info.end_time, **data}


def _state(row: Mapping[str, Any], study: str) -> State:
    tags, params = row["tags"], row["params"]
    # SQLite has no NaN.
    metrics = {name: math.nan if value is None else value for name, value in row["metrics"].items()}
    seconds = {name.removeprefix("seconds."): v for name, v in metrics.items() if name.startswith("seconds.")}
    return State(
        key=tags["key"],
        run_id=row["run_id"],
        study=study,
        status=row["status"].lower(),
        outcome=tags.get("outcome", ""),
        model=params.get("model", ""),
        task=params.get("task", ""),
        task_label=tags.get("task_label", ""),
        seed=int(params.get("seed", 0)),
        updates=int(metrics.get("updates", 0)),
        seconds=sum(v for name, v in seconds.items() if name not in ("compile", "tracking")),
        parameters=int(metrics.get("n_parameters", 0)),
        scores=scores_of(metrics),
        ended=(row["end_time"] or 0) / 1000,
        sources={name: tags[f"provenance.{name}"] for name in SOURCES if f"provenance.{name}" in tags},
        compiled_seconds=metrics.get("compiled_seconds", 0.0),
    )


def runs(connection: Connection, study: str) -> list[dict[str, Any]]:
    """Return the records of a study; see `Store.runs`."""
    experiment = connection.find(study)
    if experiment is None:
        return []
    newest: dict[str, Any] = {}
    for run in connection.search([experiment], "attributes.status = 'FINISHED'"):
        newest.setdefault(run.data.tags.get("key", run.info.run_id), run)
    return [_record(connection, run, study) for run in reversed(newest.values())]


def record(connection: Connection, study: str, run_id: str) -> dict[str, Any]:
    """Return the whole record of one run; see `Store.record`."""
    return _record(connection, connection.client().get_run(run_id), study)


def studies(connection: Connection) -> list[str]:
    """Names of all studies, sorted; MLflow's own "Default" is none."""
    if not connection.exists:
        return []
    found = connection.client().search_experiments(max_results=BATCH)
    return sorted(e.name for e in found if e.experiment_id != "0")


def read_file(connection: Connection, record: Mapping[str, Any], name: str) -> bytes:
    """Return one artifact of a run; see `Store.read_file`."""
    run = connection.client().get_run(record["run_id"])
    return _read(connection, run, record["study"], name)


def _record(connection: Connection, run: Any, study: str) -> dict[str, Any]:
    text = _read(connection, run, study, "record.json")
    try:
        record: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise StoreError(
            f"run {run.info.run_id} of study {study}: record.json is damaged ({error})"
        ) from error
    record["run_id"] = run.info.run_id
    return record


def _read(connection: Connection, run: Any, study: str, name: str) -> bytes:
    info = run.info
    if not info.artifact_uri.startswith("file:"):
        return _download(connection, info.run_id, study, name)
    folders, key = connection.folders(study), run.data.tags.get("key", info.run_id)
    for _ in range(LOOKS):
        for place in folders.candidates(info.artifact_uri, key, info.run_id):
            with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                return (place / name).read_bytes()
        info = connection.client().get_run(info.run_id).info
    raise StoreError(f"run {info.run_id} of study {study} has no file {name}")


def _download(connection: Connection, run_id: str, study: str, name: str) -> bytes:
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory() as folder:
        try:
            path = connection.client().download_artifacts(run_id, name, folder)
        except MlflowException as error:
            raise StoreError(f"run {run_id} of study {study} has no file {name}") from error
        return Path(path).read_bytes()
