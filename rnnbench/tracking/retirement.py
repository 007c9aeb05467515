"""One run for each key: which of several stays, and where the others go.

A finished run goes before a failed one, a newer before an older. The others are deleted in MLflow's sense:
its dashboard does not show them, and they can be restored.
"""

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from rnnbench.tracking import database
from rnnbench.tracking.artifacts import local_path
from rnnbench.tracking.connection import Connection
from rnnbench.tracking.writer import is_gone

ENDED = ("FINISHED", "FAILED")
#: Hash of what a run was written from: tells a second sending from a second run.
CONTENT_TAG = "rnnbench.content"
#: Who writes a run, as `writer.this_writer` says.
WRITER_TAG = "rnnbench.writer"


class Held(NamedTuple):
    """What a store holds of a key: one of its runs."""

    run_id: str
    key: str
    status: str
    ended: int
    deleted: bool
    uri: str
    content: str
    writer: str

    @property
    def running(self) -> bool:
        """Whether its writer has not ended it."""
        return self.status == "RUNNING"

    @property
    def rank(self) -> tuple[int, int, str]:
        """The greatest of a key stays."""
        worth = {"FINISHED": 2, "FAILED": 1}.get(self.status, 0)
        return worth, self.ended, self.run_id


def held(connection: Connection, study: str, key: str) -> list[Held]:
    """Return all runs of a key in a study, deleted ones included."""
    experiment = connection.find(study)
    if experiment is None:
        return []
    if connection.file is not None:
        rows = database.runs_tagged(connection.file, experiment, "key", key, (CONTENT_TAG, WRITER_TAG))
    else:
        from mlflow.entities import ViewType

        where = f"tags.key = '{key}'"
        rows = [_row(run) for run in connection.search([experiment], where, ViewType.ALL)]
    return [
        Held(run_id, key, status, int(end or 0), stage == "deleted", uri, content or "", writer or "")
        for run_id, status, end, stage, uri, content, writer in rows
    ]


def _row(run: Any) -> tuple[Any, ...]:
    info, tags = run.info, (run.data.tags.get(CONTENT_TAG), run.data.tags.get(WRITER_TAG))
    return info.run_id, info.status, info.end_time, info.lifecycle_stage, info.artifact_uri, *tags


def settle(connection: Connection, study: str, run_id: str, key: str, status: str, ended: int | None) -> None:
    """End a run that is written, and retire every other of its key, or itself if an older one goes before it.

    Parameters
    ----------
    connection : Connection
        The store.
    study : str
        Name of the study.
    run_id, key, status : str
        The run.
    ended : int or None
        When it ended, in ms; None for a run of this moment, which counts as newer than all others even where
        the clock was set back.

    Notes
    -----
    The others are retired last, so that at no moment the key has no run; on a local store nobody else does
    the same meanwhile. Of two writers on a server at least the later sees both runs, and both choose alike.
    """
    client = connection.client()
    with connection.alone():
        before = held(connection, study, key)
        newest = max((other.ended for other in before if not other.deleted), default=0)
        end_time = max(int(1000 * time.time()), newest + 1) if ended is None else ended
        mine = next(other for other in before if other.run_id == run_id)
        mine = mine._replace(status=status, ended=end_time)
        if connection.local:
            rivals = [mine, *(other for other in before if _rival(other, mine))]
            if max(rivals, key=lambda one: one.rank) is mine:
                _take_place(connection, study, mine, before)
        client.set_terminated(run_id, status, end_time=end_time)
        if connection.local and len(before) == 1:
            return
        after = held(connection, study, key)
        rivals = [other for other in after if other.run_id == run_id or _rival(other, mine)]
        rivals.remove(max(rivals, key=lambda one: one.rank))
        retire(connection, study, rivals, after)


def _rival(other: Held, mine: Held) -> bool:
    """Whether another run is in the way.

    One that is being written is so only if it is an attempt at mine, or if its writer was killed.
    """
    if other.deleted or other.run_id == mine.run_id:
        return False
    return not other.running or other.content == mine.content or is_gone(other.writer)


def keys_of_several(connection: Connection, experiment: str) -> list[str]:
    """Return the keys of a study, by its id, of which there is more than one run that was not deleted."""
    if connection.file is not None:
        return database.repeated(connection.file, experiment, "key")
    found = connection.search([experiment], "tags.`mlflow.source.name` = 'rnnbench'")
    count = Counter(run.data.tags["key"] for run in found if "key" in run.data.tags)
    return [key for key, times in count.items() if times > 1]


def superseded(all_of_key: Iterable[Held]) -> list[Held]:
    """Return the runs of a key that a better or newer one should have driven out."""
    there = sorted(
        (run for run in all_of_key if not run.deleted and not run.running), key=lambda run: run.rank
    )
    return there[:-1]


def retire(connection: Connection, study: str, runs: Iterable[Held], all_of_key: list[Held]) -> int:
    """Delete some of the runs of a key so that they can be restored; returns how many.

    The caller holds the lock.
    """
    client, count = connection.client(), 0
    for run in runs:
        if run.running:
            client.set_terminated(run.run_id, "KILLED")
        if connection.local:
            _put_aside(connection, study, run, all_of_key)
        client.delete_run(run.run_id)
        count += 1
    return count


def remove(connection: Connection, study: str, keys: Iterable[str]) -> int:
    """Retire the runs of keys; returns the number of runs. One that is being written is left alone."""
    count = 0
    for key in dict.fromkeys(keys):
        with connection.alone():
            found = held(connection, study, key)
            ended = [run for run in found if not run.deleted and not run.running]
            count += retire(connection, study, ended, found)
    return count


def restore(connection: Connection, study: str, keys: Iterable[str] | None) -> int:
    """Undo `remove` for keys that have no run now, of each for the best; returns the number of runs.

    None stands for every key of the study that has a deleted run.
    """
    count = 0
    for key in dict.fromkeys(_deleted(connection, study) if keys is None else keys):
        with connection.alone():
            found = held(connection, study, key)
            gone = [run for run in found if run.deleted and run.status in ENDED]
            if not gone or any(not run.deleted and run.status in ENDED for run in found):
                continue
            best = max(gone, key=lambda run: run.rank)
            connection.client().restore_run(best.run_id)
            if connection.local:
                _take_place(connection, study, best, found)
            count += 1
    return count


def _deleted(connection: Connection, study: str) -> list[str]:
    from mlflow.entities import ViewType

    experiment = connection.find(study)
    if experiment is None:
        return []
    found = connection.search([experiment], "", ViewType.DELETED_ONLY)
    return [run.data.tags["key"] for run in found if "key" in run.data.tags]


def _take_place(connection: Connection, study: str, run: Held, all_of_key: list[Held]) -> None:
    """Move the files of a run to the folder of its key, whoever lies there aside.

    The database is changed before each move: a kill between the two leaves a folder that is found by looking
    where it was before (`Folders.candidates`).
    """
    folders = connection.folders(study)
    place = folders.of_key(run.key)
    # First whoever's address is that place: whoever else is thought to lie there was about to be moved.
    for other in sorted(all_of_key, key=lambda one: local_path(one.uri) != place):
        being_written = other.running and folders.draft(other.run_id).exists()
        if other.run_id != run.run_id and not being_written:
            _put_aside(connection, study, other, all_of_key)
    files = next((path for path in folders.candidates(run.uri, run.key, run.run_id) if path.exists()), place)
    if files == place:
        return
    if place.exists():
        # Nobody's: its run was removed for good.
        folders.move(place, folders.aside(f"{run.key}-of-nobody-before-{run.run_id}"))
    assert connection.file is not None
    database.place(connection.file, {run.run_id: place})
    folders.move(files, place)


def _put_aside(connection: Connection, study: str, run: Held, all_of_key: list[Held]) -> None:
    """Move the files of a run to where retired runs lie."""
    folders = connection.folders(study)
    place, aside, draft = folders.of_key(run.key), folders.aside(run.run_id), folders.draft(run.run_id)
    known = local_path(run.uri)
    another_lies_there = any(local_path(other.uri) == place for other in all_of_key if other != run)
    if draft.exists():
        start = draft  # it never got to the folder of its key, whatever its address
    elif known == place or (known == aside and not aside.exists() and not another_lies_there):
        start = place
    else:
        return
    assert connection.file is not None
    database.place(connection.file, {run.run_id: aside})
    folders.move(start, aside)
