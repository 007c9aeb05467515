"""Writing a run: whole, after it has ended, and nothing that looks finished before it is.

One `create_run`, one `log_batch` for each thousand metrics, the files, then the status.
"""

import hashlib
import json
import math
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from rnnbench.tracking.artifacts import local_path, write_all
from rnnbench.tracking.connection import BATCH, Connection
from rnnbench.tracking.naming import HISTORY, columns, finite, metrics_of, tags_of
from rnnbench.tracking.retirement import (
    CONTENT_TAG,
    WRITER_TAG,
    held,
    keys_of_several,
    retire,
    settle,
    superseded,
)
from rnnbench.tracking.writer import is_there, this_writer

LONGEST_PARAMETER = 6000
#: When a run's writing began, in ms: its start_time is that of its training, which may be hours before.
WRITING_TAG = "rnnbench.writing_since"
#: Seconds after which a run that is still RUNNING is taken for one whose writer was killed, where that writer
#: was on another machine.
ABANDONED = 60.0


def content_of(record: Mapping[str, Any], files: Mapping[str, bytes]) -> str:
    """Return a hash of a run's record and files: the same for every attempt to store it."""
    found = hashlib.sha256(json.dumps(record, sort_keys=True).encode())
    for name in sorted(files):
        found.update(name.encode() + hashlib.sha256(files[name]).digest())
    return found.hexdigest()


def write_run(
    connection: Connection,
    record: Mapping[str, Any],
    files: Mapping[str, bytes],
    ended: float | None = None,
) -> str:
    """Store one run and return MLflow's id of it; see `Store.write`.

    Parameters
    ----------
    connection : Connection
        The store; the study was opened.
    record, files : mapping
        As for `Store.write`.
    ended : float, optional
        When it ended, in s since 1970; now, if not given.
    """
    client, study = connection.client(), record["study"]
    clock, now = time.perf_counter(), int(1000 * time.time())
    end = now if ended is None else int(1000 * ended)
    took = sum(v for v in record.get("timings", {}).values() if v is not None and math.isfinite(v))
    run = client.create_run(
        connection.open(study),
        start_time=end - int(1000 * took),
        tags={
            **tags_of(record),
            **{WRITING_TAG: str(now), WRITER_TAG: this_writer(), CONTENT_TAG: content_of(record, files)},
        },
        run_name=f"{record['model']} · {record['task_label']} · seed {record['seed']}",
    )
    run_id = str(run.info.run_id)
    try:
        _log(connection, run_id, metrics_of(record), columns(record))
        store_files(connection, run.info, files)
        tracking = time.perf_counter() - clock
        whole = {**record, "timings": {**record.get("timings", {}), "tracking": tracking}}
        store_files(connection, run.info, {"record.json": as_json(whole)})
        client.log_metric(run_id, "seconds.tracking", tracking)
        status = "FAILED" if record["outcome"] == "failed" else "FINISHED"
        settle(connection, study, run_id, record["key"], status, None if ended is None else end)
    except Exception:
        # What lies there now helps nobody, and the disk may be full.
        if connection.local:
            connection.folders(study).discard_draft(run_id)
        raise
    return run_id


def amend_run(
    connection: Connection, run_id: str, record: Mapping[str, Any], files: Mapping[str, bytes]
) -> None:
    """Add to a stored run; see `Store.amend`."""
    # Another process that replaces the run at this moment would have these files among its own.
    with connection.alone():
        run = connection.client().get_run(run_id)
        known = run.data.metrics
        added = [
            (name, value, step)
            for name, value, step in metrics_of(record)
            if name not in known or (name not in HISTORY and not _same(value, known[name]))
        ]
        _log(connection, run_id, added, {})
        whole = {name: value for name, value in record.items() if name != "run_id"}
        # The record last: it is what says that there are further files.
        for part in (files, {"record.json": as_json(whole)}):
            store_files(connection, run.info, part, run.data.tags["key"])


def as_json(record: Mapping[str, Any]) -> bytes:
    """Return strict JSON: numbers that are not finite become null."""
    return json.dumps(finite(record), allow_nan=False, ensure_ascii=False).encode()


def store_files(connection: Connection, info: Any, files: Mapping[str, bytes], key: str = "") -> None:
    """Put files beside a run: on this disk where the store keeps them there, else through its server.

    Parameters
    ----------
    connection : Connection
        The store.
    info : mlflow.entities.RunInfo
        The run.
    files : mapping of str to bytes
        Content by name.
    key : str
        The run's, when it may have been moved.
    """
    if info.artifact_uri.startswith("file:"):
        folder = local_path(info.artifact_uri)
        if key and connection.local:
            study = connection.client().get_experiment(info.experiment_id).name
            places = connection.folders(study).candidates(info.artifact_uri, key, info.run_id)
            folder = next((place for place in places if place.exists()), folder)
        write_all(folder, files)
        return
    with tempfile.TemporaryDirectory() as temporary:
        write_all(Path(temporary), files)
        connection.client().log_artifacts(info.run_id, temporary)


def end_abandoned(connection: Connection, study: str) -> None:
    """Give the status KILLED to our runs whose writer was killed, and retire what it could not retire.

    A writer of this machine is looked for among the processes; a run of one elsewhere is taken for abandoned
    after a minute, or where it is so far in the future that a clock must have been set back. Of a key that
    has several runs, because its writer was killed before it had retired the older, the best one stays.
    """
    client, experiment = connection.client(), connection.open(study)
    ours = "attributes.status != 'FINISHED' AND tags.`mlflow.source.name` = 'rnnbench'"
    unfinished = list(connection.search([experiment], ours))
    for run in unfinished:
        if run.info.status == "RUNNING" and _abandoned(run):
            with connection.alone(), suppress_gone():
                # It may have ended since it was listed; a writer that is gone ends nothing after this look.
                if client.get_run(run.info.run_id).info.status == "RUNNING":
                    client.set_terminated(run.info.run_id, "KILLED", end_time=_since(run))
    if connection.served and not unfinished:
        return
    for key in keys_of_several(connection, experiment):
        with connection.alone(), suppress_gone():
            all_of_key = held(connection, study, key)
            retire(connection, study, superseded(all_of_key), all_of_key)


def _abandoned(run: Any) -> bool:
    """Whether the writer of a run that is RUNNING will not end it."""
    there = is_there(run.data.tags.get(WRITER_TAG, ""))
    if there is not None:
        return not there
    return abs(1000 * time.time() - _since(run)) > 1000 * ABANDONED


def _since(run: Any) -> int:
    """Return when the writing of a run began, in ms."""
    return int(run.data.tags.get(WRITING_TAG, run.info.start_time))


def suppress_gone() -> suppress:
    """Let pass that another process has deleted a run meanwhile."""
    from mlflow.exceptions import MlflowException

    return suppress(MlflowException)


def _log(connection: Connection, run_id: str, metrics: Any, params: Mapping[str, Any]) -> None:
    from mlflow.entities import Metric, Param

    client, now = connection.client(), int(1000 * time.time())
    points = [Metric(name, value, now, step) for name, value, step in metrics]
    columns = [Param(name, str(value)[:LONGEST_PARAMETER]) for name, value in params.items()]
    client.log_batch(run_id, metrics=points[:BATCH], params=columns)
    for first in range(BATCH, len(points), BATCH):
        client.log_batch(run_id, metrics=points[first : first + BATCH])


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))
