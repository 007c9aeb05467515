"""Spans that a finished run was not tried on: evaluated with its stored weights, without training."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from rnnbench.base.wording import counted
from rnnbench.config.configuration import Configuration
from rnnbench.config.identity import run_key
from rnnbench.store import Study
from rnnbench.sweep.plan import Plan
from rnnbench.sweep.run import at_other_spans, one_thread
from rnnbench.sweep.trained import stored_network


def evaluate_spans(plan: Plan, study: Study) -> None:
    """Evaluate stored runs of a plan at those spans of `evaluate.spans` that they were not tried on.

    Parameters
    ----------
    plan : Plan
        Its configurations name the spans.
    study : Study
        Has the runs, and takes the new scores.
    """
    if not any(c.spans for c in plan.configurations):
        return
    lacking = list(_lacking(plan, study))
    if lacking:
        print(f"{counted(len(lacking), 'stored run')} to be tried on further spans", file=sys.stderr)
        one_thread()
    for configuration, record, spans in lacking:
        weights = stored_network(study, record["key"])[1]
        found = at_other_spans(configuration, record["seed"], weights, spans)
        if found is not None:
            record["generalisation"] = merged(record.get("generalisation"), found)
            study.amend(record["key"], record)


def merged(known: Mapping[str, Any] | None, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was known and what was found, by ascending span."""
    if not known:
        return dict(found)
    columns = [name for name in found if isinstance(found[name], list) and name != "too_large"]
    names = ["values", *(c for c in columns if c != "values")]
    rows = {
        row[0]: row for part in (known, found) for row in zip(*(part[name] for name in names), strict=True)
    }
    ordered = zip(*(rows[value] for value in sorted(rows)), strict=True)
    return {**found, **{name: list(column) for name, column in zip(names, ordered, strict=True)}}


def _lacking(plan: Plan, study: Study) -> Iterator[tuple[Configuration, dict[str, Any], list[int]]]:
    """Yield configuration, record and missing spans of each finished run, and say which do not fit."""
    finished = {key for key, summary in study.summaries().items() if summary.finished}
    too_large: set[tuple[str, int]] = set()
    for configuration in plan.configurations:
        for key in (run_key(configuration, seed) for seed in configuration.seeds):
            if key in finished and configuration.spans:
                record = study.record(key)
                known = record.get("generalisation") or {}
                passed = known.get("too_large", [])
                too_large |= {(configuration.task.label, span) for span in passed}
                tried = {*known.get("values", []), *passed}
                if spans := [span for span in configuration.spans if span not in tried]:
                    yield configuration, record, spans
    for label, span in sorted(too_large):
        print(
            f"rnnbench: evaluate.spans: {span} of {label} does not fit into memory; it is left out",
            file=sys.stderr,
        )
