"""What a report says beside its numbers: the study's notes, what was run and how, where it comes from."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from rnnbench.reporting.budgets import COUNTED
from rnnbench.reporting.frame import WITHOUT_EFFECT, Record, model_labels, natural, task_labels

#: Fields of a run's provenance that are printed; a host's or a user's name is not among them.
PROVENANCE = (
    "rnnbench",
    "numerics",
    "python",
    "numpy",
    "numba",
    "mlflow",
    "processor",
    "threads",
    "model_source",
    "task_source",
)
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


def unfinished(records: Sequence[Record]) -> str:
    """Return "Unfinished: n of m runs" where the newest run belongs to a plan not all of which is finished.

    Runs of other plans (the study with other seeds, say) are not counted; "" where no plan is known.
    """
    newest = records[-1] if records else {}
    planned = newest.get("planned_runs")
    found = len({r["key"] for r in records if r.get("plan") == newest.get("plan")})
    return "" if planned is None or found >= planned else f"Unfinished: {found} of {planned} runs"


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
        (whether training stops when a task is solved), "split" (core-seconds by part), "launchers" (text),
        "resumed" (runs that went on from a checkpoint), and "budget": None, or sizes (text), largest
        deviation in per cent, where, and of how many "networks" (of a model on a task) how many lie "beyond"
        what is allowed.
    """
    seeds = sorted(set(runs["seed"]))
    return {
        "runs": len(runs),
        "diverged": int(runs["diverged"].sum()),
        "seeds": listed(seeds) if len(seeds) <= 8 else f"{len(seeds)} from {seeds[0]} to {seeds[-1]}",
        "every": listed(_values(records, "train_fields", "evaluate_every")) or "so many",
        "stops": True in _values(records, "train_fields", "stop_when_solved"),
        "split": {part: sum(float(r.get("timings", {}).get(part) or 0.0) for r in records) for part in PARTS},
        "launchers": listed(sorted(set(runs["launcher"]) - {""})),
        "resumed": int((runs["resumed"] > 0).sum()),
        "budget": _budget(runs),
    }


def _budget(runs: pd.DataFrame) -> dict[str, Any] | None:
    asked = runs.dropna(subset="budget")
    if asked.empty:
        return None
    worst = asked.loc[asked["budget_deviation"].abs().idxmax()]
    beyond = asked[asked["budget_deviation"].abs() > asked["budget_allowed"]]
    sizes = [
        f"{listed([f'{size:,.0f}' for size in sorted(set(found['budget']))])} {COUNTED.get(of, of)}"
        for of, found in asked.groupby("budget_of")
    ]
    return {
        "sizes": listed(sizes, " or "),
        "deviation": 100 * float(worst["budget_deviation"]),
        "where": f"{worst['model']} on {worst['task']}",
        "networks": len(asked.groupby(["task", "model"], observed=True)),
        "beyond": len(beyond.groupby(["task", "model"], observed=True)),
    }


def settings(records: Sequence[Record], runs: pd.DataFrame) -> dict[str, Any]:
    """Return which fields of models and training had which values, each said once.

    Returns
    -------
    dict
        "common": the fields with one value in all runs. "tasks": for each task those with one value in all
        its runs. "models": for each model the others; several values where tasks differ. All as text.
    """
    tasks = task_labels(records)
    of_task, of_model = _grouped(records, tasks), _grouped(records, model_labels(records, tasks))
    common = _shared(records)
    shared = {
        task: {k: v for k, v in _shared(mine).items() if k not in common} for task, mine in of_task.items()
    }
    by_task = set.intersection(*(set(known) for known in shared.values()))
    said = by_task | set(common)
    own = {m: {k: v for k, v in _found(mine).items() if k not in said} for m, mine in of_model.items()}
    return {
        "common": _fields(common),
        "tasks": {
            t: _fields({k: v for k, v in known.items() if k in by_task}) for t, known in shared.items()
        },
        "models": {model: _fields(own[model]) for model in runs["model"].cat.categories},
    }


def _grouped(records: Sequence[Record], labels: Sequence[str]) -> dict[str, list[Record]]:
    groups: dict[str, list[Record]] = {}
    for record, label in zip(records, labels, strict=True):
        groups.setdefault(label, []).append(record)
    return groups


def _shared(records: Sequence[Record]) -> dict[str, list[Any]]:
    """Fields that every one of these runs has, with the same value."""
    everywhere = set.intersection(*(set(_found([r])) for r in records))
    found = _found(records)
    return {name: values for name, values in found.items() if len(values) == 1 and name in everywhere}


def _found(records: Iterable[Record]) -> dict[str, list[Any]]:
    """Return the values of all fields of model and training, by name, without those that say nothing."""
    values: dict[str, list[Any]] = {}
    for record in records:
        fields = {
            **record.get("model_fields", {}),
            **record.get("train_fields", {}),
            "budget" if record.get("budget_of") != "macs_per_step" else "budget.macs": record.get("budget"),
        }
        for name, value in fields.items():
            known = values.setdefault(name, [])
            if value not in known and value is not None:
                known.append(value)
    return {name: known for name, known in values.items() if known and name not in WITHOUT_EFFECT}


def _fields(values: Mapping[str, Sequence[Any]]) -> str:
    return ", ".join(f"{name}={listed(sorted(found, key=natural), ' or ')}" for name, found in values.items())


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
