"""Stored runs by the key that a user gives, or by its beginning."""

from collections.abc import Iterable, Sequence
from typing import Any

from rnnbench.base.refusals import Refused, unknown
from rnnbench.base.wording import run_name
from rnnbench.store.errors import StoreError
from rnnbench.store.store import Store
from rnnbench.store.study import Study
from rnnbench.store.summary import Summary

#: How many runs an error message names.
SHOWN = 6
NO_RUNS = "no runs in ./runs yet; rnnbench run trains one"


def known_study(store: Store, name: str) -> Study:
    """Return a study that exists.

    Raises
    ------
    Refused
        There is none of that name.
    """
    names = store.studies()
    if not names:
        raise Refused(f"{name}: unknown study; {NO_RUNS}")
    if name not in names:
        raise unknown("study", name, name, names)
    return store.study(name)


def listed(studies: Iterable[Study]) -> list[Summary]:
    """Return all readable runs, study by study, the oldest first; the others become `Study.problems`."""
    return [summary for study in studies for summary in study.summaries().values()]


def find(store: Store, text: str) -> tuple[Study, dict[str, Any]]:
    """Return one stored run, finished or failed: its study and its whole record.

    Parameters
    ----------
    store : Store
        Where to look.
    text : str
        The run's key or a unique beginning of it, in upper or lower case, or `STUDY/KEY`. If several studies
        have a run of the key, the newest finished one is returned, else the newest.

    Raises
    ------
    Refused
        No key or several keys start with the text, or the study is unknown.
    StoreError
        The run is damaged.
    """
    study, _, prefix = text.rpartition("/")
    prefix = prefix.lower()
    studies = [known_study(store, study)] if study else [store.study(name) for name in store.studies()]
    newest = sorted(listed(studies), key=lambda run: -run.ended)
    alike = [run for run in newest if prefix and run.key.startswith(prefix)]
    if not alike:
        raise _not_found(text, prefix, study, studies, newest)
    if len({run.key for run in alike}) > 1:
        raise Refused(f"{text}: several keys start with this\nthey are: {_names(alike)}")
    meant = next((run for run in alike if run.finished), alike[0])
    found = store.study(meant.study)
    return found, found.record(meant.key)


def _not_found(
    text: str, prefix: str, study: str, studies: Sequence[Study], newest: Sequence[Summary]
) -> Refused:
    for problem in (problem for one in studies for problem in one.problems):
        if prefix and problem.partition("/")[2].startswith(prefix):
            return StoreError(problem)
    if not newest:
        return Refused(f"study {study}: has no runs" if study else NO_RUNS)
    where = f" in study {study}" if study else ""
    return Refused(
        f"{text or repr('')}: no run{where} has a key that starts with this\nnewest: {_names(newest)}"
    )


def _names(found: Sequence[Summary]) -> str:
    """Name the first of some runs, each key once."""
    by_key = {run.key: run for run in reversed(found)}
    names = [run_name(run._asdict()) for run in reversed(by_key.values())]
    return ", ".join([*names[:SHOWN], *(["..."] if len(names) > SHOWN else [])])
