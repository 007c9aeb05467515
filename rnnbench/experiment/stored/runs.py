"""`rnnbench runs`: what is stored, in a list that can be filtered, and what of it is deleted."""

import csv
import io
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from rich.text import Text

from rnnbench.experiment import grids
from rnnbench.experiment.refusals import Refused, unknown
from rnnbench.experiment.stored.filters import Filter, is_filter, read_filters
from rnnbench.experiment.stored.lookup import NONE, listed
from rnnbench.experiment.wording import counted, score_text
from rnnbench.tracking import State, Store

#: What is told of a run, in the order of JSON's keys and of CSV's columns.
LISTED = (
    *("key", "study", "run_id", "status", "outcome", "model", "task", "task_label", "seed"),
    *("score", "validation_score", "updates", "parameters", "seconds", "ended"),
)
#: Keys that a line names.
SHOWN = 6
_HOUR, _DAY = 3600.0, 86400.0
_STYLES = {"solved": "green", "diverged": "yellow", "failed": "red"}


def runs(
    store: Store, words: Sequence[str], act: str = "list", form: str = "table", sure: bool = False
) -> int:
    """List stored runs, delete them, or bring deleted ones back; returns the exit code.

    Parameters
    ----------
    store : Store
        Where they are kept.
    words : sequence of str
        The name of a study, or none for all; conditions (see `filters.read_filter`).
    act : "list", "delete" or "restore"
        What is done.
    form : "table", "json" or "csv"
        What a list looks like.
    sure : bool
        Whether to delete without a question.

    Raises
    ------
    Refused
        An unknown study or condition; a deletion that nobody can be asked about.
    """
    study, filters = _read(words)
    studies = store.studies()
    if study and not studies:
        raise Refused(f"{study}: unknown study; {NONE}")
    if study and study not in studies:
        raise unknown("study", study, study, studies)
    if act == "restore":
        return _restore(store, study, filters)
    found = [run for run in listed(store, [study] if study else studies) if all(f.fits(run) for f in filters)]
    if act == "delete":
        return _delete(store, found, words, sure)
    if form == "table" and not found:
        print("no such run" if filters or study else NONE, file=sys.stderr)
    elif form == "table":
        _print(found)
    else:
        print(_as_json(found) if form == "json" else _as_csv(found), end="")
    return 0


def _read(words: Sequence[str]) -> tuple[str, list[Filter]]:
    names = [word for word in words if not is_filter(word)]
    if len(names) > 1:
        raise Refused(f"{' '.join(names)}: one study at a time, or none for all; conditions are KEY=VALUE")
    return "".join(names), read_filters([word for word in words if is_filter(word)])


def _print(found: Sequence[State]) -> None:
    now = time.time()
    # Trials of a tuning have no test score.
    known = any(isfinite(run.score) for run in found)
    trials = not known and any(isfinite(run.validation_score) for run in found)
    several = len({run.study for run in found}) > 1
    header = ["key", *(["study"] if several else []), "model", "task", "seed", "outcome"]
    header += ["validation" if trials else "score", "updates", "seconds", "age"]
    lines: list[grids.Line] = []
    for run in found:
        score = run.validation_score if trials else run.score
        lines.append(
            [
                Text(run.key, style="bold"),
                *([run.study] if several else []),
                *(run.model, run.task_label, str(run.seed)),
                Text(run.outcome, style=_STYLES.get(run.outcome, "")),
                score_text(score) if isfinite(score) else "",
                f"{run.updates:,}",
                f"{run.seconds:.1f}" if isfinite(run.seconds) else "",
                age_text(now - run.ended),
            ]
        )
    places = {name: place for place, name in enumerate(header)}
    grids.show(
        grids.console(),
        header,
        lines,
        [places[name] for name in ("seed", header[-4], "updates", "seconds", "age")],
    )
    print(f"\n{_counted(found)}")


def _counted(found: Sequence[State]) -> str:
    outcomes = [run.outcome for run in found]
    parts = [f"{n:,} {name}" for name in dict.fromkeys(sorted(outcomes)) if (n := outcomes.count(name))]
    study = f" of {found[0].study}" if len({run.study for run in found}) == 1 else ""
    return f"{counted(len(found), 'run')}{study}: {', '.join(parts)}"


def age_text(seconds: float) -> str:
    """Return how long ago in the largest unit that fits, "5 min"; a clock that was set back gives "0 s"."""
    for unit, size in (("d", _DAY), ("h", _HOUR), ("min", 60.0)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"


def _facts(run: State) -> dict[str, Any]:
    """Return what scripts are told of a run; None where a number is not finite."""
    return {name: _finite(getattr(run, name)) for name in LISTED}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value


def _as_json(found: Sequence[State]) -> str:
    plain = [
        {**_facts(run), "scores": {name: _finite(score) for name, score in run.scores.items()}}
        for run in found
    ]
    return json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _as_csv(found: Sequence[State]) -> str:
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(LISTED)
    for run in found:
        ended = datetime.fromtimestamp(run.ended, UTC).isoformat(timespec="seconds")
        writer.writerow((_facts(run) | {"ended": ended}).values())
    return target.getvalue()


def _delete(store: Store, found: Sequence[State], words: Sequence[str], sure: bool) -> int:
    """Delete the runs, after a question; nothing is lost: MLflow only marks them."""
    if not found:
        raise Refused("no such run: nothing is deleted")
    if not sure:
        if not sys.stdin.isatty():
            raise Refused(f"{_counted(found)}\nnobody can be asked here: --yes deletes them")
        _print(found)
        # Asked on stderr, so that a list that is piped on stays a list.
        print("delete them? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            print("nothing is deleted")
            return 0
    for study in dict.fromkeys(run.study for run in found):
        keys = [run.key for run in found if run.study == study]
        removed = store.remove(study, keys)
        print(f"{study}: {counted(removed, 'run')} deleted; {_way_back(study, keys)}")
    return 0


def _way_back(study: str, keys: Sequence[str]) -> str:
    if len(keys) > SHOWN:
        return f"rnnbench runs {study} --restore brings back all that was deleted of it"
    them = "them" if len(keys) > 1 else "it"
    return f"rnnbench runs {study} key={','.join(keys)} --restore brings {them} back"


def _restore(store: Store, study: str, filters: Sequence[Filter]) -> int:
    """Bring deleted runs of a study back: all, or those whose keys are given."""
    if not study:
        raise Refused("--restore needs the name of a study: rnnbench runs STUDY --restore")
    if any(f.field != "key" or f.sign != "=" for f in filters):
        raise Refused("--restore takes no conditions but key=..., the keys of what was deleted")
    keys = [value.lower() for f in filters for value in f.values]
    print(f"{study}: {counted(store.restore(study, keys or None), 'run')} restored")
    return 0
