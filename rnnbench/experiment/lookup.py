"""Which runs are stored, without reading their files, and the whole record of one by its key."""

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from rnnbench.experiment.refusals import Refused, unknown
from rnnbench.tracking import Store

#: Candidates that a refusal names.
SHOWN = 6
NONE = "there are no runs in ./runs yet: start one with rnnbench run"


class Stored(NamedTuple):
    """One stored run, as much as is known of it without reading its files.

    Attributes
    ----------
    key, study, run_id : str
        Its key, its study, MLflow's id of it.
    status : str
        "finished" or "failed".
    outcome : str
        "solved", "finished", "diverged" or "failed".
    model, task, task_label : str
        Their names, and the task's label for tables.
    seed : int
        Root of its streams.
    score, validation_score : float or None
        On test data and on validation data.
    updates, parameters : int or None
        Updates made; parameters of the network.
    seconds : float or None
        What the run took.
    ended : float
        When it ended, in seconds since 1970.
    scores : dict of str to float
        All scores.
    """

    key: str
    study: str
    run_id: str
    status: str
    outcome: str
    model: str
    task: str
    task_label: str
    seed: int
    score: float | None
    validation_score: float | None
    updates: int | None
    parameters: int | None
    seconds: float | None
    ended: float
    scores: dict[str, Any]

    @property
    def name(self) -> str:
        """Key, model, task and seed in a few words."""
        return f"{self.key} ({self.model} · {self.task_label} · seed {self.seed})"


def listed(store: Store, studies: Iterable[str]) -> list[Stored]:
    """Return the newest run of each key of some studies, by study, and there the oldest first."""
    found = [_stored(study, state) for study in studies for state in store.states(study).values()]
    return sorted(found, key=lambda run: (run.study, run.ended, run.key))


def find(store: Store, text: str, study: str = "") -> dict[str, Any]:
    """Return the whole record of one stored run.

    Parameters
    ----------
    store : Store
        Where it is kept.
    text : str
        Its key or the unique beginning of it, in either case of letters; `STUDY/KEY` for a study's own. Of a
        key that several studies have, the newest run is taken.
    study : str
        The study it must be of; "" for any.

    Returns
    -------
    dict
        The record, with "run_id" and "study".

    Raises
    ------
    Refused
        No run's key begins so, or those of several do; an unknown study.
    """
    named, _, prefix = text.rpartition("/")
    study, prefix, studies = named or study, prefix.lower(), store.studies()
    if study and study not in studies:
        raise unknown("study", study, study, studies)
    known = listed(store, [study] if study else studies)
    if not known:
        raise Refused(f"study {study}: has no runs" if study else NONE)
    newest = sorted(known, key=lambda run: -run.ended)
    alike = [run for run in newest if prefix and run.key.startswith(prefix)]
    alike = [run for run in alike if run.key == prefix] or alike
    if not alike:
        where = f" in study {study}" if study else ""
        raise Refused(
            f"{text or repr('')}: no run{where} has a key that begins so\nthe last ones: {_names(newest)}"
        )
    if len(keys := {run.key for run in alike}) > 1:
        raise Refused(f"{text}: {len(keys)} keys begin so\nthey are: {_names(alike)}")
    place = {"run_id": alike[0].run_id, "study": alike[0].study}
    return {**json.loads(store.read_file(place, "record.json")), **place}


def _names(found: Sequence[Stored]) -> str:
    by_key = {run.key: run for run in reversed(found)}
    newest = list(reversed(by_key.values()))
    return ", ".join(run.name for run in newest[:SHOWN]) + (", ..." if len(newest) > SHOWN else "")


def _stored(study: str, state: Any) -> Stored:
    return Stored(
        key=state.key,
        study=study,
        run_id=state.run_id,
        status=state.status,
        outcome=state.outcome,
        model=state.model,
        task=state.task,
        task_label=state.task_label,
        seed=int(state.seed),
        score=_finite(state.scores.get("test_score")),
        validation_score=_finite(state.scores.get("validation_score")),
        updates=None if state.updates is None else int(state.updates),
        parameters=None if state.n_parameters is None else int(state.n_parameters),
        seconds=_finite(state.seconds),
        ended=float(state.ended),
        scores={name: _finite(score) for name, score in state.scores.items()},
    )


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
