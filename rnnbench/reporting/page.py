"""A study's report: the page with its tables and figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from rnnbench.base.figures import png
from rnnbench.base.files import replace_folder
from rnnbench.reporting import budgets, facts
from rnnbench.reporting.curves import learning_curves
from rnnbench.reporting.frame import Record, extra_scores, floors_frame, histories_frame, runs_frame
from rnnbench.reporting.generalisation import (
    by_span,
    longest_frame,
    longest_table,
    spans_figure,
    spans_frame,
    spans_table,
    trained_spans,
)
from rnnbench.reporting.predictions import Prediction, predictions, read_prediction
from rnnbench.reporting.rendering import markdown
from rnnbench.reporting.samples import written
from rnnbench.reporting.solving import solving_table
from rnnbench.reporting.statistics import summarise
from rnnbench.reporting.stored_files import ReadFile, read_arrays
from rnnbench.reporting.table import Table, csv_frame, details, floor_name, overview
from rnnbench.reporting.time_spent import time_spent


def write_report(
    study: str,
    records: Sequence[Record],
    read_file: ReadFile,
    out: str | Path = "reports",
    skipped: Sequence[Mapping[str, str]] = (),
) -> Path:
    """Write the report of given records.

    Parameters
    ----------
    study : str
        Name of the study.
    records : sequence of mapping
        Run records.
    read_file : callable
        Gives the content of a record's stored file by name; raises StoreError where there is none.
    out : str or Path
        The report becomes the folder `out`/`study`; what was there is replaced as a whole.
    skipped : sequence of mapping
        Pairs that a task refused: model, task_label, reason.

    Returns
    -------
    Path
        The page, `out`/`study`/index.md.
    """
    runs, floors = runs_frame(records), floors_frame(records)
    summary, extra = summarise(runs), extra_scores(runs)
    curves, files = _curves(records, runs, floors)
    tasks = []
    for number, task in enumerate(runs["task"].cat.categories, start=1):
        here = runs[runs["task"] == task]
        table = details(summary, floors, task, [name for name in extra if here[name].notna().any()])
        known = floors[floors["task"] == task].to_dict("records")
        hows = [{"name": floor_name(f), "how": f["how"]} for f in known]
        tasks.append({"name": task, "table": markdown(table), "figure": None, "floors": hows})
        tasks[-1]["samples"] = written(records, here, read_file)
        found = _predictions(records, here, read_file)
        if found:
            name, seed = f"predictions_{number}.png", here["seed"].min()
            what = "prediction (orange) and ground truth (blue), first test sequence"
            tasks[-1]["figure"] = {"file": name, "caption": f"{task}: {what}, seed {seed}."}
            files[name] = png(predictions(found, task))
    reach, of_reach = _reach(records, runs)
    files |= of_reach
    given = budgets.fairness(records, runs)
    page = _template().render(
        study=study,
        unfinished=facts.unfinished(records),
        notes=facts.study_notes(records),
        overview=markdown(overview(summary, floors, skipped)),
        curves=curves,
        tasks=tasks,
        run=facts.what_was_run(records, runs),
        time=time_spent(records),
        extra=extra,
        solving=_rendered(solving_table(summary)),
        reach=reach,
        budgets=_rendered(budgets.budget_table(given)),
        rules=budgets.rules(given),
        tuning=_tuning(given),
        settings=facts.settings(records, runs),
        provenance=facts.provenance(records),
    )
    files |= {
        "index.md": page.encode(),
        "table.csv": _csv(csv_frame(summary, floors)),
        "runs.csv": _csv(runs),
    }
    folder = Path(out) / study
    replace_folder(folder, files)
    return folder / "index.md"


def _rendered(table: Table | None) -> str:
    return "" if table is None else markdown(table)


def _tuning(given: Sequence[budgets.Fairness]) -> dict[str, Any] | None:
    found = budgets.tuning_facts(given)
    return None if found is None else {**found, "table": markdown(found["table"])}


def _reach(records: Sequence[Record], runs: pd.DataFrame) -> tuple[dict[str, Any] | None, dict[str, bytes]]:
    """Return what the page says about other spans, and the files: nothing where none were tried."""
    spans = spans_frame(records, runs)
    if spans.empty:
        return None, {}
    at, longest, trained = by_span(spans), longest_frame(spans), trained_spans(records)
    tasks = [task for task in at["task"].cat.categories if task in set(at["task"])]
    said = {
        "longest": markdown(longest_table(longest)),
        "several": bool(longest["n"].max() > 1),
        "tasks": [{"name": t, "table": markdown(spans_table(at, t, trained.get(t)))} for t in tasks],
    }
    whole = at.merge(longest.drop(columns="n"), on=["task", "model"])
    figure = spans_figure(at, trained, list(runs["model"].cat.categories))
    return said, {"spans.png": png(figure), "spans.csv": _csv(whole)}


def _curves(
    records: Sequence[Record], runs: pd.DataFrame, floors: pd.DataFrame
) -> tuple[list[dict[str, str]], dict[str, bytes]]:
    """Return the captions and the files of the learning curves: by score, by validation loss."""
    histories = histories_frame(records)
    if histories.empty:
        return [], {}
    tasks, models = list(runs["task"].cat.categories), list(runs["model"].cat.categories)
    several = runs.groupby(["task", "model"])["seed"].size().max() > 1
    band = "line: median over seeds; band: smallest to largest" if several else "one seed"
    shown, files = [], {}
    for value, name in (("validation_score", "learning_curves"), ("validation_loss", "loss_curves")):
        files[f"{name}.png"] = png(learning_curves(histories, floors, tasks, models, value))
        what = value.replace("_", " ").capitalize()
        shown.append(
            {
                "file": f"{name}.png",
                "caption": f"{what} during training ({band}). Dashed: floors (of the test data).",
            }
        )
    return shown, files


def _predictions(records: Sequence[Record], runs: pd.DataFrame, read_file: ReadFile) -> dict[str, Prediction]:
    """Return, for each model of one task, what its first seed put out for the first test sequence."""
    by_key = {r["key"]: r for r in records}
    found = {}
    for model, mine in runs.groupby("model"):
        arrays = read_arrays(by_key[mine["key"].iloc[0]], read_file)
        one = read_prediction(arrays) if arrays is not None else None
        if one is not None:
            found[str(model)] = one
    return found


def _csv(frame: pd.DataFrame) -> bytes:
    text: str = frame.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    return text.encode()


def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("rnnbench.reporting"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,  # Markdown, not HTML
    )
    return environment.get_template("index.md.j2")
