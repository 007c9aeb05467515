"""Spans that a finished run was not tried on: evaluated with its stored weights, without training."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from rnnbench.experiment.configuration import Configuration
from rnnbench.experiment.execution import generalised, one_thread
from rnnbench.experiment.plan import Plan
from rnnbench.experiment.resume import Outlook
from rnnbench.experiment.stored.weights import stored_network
from rnnbench.experiment.wording import counted
from rnnbench.tracking import Store


def evaluate_further(plan: Plan, outlook: Outlook, store: Store) -> int:
    """Evaluate stored runs of a plan at the spans of `evaluate.spans` that they lack; returns how many.

    Parameters
    ----------
    plan : Plan
        Its configurations name the spans.
    outlook : Outlook
        Knows which runs are stored.
    store : Store
        Keeps weights, and takes the new scores.
    """
    if not any(c.spans for c in plan.configurations):
        return 0
    records = {record["key"]: record for record in store.runs(plan.configurations[0].study)}
    lacking = list(_lacking(plan, outlook, records))
    if lacking:
        print(f"{counted(len(lacking), 'stored run')} to be tried on further spans", file=sys.stderr)
        one_thread()
    for configuration, record, spans in lacking:
        found = generalised(configuration, record["seed"], stored_network(store, record)[1], spans)
        if found is not None:
            record["generalisation"] = merged(record.get("generalisation"), found)
            store.amend(record["run_id"], record, {})
    return len(lacking)


def merged(known: Mapping[str, Any] | None, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was known and what was found, by ascending span."""
    if not known:
        return dict(found)
    columns = [name for name in found if isinstance(found[name], list)]
    rows = {
        row[0]: row
        for part in (known, found)
        for row in zip(
            *(part[name] for name in ("values", *(c for c in columns if c != "values"))), strict=True
        )
    }
    ordered = zip(*(rows[value] for value in sorted(rows)), strict=True)
    names = ["values", *(c for c in columns if c != "values")]
    return {**found, **{name: list(column) for name, column in zip(names, ordered, strict=True)}}


def _lacking(
    plan: Plan, outlook: Outlook, records: Mapping[str, dict[str, Any]]
) -> Iterable[tuple[Configuration, dict[str, Any], list[int]]]:
    for configuration in plan.configurations:
        for state in outlook.stored(configuration).values():
            record = records.get(state.key)
            if record is not None:
                known = (record.get("generalisation") or {}).get("values", [])
                if spans := [span for span in configuration.spans if span not in known]:
                    yield configuration, record, spans
