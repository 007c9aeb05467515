"""What of a run record becomes an MLflow parameter, metric or tag, and under which name."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

HISTORY = ("train_loss", "gradient_norm", "clipped_share", "validation_loss", "validation_score", "seconds")
COUNTS = (
    *("n_parameters", "budget", "budget_deviation", "budget_allowed", "macs_per_step"),
    *("solved_at", "sequences_to_solve", "seconds_to_solve", "selected_at"),
    *("updates", "sequences", "compiled_seconds", "resumed"),
)
#: How the names of metrics begin that are no scores; a score that begins so is not read back by `scores_of`.
_NO_SCORES = ("floor.", "seconds.", "diagnostics.", "generalisation.")
#: What MLflow does not accept in a name; dropped.
_REFUSED = re.compile(r"[^\w\-. /]")


def finite(value: Any) -> Any:
    """Replace every float of a nested structure that is not finite by None, so that it is strict JSON."""
    if isinstance(value, Mapping):
        return {str(k): finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [finite(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def columns(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a run: model, task, seed, and every field as `model.hidden`, `task.length`."""
    found = {"model": record["model"], "task": record["task"], "seed": record["seed"]}
    for part in ("model", "task", "train", "init"):
        for name, value in record.get(f"{part}_fields", {}).items():
            found[f"{part}.{name}"] = value
    for name in ("receptive_field", "causal", "select", "launcher", "budget_of"):
        if record.get(name) is not None:
            found[name] = record[name]
    return {_name(k): v for k, v in found.items()}


def metrics_of(record: Mapping[str, Any]) -> Iterator[tuple[str, float, int]]:
    """Yield (name, value, step): the history by update, then scores, floors, counts, seconds, and the rest.

    The scores of the parameters that were kept are named `best_validation_score`, ...; `validation_score` is
    the history. Infinite becomes NaN, since MLflow's database would store it as 1.8e308.
    """
    for entry in record.get("history", []):
        for name in HISTORY:
            if entry.get(name) is not None:
                yield name, _number(entry[name]), int(entry["update"])
    last = int(record.get("updates") or 0)
    for name, value in record.get("scores", {}).items():
        if value is not None:
            yield _name(f"best_{name}" if name.startswith("validation_") else name), _number(value), last
    for floor in record.get("floors", []):
        for part in ("score", "loss"):
            if floor.get(part) is not None:
                yield _name(f"floor.{floor['name']}.{floor['loop']}.{part}"), _number(floor[part]), last
    for name in COUNTS:
        if record.get(name) is not None:
            yield name, _number(record[name]), last
    for name, value in record.get("timings", {}).items():
        if value is not None:
            yield f"seconds.{name}", _number(value), last
    yield from _generalisation(record.get("generalisation") or {}, last)
    for name, value, step in record.get("diagnostics", ()):
        if value is not None:
            yield _name(f"diagnostics.{name}"), _number(value), int(step)
    yield "solved", float(record["outcome"] == "solved"), last


def _generalisation(found: Mapping[str, Any], last: int) -> Iterator[tuple[str, float, int]]:
    """Scores and losses at other spans: `generalisation.score.length.100`."""
    for part, numbers in (("score", found.get("scores", ())), ("loss", found.get("losses", ()))):
        for value, number in zip(found.get("values", ()), numbers, strict=False):
            if number is not None:
                yield _name(f"generalisation.{part}.{found['field']}.{value}"), _number(number), last


def scores_of(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the scores among the metrics of a run, under the names they have in its record.

    Parameters
    ----------
    metrics : mapping of str to float
        The last value of each metric.
    """
    others = {*HISTORY, *COUNTS, "solved"}
    return {
        name.removeprefix("best_") if name.startswith("best_validation_") else name: value
        for name, value in metrics.items()
        if name not in others and not name.startswith(_NO_SCORES)
    }


def tags_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Tags of a run: its key, study, label and outcome, and its provenance."""
    tags = {name: str(record[name]) for name in ("key", "study", "task_label", "outcome")}
    tags["diverged"] = str(record["outcome"] == "diverged").lower()
    provenance = record.get("provenance", {})
    tags |= {f"provenance.{name}": str(value) for name, value in provenance.items()}
    # Names the dashboard shows in columns of its own.
    tags |= {"mlflow.source.name": "rnnbench", "mlflow.source.git.commit": str(provenance.get("commit", ""))}
    return tags


def _number(value: Any) -> float:
    number = float(value)
    return number if math.isfinite(number) else math.nan


def _name(name: str) -> str:
    return _REFUSED.sub("", name)
