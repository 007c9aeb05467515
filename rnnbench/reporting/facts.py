"""What a report says beside its numbers: the study's notes, what was run and how, where it comes from."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from rnnbench.reporting.frame import WITHOUT_EFFECT, Record, model_labels, task_labels

#: Fields of a run's provenance that are printed; a host's or a user's name is not among them.
PROVENANCE = ("rnnbench", "numerics", "python", "numpy", "numba", "mlflow", "processor", "threads")
#: Parts of a run's time that are added up over all runs.
PARTS = ("train", "data", "evaluate", "compile")


def study_notes(records: Sequence[Record]) -> list[tuple[str, list[str]]]:
    """Return heading and texts of each note of the study (question, source, ...), as last written."""
    notes: Mapping[str, Any] = next((r["study_notes"] for r in reversed(records) if r.get("study_notes")), {})
    return [
        (str(name).replace("_", " ").capitalize(), _texts(value))
        for name, value in notes.items()
        if value and name != "name"
    ]


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{name}: {', '.join(_texts(inner))}" for name, inner in value.items()]
    if isinstance(value, list | tuple):
        return [", ".join(_texts(inner)) for inner in value]
    return [" ".join(str(value).split())]


def what_was_run(records: Sequence[Record], runs: pd.DataFrame) -> dict[str, Any]:
    """Return the facts that the page's sentences are made of.

    Returns
    -------
    dict
        "runs", "diverged" (counts), "seeds" (text), "every" (updates between evaluations, text), "stops"
        (whether training stops when a task is solved), "split" (core-seconds by part), "common" (fields that
        all runs share, text) and "budget": None, or sizes (text), largest deviation in per cent, and where.
    """
    seeds = sorted(set(runs["seed"]))
    return {
        "runs": len(runs),
        "diverged": int(runs["diverged"].sum()),
        "seeds": listed(seeds) if len(seeds) <= 8 else f"{len(seeds)} from {seeds[0]} to {seeds[-1]}",
        "every": listed(_values(records, "train_fields", "evaluate_every")) or "so many",
        "stops": True in _values(records, "train_fields", "stop_when_solved"),
        "split": {part: sum(float(r.get("timings", {}).get(part) or 0.0) for r in records) for part in PARTS},
        "common": ", ".join(f"{name}={listed(values)}" for name, values in _common(records).items()),
        "budget": _budget(runs),
    }


def _budget(runs: pd.DataFrame) -> dict[str, Any] | None:
    budgets = sorted(set(runs["budget"].dropna()))
    if not budgets:
        return None
    worst = runs.loc[runs["budget_deviation"].abs().idxmax()]
    return {
        "sizes": listed([f"{size:,.0f}" for size in budgets]),
        "deviation": 100 * float(worst["budget_deviation"]),
        "where": f"{worst['model']} on {worst['task']}",
    }


def model_settings(records: Sequence[Record], runs: pd.DataFrame) -> list[tuple[str, str]]:
    """Return, for each model, its settings beside the common ones; several values where tasks differ."""
    labels = model_labels(records, task_labels(records))
    common = _common(records)
    rows = []
    for model in runs["model"].cat.categories:
        mine = _found([r for r, label in zip(records, labels, strict=True) if label == model])
        own = {name: values for name, values in mine.items() if name not in common}
        rows.append((model, ", ".join(f"{name}={listed(values, ' or ')}" for name, values in own.items())))
    return rows


def _common(records: Sequence[Record]) -> dict[str, list[Any]]:
    """Fields that every run has, with the same value."""
    everywhere = set.intersection(*(set(_found([r])) for r in records))
    found = _found(records)
    return {name: values for name, values in found.items() if len(values) == 1 and name in everywhere}


def _found(records: Iterable[Record]) -> dict[str, list[Any]]:
    """Return the values of all fields of model and training, by name, without those that say nothing."""
    values: dict[str, list[Any]] = {}
    for record in records:
        for group in ("model_fields", "train_fields"):
            for name, value in record.get(group, {}).items():
                known = values.setdefault(name, [])
                if value not in known and value is not None:
                    known.append(value)
    return {name: known for name, known in values.items() if known and name not in WITHOUT_EFFECT}


def provenance(records: Sequence[Record]) -> list[tuple[str, str]]:
    """Return where the runs come from: every value that is found among them."""
    commits = _values(records, "provenance", "commit")
    changed = ", with uncommitted changes" if True in _values(records, "provenance", "dirty") else ""
    found = {name: _values(records, "provenance", name) for name in PROVENANCE}
    others = [(name, listed(values)) for name, values in found.items() if values]
    return [("commit", f"{listed(commits) or 'unknown'}{changed}"), *others]


def _values(records: Iterable[Record], group: str, name: str) -> list[Any]:
    """Return the different values of a field, in the order met; None left out."""
    found = (r.get(group, {}).get(name) for r in records)
    return list(dict.fromkeys(value for value in found if value is not None))


def listed(values: Sequence[Any], between: str = ", ") -> str:
    """Return the values as one text."""
    return between.join(str(value) for value in values)
