"""Whether a comparison was fair: the budget of every network, its tuning, and what training was given."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from rnnbench.reporting.frame import Record, model_labels, task_labels
from rnnbench.reporting.numbers import count_text
from rnnbench.reporting.table import Cell, Row, Table

#: What a budget counts, in words.
COUNTED = {"parameters": "parameters", "macs_per_step": "multiply-adds a step"}
#: The rule by which the reported parameters were chosen, in words and in a sentence.
RULES = {
    "best_validation": ("best validation", "those with the smallest validation loss were kept"),
    "last": ("last", "those after the last update were kept"),
    "first_solved": (
        "first solved",
        "those of the first evaluation that met the task's criterion were kept, else those with the smallest "
        "validation loss",
    ),
}
#: The rule of records that name none: there was no other.
USUAL = "best_validation"
BEYOND = "beyond"


class Fairness(NamedTuple):
    """What one model on one task was given, from the record of its first seed.

    Attributes
    ----------
    task, model : str
        Labels.
    asked, has : float
        Parameters or multiply-adds asked for and reached; NaN without a budget.
    of : str
        "parameters", "macs_per_step" or "".
    deviation, allowed : float
        Shares of what was asked; NaN where not known.
    training : str
        At most so much: "4,000 updates", "100,000 sequences", "10 s of compiled updates".
    select : str
        The rule that chose the reported parameters.
    tuning : mapping
        As in the record; empty where nothing was tuned.
    """

    task: str
    model: str
    asked: float
    has: float
    of: str
    deviation: float
    allowed: float
    training: str
    select: str
    tuning: Mapping[str, Any]

    @property
    def flagged(self) -> bool:
        """Whether the deviation is larger than allowed; never where it is not known what is."""
        return abs(self.deviation) > self.allowed


def fairness(records: Sequence[Record], runs: pd.DataFrame) -> list[Fairness]:
    """Return what each model on each task was given, in the order of tables.

    Parameters
    ----------
    records : sequence of mapping
        Run records; those of older versions lack most of it.
    runs : DataFrame
        From `runs_frame`, whose order of tasks and models is kept.
    """
    tasks = task_labels(records)
    first: dict[tuple[str, str], Record] = {}
    for task, model, record in sorted(
        zip(tasks, model_labels(records, tasks), records, strict=True), key=lambda one: one[2]["seed"]
    ):
        first.setdefault((task, model), record)
    pairs = [(t, m) for t in runs["task"].cat.categories for m in runs["model"].cat.categories]
    return [_fairness(task, model, first[task, model]) for task, model in pairs if (task, model) in first]


def _fairness(task: str, model: str, record: Record) -> Fairness:
    of = str(record.get("budget_of") or "parameters") if record.get("budget") else ""
    count = record.get("macs_per_step" if of == "macs_per_step" else "n_parameters")
    return Fairness(
        task=task,
        model=model,
        asked=_number(record.get("budget")),
        has=_number(count) if of else math.nan,
        of=of,
        deviation=_number(record.get("budget_deviation")),
        allowed=_number(record.get("budget_allowed")),
        training=training_budget(record.get("train_fields", {})),
        select=str(record.get("select") or record.get("train_fields", {}).get("select") or USUAL),
        tuning=record.get("tuning") or {},
    )


def training_budget(fields: Mapping[str, Any]) -> str:
    """Return what training was given at most, in the unit it was given in; "" where that is not known."""
    if fields.get("seconds") is not None:
        return f"{fields['seconds']:g} s of compiled updates"
    for name in ("sequences", "updates"):
        if fields.get(name) is not None:
            return f"{fields[name]:,} {name}"
    return ""


def budget_table(given: Sequence[Fairness]) -> Table | None:
    """One row per task and model: what it was allowed to cost and what it does; None where nothing was set.

    That is: no budget, no tuning, and all trained alike and chosen by the usual rule.
    """
    plain = {(one.asked > 0, bool(one.tuning), one.select) for one in given} == {(False, False, USUAL)}
    if plain and len({one.training for one in given}) < 2:
        return None
    header = ("task", "model", "budget", "has", "deviation", "allowed", "trials", "training", "reported")
    rows, before = [], ""
    for one in given:
        deviation = "" if math.isnan(one.deviation) else f"{100 * one.deviation:+.1f} %"
        texts = (
            one.task if one.task != before else "",
            one.model,
            f"{count_text(one.asked)} {COUNTED.get(one.of, one.of)}" if one.of else "none",
            count_text(one.has),
            f"{deviation} {BEYOND}" if one.flagged else deviation,
            "" if math.isnan(one.allowed) else f"± {100 * one.allowed:.1f} %",
            count_text(_number(one.tuning.get("trials"))) or "none",
            one.training,
            RULES.get(one.select, (one.select,))[0],
        )
        cells = [Cell((text,)) for text in texts]
        cells[4] = cells[4]._replace(strong=one.flagged)
        rows.append(Row(tuple(cells)))
        before = one.task
    return Table(header, tuple(rows), texts=2)


def rules(given: Sequence[Fairness]) -> str:
    """Return how the reported parameters were chosen, as the end of a sentence."""
    found = list(dict.fromkeys(one.select for one in given))
    said = {name: RULES.get(name, (name, f"those of the rule {name} were kept"))[1] for name in found}
    if len(found) == 1:
        return said[found[0]]
    of = {n: ", ".join(dict.fromkeys(o.model for o in given if o.select == n)) for n in found}
    return "; ".join(f"{said[name]} ({of[name]})" for name in found)


def tuning_facts(given: Sequence[Fairness]) -> dict[str, Any] | None:
    """Return the facts about tuning, or None where nothing was tuned.

    Returns
    -------
    dict
        "trials" (text), "equal" (whether every model on every task got as many), "seeds", "rule", "sampler",
        "studies" (texts), "table" (a Table of what was chosen), and "spaces": model and what was tried for
        it, one text per key.
    """
    tuned = [one for one in given if one.tuning]
    if not tuned:
        return None
    counts = sorted({int(one.tuning.get("trials") or 0) for one in given})
    return {
        "trials": " or ".join(map(str, counts)),
        "equal": len(counts) == 1,
        "seeds": _listed(_all(tuned, "seeds")),
        "rule": _listed(_all(tuned, "rule"), "; "),
        "sampler": _listed(_all(tuned, "sampler")),
        "updates": _listed(_all(tuned, "updates"), " or "),
        "studies": _listed(_all(tuned, "study")),
        "table": _chosen_table(tuned),
        "spaces": _spaces(tuned),
    }


def _all(tuned: Sequence[Fairness], name: str) -> list[Any]:
    found: list[Any] = []
    for one in tuned:
        value = one.tuning.get(name)
        for part in value if isinstance(value, list | tuple) else [value]:
            if part is not None and part not in found:
                found.append(part)
    return found


def _listed(values: Sequence[Any], between: str = ", ") -> str:
    return between.join(map(str, values))


def _chosen_table(tuned: Sequence[Fairness]) -> Table:
    """One row per task and model: the values that were chosen, a column for each key."""
    keys = sorted({key for one in tuned for key in one.tuning.get("chosen") or {}}, key=_group)
    rows, before = [], ""
    for one in tuned:
        chosen = one.tuning.get("chosen") or {}
        values = [_value(chosen[key]) if key in chosen else "" for key in keys]
        score = _number(one.tuning.get("validation_score"))
        texts = (
            one.task if one.task != before else "",
            one.model,
            *values,
            "" if math.isnan(score) else f"{score:.3f}",
        )
        rows.append(Row(tuple(Cell((text,)) for text in texts)))
        before = one.task
    names = [key.partition(".")[2] if key.startswith("train.") else key for key in keys]
    return Table(("task", "model", *names, "validation score"), tuple(rows), texts=2)


def _group(key: str) -> tuple[int, str]:
    """Sort what all models have before what is a model's own."""
    return ("train", "init", "model").index(key.partition(".")[0]) if "." in key else 3, key


def _spaces(tuned: Sequence[Fairness]) -> list[tuple[str, str]]:
    """Return what was tried: for all models together, then for each what it has of its own."""
    found: dict[str, dict[str, list[str]]] = {}
    for one in tuned:
        of_model = found.setdefault(one.model, {})
        for key, entry in (one.tuning.get("space") or {}).items():
            text = space_text(entry)
            if text not in of_model.setdefault(key, []):
                of_model[key].append(text)
    texts = {model: {k: " or ".join(v) for k, v in space.items()} for model, space in found.items()}
    shared = dict(set.intersection(*(set(space.items()) for space in texts.values())))
    lines = [("all", shared)] if len(texts) > 1 and shared else []
    own = [(m, {k: v for k, v in s.items() if not lines or k not in shared}) for m, s in texts.items()]
    return [
        (
            name,
            "; ".join(f"{key} {text}" for key, text in sorted(space.items(), key=lambda one: _group(one[0]))),
        )
        for name, space in (*lines, *own)
        if space
    ]


def space_text(entry: Any) -> str:
    """Return what may be tried for a key, in words.

    >>> space_text(["log", 0.0001, 0.03]), space_text(["choice", None, 1.0])
    ('0.0001 … 0.03 (log)', 'one of null, 1')
    """
    kind, *values = entry if isinstance(entry, list | tuple) else ("choice", entry)
    if kind == "choice":
        return f"one of {', '.join(map(_value, values))}"
    return f"{' … '.join(map(_value, values))}{' (log)' if str(kind).startswith('log') else ''}"


def _value(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
