"""`rnnbench diff A B`: how two stored runs differ in configuration, versions and scores."""

import argparse
import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from rich.text import Text

from rnnbench.base import tables
from rnnbench.base.refusals import Refused
from rnnbench.commands.comparison import Part, columns, compare
from rnnbench.commands.settings import as_typed
from rnnbench.commands.stored import add_key, open_store
from rnnbench.store import StoreError
from rnnbench.store.lookup import find
from rnnbench.sweep.trained import stored_weights

#: Shown for what one of the runs does not have.
LACKS = "-"
#: Settings that leave the weights as they are.
WITHOUT_EFFECT = ("train.threads", "train.checkpoint_every")
#: Facts of a record that follow from the configuration, and results, in the order in which they are shown.
SIZES = ("n_parameters", "budget_deviation", "macs_per_step", "receptive_field", "causal")
RESULTS = (
    *("outcome", "updates", "sequences", "solved_at", "sequences_to_solve", "seconds_to_solve"),
    *("selected_at", "resumed"),
)
#: Facts about the command that made a run.
CIRCUMSTANCES = ("launcher", "select")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_key(parser, "first")
    add_key(parser, "second")


def main(options: argparse.Namespace) -> None:
    """Print how two runs differ; what is the same is left out, except for scores.

    Raises
    ------
    Refused
        An unknown or ambiguous key, or the same run twice.
    """
    store = open_store()
    runs = [find(store, key) for key in (options.first, options.second)]
    records = [record for _, record in runs]
    header = ["", *(f"{record['key']}\n{record['study']}" for record in records)]
    if header[1] == header[2]:
        raise Refused(f"{options.first} and {options.second}: the same run of study {records[0]['study']}")
    screen = tables.console()
    for title, facts in (("configuration", settings), ("versions and provenance", circumstances)):
        rows = differences(*map(facts, records))
        tables.show(screen, header, rows or [["no difference", "", ""]], title=title)
        screen.print()
    rows = compared(*map(results, records))
    # A failed run has no weights.
    with suppress(StoreError):
        weights = [stored_weights(study, record["key"]) for study, record in runs]
        histories = [columns(record["history"], records[0]["history"][0]) for record in records]
        parts = [compare("weights", *weights), compare("history", *histories)]
        rows += [_bits(part) for part in parts if math.isfinite(part.largest)]
    tables.show(screen, [*header, "B - A"], rows, (1, 2, 3), "results")


def settings(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings of a run by their keys on the command line, as they are written there."""
    found = {group: record[group] for group in ("model", "task")}
    for group in ("model", "task", "train", "init"):
        found |= {f"{group}.{name}": value for name, value in record.get(f"{group}_fields", {}).items()}
    if record.get("budget") is not None:
        macs = record.get("budget_of") == "macs_per_step"
        found["budget.macs" if macs else "budget.parameters"] = record["budget"]
    tuning = record.get("tuning") or {}
    found |= {f"tune.{name}": tuning[name] for name in ("trials", "seeds") if name in tuning}
    found["seed"] = record["seed"]
    return {name: as_typed(value) for name, value in found.items() if name not in WITHOUT_EFFECT}


def circumstances(record: Mapping[str, Any]) -> dict[str, str]:
    """Return versions, code, machine and launcher of a run."""
    known = record.get("provenance", {}) | {name: record.get(name) for name in CIRCUMSTANCES}
    texts = {name.replace("_", " "): as_typed(value) for name, value in known.items() if value is not None}
    return texts | ({"commit": texts["commit"][:12]} if "commit" in texts else {})


def results(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return sizes, results and scores of a run."""
    timings = record.get("timings", {})
    known = [timings[part] for part in ("data", "train", "evaluate") if timings.get(part) is not None]
    found = {name: record.get(name) for name in (*SIZES, *RESULTS)}
    return {**found, **record.get("scores", {}), "seconds": sum(known)}


def differences(a: Mapping[str, str], b: Mapping[str, str]) -> list[list[Text]]:
    """Return a line for each fact that differs, group by group: "model.hidden" belongs to "model"."""
    groups = list(dict.fromkeys(name.partition(".")[0] for name in [*a, *b]))
    names = sorted({**a, **b}, key=lambda name: groups.index(name.partition(".")[0]))
    return [
        _line(name, a.get(name, LACKS), b.get(name, LACKS)) for name in names if a.get(name) != b.get(name)
    ]


def compared(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[list[Text]]:
    """Return a line for each result, with the difference of numbers; sizes only if they differ."""
    lines = []
    for name in {**a, **b}:
        one: Any = a.get(name)
        other: Any = b.get(name)
        if (one is None and other is None) or (name in SIZES and (one == other or None in (one, other))):
            continue
        numbers = type(one) in (int, float) and type(other) in (int, float) and one != other
        difference = _number(other - one, "+") if numbers else ""
        lines.append(_line(name.replace("_", " "), _number(one), _number(other), difference))
    return lines


def _number(value: Any, sign: str = "") -> str:
    if type(value) is int:
        return f"{value:{sign},}"
    return f"{value:{sign}.6g}" if isinstance(value, float) else LACKS if value is None else as_typed(value)


def _bits(part: Part) -> list[Text]:
    count = f"{part.values:,} values"
    return _line(part.name, count, count, "same bits" if part.same_bits else f"up to {part.largest:.2g}")


def _line(name: str, a: str, b: str, difference: str = "") -> list[Text]:
    style = "" if a == b else "bold"
    last = [Text(difference, "dim")] if difference else []
    return [Text(name), Text(a, style), Text(b, style), *last]
