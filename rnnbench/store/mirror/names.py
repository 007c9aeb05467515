"""What of a run becomes an MLflow parameter, metric or tag, and under which name.

Metrics are grouped by what stands before the `/`; the dashboard sorts the groups by name:

curves/          train_loss, validation_loss, validation_score: by update
final/           the scores of the parameters that were kept, and `solved` (0 or 1)
generalisation/  score and loss at other spans: the step is the span
network/         diagnostics
training/        gradient_norm, clipped_share, seconds by update; counts and times of the whole training
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

CURVES = frozenset({"train_loss", "validation_loss", "validation_score"})
#: Columns of a history that are no curves.
_NO_CURVES = frozenset({"update", "sequences", "solved"})
COUNTS = (
    *("solved_at", "sequences_to_solve", "seconds_to_solve", "selected_at"),
    *("updates", "sequences", "compiled_seconds", "resumed"),
)
CONSTANTS = (
    *("n_parameters", "budget", "budget_of", "budget_deviation", "budget_allowed"),
    *("macs_per_step", "receptive_field", "causal", "select", "launcher"),
)
#: Lengths at which MLflow cuts or refuses names and values.
NAME, PARAMETER, TAG = 240, 6000, 8000
_REFUSED = re.compile(r"[^\w\-. ]")


#: One value of a metric: name, value, time in ms since 1970, step.
Point = tuple[str, float, int, int]


class Names:
    """Names that MLflow accepts: refused characters become `_`.

    Of two names that would become one, the second gets `_2`; `originals` holds it as a tag, `name.ACCEPTED`.
    """

    def __init__(self) -> None:
        self._taken: dict[str, str] = {}
        self.originals: dict[str, str] = {}

    def __call__(self, name: str, group: str = "") -> str:
        """Return the accepted form of a name, always the same for the same name and group."""
        plain = _REFUSED.sub("_", name)[:NAME].strip() or "_"
        plain = group + (plain if plain.strip(".") else "_" * len(plain))
        accepted, number = plain, 1
        while self._taken.setdefault(accepted, group + name) != group + name:
            number += 1
            accepted = f"{plain}_{number}"
        if number > 1:
            self.originals[f"name.{accepted}"] = name
        return accepted


def parameters(record: Mapping[str, Any], names: Names) -> dict[str, str]:
    """Return model, task, seed, every field as `model.hidden` or `task.length`, constants and floors."""
    found = {name: record[name] for name in ("model", "task", "seed")}
    for part in ("model", "task", "train", "init"):
        found |= {f"{part}.{name}": value for name, value in record.get(f"{part}_fields", {}).items()}
    optional = {name: record.get(name) for name in CONSTANTS}
    optional["generalisation.field"] = (record.get("generalisation") or {}).get("field")
    for floor in record.get("floors", ()):
        prefix = f"floor.{floor['name']}.{floor['loop']}"
        optional |= {f"{prefix}.{part}": floor.get(part) for part in ("score", "loss")}
    found |= {name: value for name, value in optional.items() if value is not None}
    return {names(name): str(value)[:PARAMETER] for name, value in found.items()}


def tags(record: Mapping[str, Any]) -> dict[str, str]:
    """Return key, study, label, configuration and provenance, and of a run that ended its outcome."""
    provenance = record.get("provenance", {})
    shared = ("key", "study", "task_label", "outcome", "error")
    found = {
        **{name: record[name] for name in shared if record.get(name)},
        **{f"provenance.{name}": value for name, value in provenance.items()},
        "configuration": configuration(record),
        "diverged": str(record.get("outcome") == "diverged").lower(),
        # Names that the dashboard shows in columns of its own.
        "mlflow.source.name": "rnnbench",
        "mlflow.source.git.commit": provenance.get("commit", ""),
    }
    return {name: str(value)[:TAG] for name, value in found.items()}


def configuration(record: Mapping[str, Any]) -> str:
    """Return what runs that differ only in their seed have in common: a label, and a hash of all settings."""
    fields = [record.get(f"{part}_fields") for part in ("model", "task", "train", "init")]
    text = json.dumps([*fields, record.get("budget")], sort_keys=True, default=str)
    mark = hashlib.sha256(text.encode()).hexdigest()[:6]
    size = f"{record['n_parameters']:,} parameters"
    return f"{record['model']} · {record['task_label']} · {size} · {mark}"


def points(record: Mapping[str, Any], rows: Iterable[Mapping[str, Any]], names: Names) -> Iterator[Point]:
    """Yield rows of a finished run's curves, and what the run came to.

    Numbers that are not finite are left out; in a diverged run, large ones are clipped.
    """
    last, ended = int(record.get("updates") or 0), record["ended"]
    found = {f"final/{name}": value for name, value in record.get("scores", {}).items()}
    found["final/solved"] = float(record["outcome"] == "solved")
    found |= {f"training/{name}": record.get(name) for name in COUNTS}
    found |= {f"training/{name}_seconds": value for name, value in record.get("timings", {}).items()}
    single = [(name, value, last) for name, value in found.items()]
    other = record.get("generalisation") or {"values": (), "scores": (), "losses": ()}
    for name, numbers in (("score", other["scores"]), ("loss", other["losses"])):
        spans = zip(other["values"], numbers, strict=False)
        single += [(f"generalisation/{name}", value, int(span)) for span, value in spans]
    single += [(f"network/{name}", value, int(step)) for name, value, step in record.get("diagnostics", ())]
    every = [*curves(rows, ended, names), *_points(single, ended, names)]
    yield from clipped(every) if record["outcome"] == "diverged" else every


def curves(history: Iterable[Mapping[str, Any]], last_time: float, names: Names) -> Iterator[Point]:
    """Yield the points of every curve, row by row.

    Parameters
    ----------
    history : iterable of mapping
        Evaluations; None stands for a value that was not finite, which is left out.
    last_time : float
        When the last one was made, in s since 1970; those before follow from their "seconds".
    names : Names
        Of the run's metrics.
    """
    rows = list(history)
    for row in rows:
        values = [
            (f"{'curves' if name in CURVES else 'training'}/{name}", value, int(row["update"]))
            for name, value in row.items()
            if name not in _NO_CURVES
        ]
        yield from _points(values, last_time - rows[-1]["seconds"] + row["seconds"], names)


def clipped(points: Iterable[Point]) -> Iterator[Point]:
    """Yield the points of a diverged run with large values clipped, so that they do not stretch the axes.

    Scores are clipped at -1 and 1, losses and gradient norms at ten times the first one of the run, and
    diagnostics at 1,000.
    """
    bounds = {"score": 1.0, "network/": 1000.0}
    for name, value, time, step in points:
        kind = next((kind for kind in ("score", "loss", "gradient_norm", "network/") if kind in name), "")
        bound = bounds.setdefault(kind, 10 * abs(value) or 1.0) if kind else math.inf
        yield name, min(max(value, -bound), bound), time, step


def _points(values: Iterable[tuple[str, Any, int]], time: float, names: Names) -> Iterator[Point]:
    for name, value, step in values:
        if value is not None and math.isfinite(value):
            group, _, plain = name.partition("/")
            yield names(plain, f"{group}/"), float(value), round(1000 * time), step
