"""Where the time of a study went: core-seconds by part, and the share spent on arithmetic and data."""

from collections.abc import Sequence
from typing import Any

from rnnbench.reporting.frame import Record


def time_spent(records: Sequence[Record]) -> dict[str, Any] | None:
    """Return core-seconds by part and two shares, or None where no run has recorded its times.

    Parameters
    ----------
    records : sequence of mapping
        Run records; those without "busy" and "sweep" are left out.

    Returns
    -------
    dict
        "rows": name, core-seconds and per cent of the sweep for each part. "run_share": per cent of the time
        between first and last update, over all runs, that was spent in compiled code or in drawing data;
        "least": the smallest such share of a run, "least_run" the name of that run. "core_seconds":
        processors times the wall time after start-up; "sweep_share": per cent of it spent in compiled code or
        in drawing data. "tracking": seconds spent writing results, on a thread beside those that train.

    Notes
    -----
    Kernels and data are processor seconds of the training threads, so waiting (for the interpreter's lock,
    for a core that is busy with other work) counts as time lost. The wall time of a command ends when the
    last of the given records was written.
    """
    known = [r for r in records if r.get("busy") and r.get("sweep")]
    total = {part: sum(r["busy"][part] for r in known) for part in known[0]["busy"]} if known else {}
    if not known or not total["span"] > 0:
        return None
    core_seconds = _core_seconds(known)
    tracking = sum(float(r["timings"].get("tracking") or 0.0) for r in known)
    useful = _useful(total)
    parts = {
        "kernels, of updates": total["updates"],
        "kernels, of evaluations": total["evaluations"],
        "drawing data": total["data"],
        "other work and waiting between first and last update": total["span"] - useful,
        "before the first update and after the last": total["run"] - total["span"],
        "processors without a run": core_seconds - total["run"],
    }
    shares = {id(r): _share(_useful(r["busy"]), r["busy"]["span"]) for r in known}
    least = min(known, key=lambda r: shares[id(r)])
    return {
        "rows": [(name, seconds, _share(seconds, core_seconds)) for name, seconds in parts.items()],
        "run_share": _share(useful, total["span"]),
        "least": shares[id(least)],
        "least_run": f"{least['model']} on {least.get('task_label', least['task'])}, seed {least['seed']}",
        "sweep_share": _share(useful, core_seconds),
        "core_seconds": core_seconds,
        "tracking": tracking,
    }


def _useful(busy: Record) -> float:
    return float(busy["updates"] + busy["evaluations"] + busy["data"])


def _share(seconds: float, of: float) -> float:
    return 100 * seconds / of if of > 0 else 0.0


def _core_seconds(records: Sequence[Record]) -> float:
    """Return processors times wall-clock seconds, summed over the commands that made the runs."""
    commands: dict[float, float] = {}
    for record in records:
        sweep = record["sweep"]
        seconds = sweep["seconds"] + float(record["timings"].get("tracking") or 0.0)
        commands[sweep["began"]] = max(commands.get(sweep["began"], 0.0), sweep["processors"] * seconds)
    return sum(commands.values())
