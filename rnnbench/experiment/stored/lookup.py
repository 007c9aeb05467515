"""Which runs are stored, without reading their files, and the whole record of one by its key."""

from collections.abc import Iterable, Sequence
from typing import Any

from rnnbench.experiment.refusals import Refused, unknown
from rnnbench.experiment.wording import run_name
from rnnbench.tracking import State, Store

#: Candidates that a refusal names.
SHOWN = 6
NONE = "there are no runs in ./runs yet: start one with rnnbench run"


def listed(store: Store, studies: Iterable[str]) -> list[State]:
    """Return the run that counts of each key of some studies, by study, and there the oldest first."""
    found = [state for study in studies for state in store.states(study).values()]
    return sorted(found, key=lambda run: (run.study, run.ended, run.key))


def find(store: Store, text: str, study: str = "") -> dict[str, Any]:
    """Return the whole record of one stored run, failed or not.

    Parameters
    ----------
    store : Store
        Where it is kept.
    text : str
        Its key or the unique beginning of it, in either case of letters; `STUDY/KEY` for a study's own. Of a
        key that several studies have, the newest finished run is taken; where none has finished, the newest.
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
    if not studies:
        raise Refused(NONE)
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
    meant = next((run for run in alike if run.status == "finished"), alike[0])
    return store.record(meant.study, meant.run_id)


def _names(found: Sequence[State]) -> str:
    by_key = {run.key: run for run in reversed(found)}
    names = [run_name(run._asdict()) for run in reversed(by_key.values())]
    return ", ".join([*names[:SHOWN], *(["..."] if len(names) > SHOWN else [])])
