"""Run records as tidy data frames: one row per run, one per floor, one per evaluation."""

import hashlib
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

Record = Mapping[str, Any]

#: Scores that every run has; whatever else a task or a loop adds becomes a column of its own.
COMMON_SCORES = ("test_score", "test_loss", "validation_score", "validation_loss")

#: Settings that leave the weights as they are and so tell no two models apart.
WITHOUT_EFFECT = ("threads", "checkpoint_every")

#: Characters of a list (of boxes, of arrows) that a label shows at most.
LONGEST_LIST = 32


def runs_frame(records: Sequence[Record]) -> pd.DataFrame:
    """One row per run, sorted by task, then by model, then by seed.

    Parameters
    ----------
    records : sequence of mapping
        Run records as `Study.records` yields them.

    Returns
    -------
    DataFrame
        Columns: key; task and model, labels as ordered categories (tasks by name, models by reach in time);
        task_name, model_name, seed, outcome, solved, diverged; score (on the test data, in closed loop) and a
        column for each further score; test_loss, validation_score, validation_loss; n_parameters, budget,
        budget_deviation, macs_per_step; reach (past steps that an output can depend on, may be infinite) and
        causal; updates, solved_at, sequences, sequences_to_solve, seconds_to_solve and compiled_seconds (of
        compiled updates alone); seconds (drawing data, updates and evaluation, without compilation),
        compile_seconds; budget_of, budget_allowed, trials (of tuning), select and selected_at (the rule that
        chose the reported parameters, and their update), resumed and launcher. Index 0..n-1. Numbers that a
        run does not have are NaN, words "".

    Raises
    ------
    ValueError
        When there is no record at all.
    """
    if not records:
        raise ValueError("there are no finished runs to report")
    tasks = task_labels(records)
    models = model_labels(records, tasks)
    extra = sorted({name for r in records for name in r.get("scores", {})} - set(COMMON_SCORES))
    frame = pd.DataFrame(
        [_row(r, task, model, extra) for r, task, model in zip(records, tasks, models, strict=True)]
    )
    # Placed by label, not by run: a model whose reach differs from task to task keeps its place.
    place = frame.groupby("model").agg(causal=("causal", "min"), reach=("reach", "min"))
    order = sorted(place.index, key=lambda m: (not place.causal[m], place.reach[m], natural(m)))
    frame["task"] = pd.Categorical(frame["task"], sorted(set(frame["task"]), key=natural), ordered=True)
    frame["model"] = pd.Categorical(frame["model"], order, ordered=True)
    return frame.sort_values(["task", "model", "seed", "key"], ignore_index=True)


def extra_scores(frame: pd.DataFrame) -> list[str]:
    """Names of the scores beside the test score that any run has, in the order of their columns."""
    columns = list(frame.columns)
    between = columns[columns.index("score") + 1 : columns.index("test_loss")]
    return [name for name in between if frame[name].notna().any()]


def floors_frame(records: Sequence[Record]) -> pd.DataFrame:
    """One row per task and floor, worst first: task, floor, loop, column, score, loss, how.

    A floor that is computed from the data is computed for each seed's data; its median is taken. `column` is
    the score it compares with: "score", "open_loop_score" or "free_running_score".
    """
    columns = ["task", "floor", "loop", "column", "score", "loss", "how"]
    rows = [
        {"task": task, "floor": f["name"], "loop": f["loop"], "how": f["how"], "seed": r["seed"]}
        | {"score": _number(f["score"]), "loss": _number(f["loss"])}
        for r, task in zip(records, task_labels(records), strict=True)
        for f in r.get("floors", [])
    ]
    if not rows:
        return pd.DataFrame(columns=columns)
    found, by = pd.DataFrame(rows), ["task", "floor", "loop"]
    for level in ([*by, "seed"], by):
        of_level = found.groupby(level, sort=False)
        found = of_level.agg({"score": "median", "loss": "median", "how": "first"}).reset_index()
    found["column"] = [_column(name, loop) for name, loop in zip(found["floor"], found["loop"], strict=True)]
    return found.sort_values(["task", "score", "floor"], ignore_index=True)[columns]


def _column(floor: str, loop: str) -> str:
    if floor.endswith("free-running"):
        return "free_running_score"
    return "open_loop_score" if loop == "open" else "score"


def histories_frame(records: Sequence[Record]) -> pd.DataFrame:
    """One row per run and evaluation: task, model, seed, key, diverged, and what `fit` yielded."""
    tasks = task_labels(records)
    parts = [
        {
            "task": task,
            "model": model,
            "seed": r["seed"],
            "key": r["key"],
            "diverged": r["outcome"] == "diverged",
            **evaluation,
        }
        for r, task, model in zip(records, tasks, model_labels(records, tasks), strict=True)
        for evaluation in r.get("history", [])
    ]
    numbers = ("update", "train_loss", "validation_loss", "validation_score")
    frame = pd.DataFrame(
        parts, columns=None if parts else ["task", "model", "seed", "key", "diverged", *numbers]
    )
    return frame.astype({name: "float64" for name in numbers if name in frame})


def task_labels(records: Sequence[Record]) -> list[str]:
    """Return each run's label of its task."""
    names = [str(r.get("task_label") or r["task"]) for r in records]
    return _labels(names, [r.get("task_fields", {}) for r in records], ["" for _ in records])


def model_labels(records: Sequence[Record], tasks: Sequence[str]) -> list[str]:
    """Return each run's label of its model, with what tells it from its namesakes on the same task."""
    fields = [
        {**r.get("model_fields", {}), **r.get("train_fields", {}), "init": r.get("init_fields", {})}
        for r in records
    ]
    return _labels([str(r["model"]) for r in records], fields, tasks)


def _labels(names: Sequence[str], fields: Sequence[Mapping[str, Any]], within: Sequence[str]) -> list[str]:
    """Return "name (values of the fields that tell it from others of that name)".

    Only differences between runs that share `within` count: a width solved anew for each task does not tell
    two models of one task apart. A field that only some have (an optimiser's option) tells nothing there.
    """
    flats = [_flat(f) for f in fields]
    found: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for group, known in zip(zip(within, names, strict=True), flats, strict=True):
        for field, value in known.items():
            found[group][field].add(str(value))
    telling: dict[str, set[str]] = defaultdict(set)
    for (_, name), values in found.items():
        telling[name] |= {field for field, seen in values.items() if len(seen) > 1}
    labels = []
    for name, known in zip(names, flats, strict=True):
        parts = [v if isinstance(v, str) else f"{k}={v}" for k, v in known.items() if k in telling[name]]
        labels.append(f"{name} ({', '.join(parts)})" if parts else name)
    return labels


def _flat(fields: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested fields as one level, {"a": {"b": 1}} -> {"a.b": 1}; lists become text."""
    out: dict[str, Any] = {}
    for name, value in fields.items():
        if name in WITHOUT_EFFECT:
            continue
        if isinstance(value, Mapping):
            out |= _flat(value, f"{prefix}{name}.")
        else:
            out[f"{prefix}{name}"] = (
                _shortened(json.dumps(value)) if isinstance(value, list | tuple) else value
            )
    return out


def _shortened(text: str) -> str:
    """Return a text as it is, or the beginning of a long one with a mark that tells it from others."""
    if len(text) <= LONGEST_LIST:
        return text
    mark = hashlib.sha256(text.encode()).hexdigest()[:4]
    return f"{text[: LONGEST_LIST - 8].rstrip()} … #{mark}"


def natural(value: object) -> tuple[tuple[str, float], ...]:
    """Sort key in which T=20 stands before T=100."""
    parts: Iterable[tuple[str, str]] = re.findall(r"(\D*)(\d*)", str(value))
    return tuple((word, float(number or -1)) for word, number in parts)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _reach(steps: Any) -> float:
    return math.inf if steps == "infinite" else _number(steps)


def _row(record: Record, task: str, model: str, extra: Sequence[str]) -> dict[str, Any]:
    scores, timings = record.get("scores", {}), record.get("timings", {})
    return {
        "key": record["key"],
        "task": task,
        "model": model,
        "task_name": record["task"],
        "model_name": record["model"],
        "seed": record["seed"],
        "outcome": record["outcome"],
        "solved": record["outcome"] == "solved",
        "diverged": record["outcome"] == "diverged",
        "score": _number(scores.get("test_score")),
        **{name: _number(scores.get(name)) for name in extra},
        "test_loss": _number(scores.get("test_loss")),
        "validation_score": _number(scores.get("validation_score")),
        "validation_loss": _number(scores.get("validation_loss")),
        "n_parameters": _number(record.get("n_parameters")),
        "budget": _number(record.get("budget")),
        "budget_deviation": _number(record.get("budget_deviation")),
        "macs_per_step": _number(record.get("macs_per_step")),
        "reach": _reach(record.get("receptive_field")),
        "causal": bool(record.get("causal", True)),
        "updates": _number(record.get("updates")),
        "solved_at": _number(record.get("solved_at")),
        "seconds": sum(_number(timings.get(part, 0.0)) for part in ("data", "train", "evaluate")),
        "compile_seconds": _number(timings.get("compile")),
        "sequences": _number(record.get("sequences")),
        "compiled_seconds": _number(record.get("compiled_seconds")),
        "sequences_to_solve": _number(record.get("sequences_to_solve")),
        "seconds_to_solve": _number(record.get("seconds_to_solve")),
        "budget_of": str(record.get("budget_of") or ("parameters" if record.get("budget") else "")),
        "budget_allowed": _number(record.get("budget_allowed")),
        "trials": _number((record.get("tuning") or {}).get("trials")),
        "select": str(record.get("select") or ""),
        "selected_at": _number(record.get("selected_at")),
        "resumed": _number(record.get("resumed")),
        "launcher": str(record.get("launcher") or ""),
    }
