"""Where the time of a study went: core-seconds by part, and how much of them was arithmetic."""

from collections.abc import Sequence
from typing import Any

from rnnbench.reporting.frame import Record

#: Targets, in per cent, for kernels and the drawing of data: of the core-seconds between the
#: first and the last update of the runs, and of all core-seconds of a sweep after its start-up.
OF_RUNS, OF_SWEEP = 85.0, 70.0


def where_the_time_went(records: Sequence[Record]) -> dict[str, Any] | None:
    """Return core-seconds by part and the two shares, or None where no run has kept them.

    Parameters
    ----------
    records : sequence of mapping
        Run records; those with "busy" and "sweep" count.

    Returns
    -------
    dict
        "rows": name, core-seconds, per cent of the sweep. "run_share": per cent, over all runs, of the time
        between first and last update that was spent in compiled code or in drawing data; "least": the same of
        the run with the smallest share, "least_run" its name. "sweep_share": the same of the sweep:
        processors times the wall time after start-up, "core_seconds". "tracking": seconds of writing results,
        on a thread beside those that train. "met_runs", "met_sweep": whether the
        targets "of_runs", "of_sweep" are met.

    Notes
    -----
    Kernels and data are processor seconds of the training threads, so that waiting (for the interpreter's
    lock, for a core that other work has taken) counts as time lost. The wall time of a command ends when the
    record of its last run that is known here has been written.
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
    run_share, sweep_share = _share(useful, total["span"]), _share(useful, core_seconds)
    return {
        "rows": [(name, seconds, _share(seconds, core_seconds)) for name, seconds in parts.items()],
        "run_share": run_share,
        "least": shares[id(least)],
        "least_run": f"{least['model']} on {least.get('task_label', least['task'])}, seed {least['seed']}",
        "sweep_share": sweep_share,
        "core_seconds": core_seconds,
        "tracking": tracking,
        "of_runs": OF_RUNS,
        "of_sweep": OF_SWEEP,
        "met_runs": run_share >= OF_RUNS,
        "met_sweep": sweep_share >= OF_SWEEP,
    }


def _useful(busy: Record) -> float:
    return float(busy["updates"] + busy["evaluations"] + busy["data"])


def _share(seconds: float, of: float) -> float:
    return 100 * seconds / of if of > 0 else 0.0


def _core_seconds(records: Sequence[Record]) -> float:
    """Processors times seconds on the clock, added up over the commands that made the runs."""
    commands: dict[float, float] = {}
    for record in records:
        sweep = record["sweep"]
        seconds = sweep["seconds"] + float(record["timings"].get("tracking") or 0.0)
        commands[sweep["began"]] = max(commands.get(sweep["began"], 0.0), sweep["processors"] * seconds)
    return sum(commands.values())
