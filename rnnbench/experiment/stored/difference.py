"""`rnnbench diff A B`: how two stored runs differ in configuration, versions and scores."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from rich.text import Text

from rnnbench.experiment import available, grids, schema
from rnnbench.experiment.identity import default_of
from rnnbench.experiment.refusals import Refused
from rnnbench.experiment.stored.comparison import Part, compare_histories, compare_weights
from rnnbench.experiment.stored.lookup import find
from rnnbench.experiment.stored.weights import stored_weights
from rnnbench.tracking import Store, StoreError

#: What one of the runs does not have.
LACKS = "-"
#: Settings that leave the weights as they are.
WITHOUT_EFFECT = ("threads", "checkpoint_every")
#: Facts of a record that are results, in the order in which they are shown.
RESULTS = (
    "outcome",
    "updates",
    "sequences",
    "solved_at",
    "sequences_to_solve",
    "seconds_to_solve",
    "selected_at",
    "resumed",
)
#: What follows from the configuration.
SIZES = ("n_parameters", "budget_deviation", "macs_per_step", "receptive_field", "causal")
NAMES = {"n_parameters": "parameters", "macs_per_step": "multiply-adds per step"}
#: Facts about the command that made a run.
CIRCUMSTANCES = ("launcher", "select")


class Row(NamedTuple):
    """One line: what, of the first run, of the second, and how far they lie apart where both are numbers."""

    what: str
    a: str
    b: str
    apart: str = ""


def diff(store: Store, first: str, second: str) -> None:
    """Print how two runs differ: what they have alike is left out, but for their scores.

    Parameters
    ----------
    store : Store
        Where they are kept.
    first, second : str
        Their keys, or the beginnings of them, see `lookup.find`.

    Raises
    ------
    Refused
        An unknown or ambiguous key, or the same run twice.
    """
    a, b = find(store, first), find(store, second)
    if a["run_id"] == b["run_id"]:
        raise Refused(f"{first} and {second}: the same run of study {a['study']}")
    screen = grids.console()
    header = ("", *(f"{r['key']}\n{r['study']}" for r in (a, b)))
    same = "the same key: what decides the weights is the same" if a["key"] == b["key"] else ""
    settings = list(configurations(a, b))
    _show(screen, "configuration", header, settings, same or "no difference")
    _show(screen, "versions and provenance", header, list(provenances(a, b)), "no difference")
    results = [*outcomes(a, b), *_trained_bits(store, a, b)]
    grids.show(screen, (*header, "B - A"), [_cells(row) for row in results], (1, 2, 3), "results")


def _show(screen: Any, title: str, header: Sequence[str], rows: Sequence[Row], otherwise: str) -> None:
    if rows:
        grids.show(screen, header, [_cells(row)[:3] for row in rows], title=title)
    else:
        screen.print(Text(title, style="bold underline"))
        screen.print(Text(otherwise, style="dim"))
    screen.print()


def _cells(row: Row) -> tuple[Text, ...]:
    style = "" if row.a == row.b else "bold"
    return Text(row.what), Text(row.a, style=style), Text(row.b, style=style), Text(row.apart, style="dim")


def configurations(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the settings in which two records differ, by their keys on the command line.

    A setting that is newer than a record had its default then; one that a model, task or optimiser does not
    have is shown as "-".
    """
    of_a, of_b = _settings(a), _settings(b)
    keys = dict.fromkeys([*of_a, *of_b])
    groups = list(dict.fromkeys(key.partition(".")[0] for key in keys))
    for key in sorted(keys, key=lambda k: groups.index(k.partition(".")[0])):
        one, other = (_as_typed(of[key]) if key in of else LACKS for of in (of_a, of_b))
        if one != other:
            yield Row(key, one, other)


def _settings(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings of a run by their keys on the command line."""
    model, task = record["model"], record["task"]
    parts: dict[str, Mapping[str, Any]] = {
        "model": _defaults(available.models().get(model)) | record.get("model_fields", {}),
        "task": _defaults(available.tasks().get(task)) | record.get("task_fields", {}),
        "train": _defaults(schema.Train) | record.get("train_fields", {}),
        "init": _defaults(schema.Init) | record.get("init_fields", {}),
    }
    found: dict[str, Any] = {}
    for group, part in parts.items():
        if group in ("model", "task"):
            found[group] = record[group]
        found |= {f"{group}.{name}": v for name, v in part.items() if name not in WITHOUT_EFFECT}
    of = record.get("budget_of") or "parameters"
    for name in ("parameters", "macs_per_step"):
        amount = record.get("budget") if of == name else None
        found[f"budget.{'macs' if name == 'macs_per_step' else name}"] = amount
    tuning = record.get("tuning") or {}
    found |= {f"tune.{name}": tuning[name] for name in ("trials", "seeds") if name in tuning}
    return found | {"seed": record["seed"]}


def _defaults(kind: type[Any] | None) -> dict[str, Any]:
    return {} if kind is None else {f.name: default_of(f) for f in fields(kind)}


def _as_typed(value: Any) -> str:
    """Return a value as it is written on the command line."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, separators=(",", ":"), default=str)
    return str(value)


def provenances(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Row]:
    """Yield what of versions, code, machine and circumstances differs."""
    one, other = ({**r.get("provenance", {}), **_facts(r, CIRCUMSTANCES)} for r in (a, b))
    for name in dict.fromkeys([*one, *other]):
        texts = [_as_typed(of[name]) if of.get(name) is not None else LACKS for of in (one, other)]
        if texts[0] != texts[1]:
            short = [text[:12] if name == "commit" else text for text in texts]
            yield Row(name.replace("_", " "), *short)


def outcomes(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Row]:
    """Yield sizes that differ, what came out, and every score with the difference."""
    for name in (*SIZES, *RESULTS):
        one, other = a.get(name), b.get(name)
        if one != other if name in SIZES else (one, other) != (None, None):
            yield _row(name, one, other)
    scores_a, scores_b = a.get("scores", {}), b.get("scores", {})
    for name in dict.fromkeys([*scores_a, *scores_b]):
        yield _row(name, scores_a.get(name), scores_b.get(name))
    yield _row("seconds", *(_seconds(record) for record in (a, b)))


def _row(name: str, one: Any, other: Any) -> Row:
    apart = ""
    if _is_number(one) and _is_number(other) and one != other:
        apart = (
            f"{other - one:+,}" if isinstance(one, int) and isinstance(other, int) else f"{other - one:+.4g}"
        )
    return Row(NAMES.get(name, name.replace("_", " ")), _number(one), _number(other), apart)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any) -> str:
    if value is None:
        return LACKS
    if isinstance(value, bool) or not _is_number(value):
        return _as_typed(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"


def _facts(record: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: record[name] for name in names if record.get(name) is not None}


def _seconds(record: Mapping[str, Any]) -> float | None:
    timings = record.get("timings", {})
    known = [float(timings[part]) for part in ("data", "train", "evaluate") if timings.get(part) is not None]
    return round(math.fsum(known), 3) if known else None


def _trained_bits(store: Store, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Row]:
    """Yield how far weights and histories lie apart, where they can be compared."""
    try:
        part = compare_weights(stored_weights(store, a), stored_weights(store, b))
    except StoreError:
        return  # A failed run has none.
    if not math.isinf(part.largest):
        yield Row("weights", part.extent, part.extent, _apart(part))
    one, other = (f"{len(record.get('history', []))} evaluations" for record in (a, b))
    yield Row("history", one, other, _apart(compare_histories(a.get("history", []), b.get("history", []))))


def _apart(part: Part) -> str:
    if part.same_bits:
        return "same bits"
    return "" if math.isinf(part.largest) else f"up to {part.largest:.2g}"
