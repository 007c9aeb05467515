"""Results of `make bench` as a table: what, target, measured, met or missed."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

Result = Mapping[str, Any]


def points_frame(results: Sequence[Result]) -> pd.DataFrame:
    """Return one row per point that was compared with peers: its size, rate, share of the peak and ratios.

    Parameters
    ----------
    results : sequence of dict
        "benchmarks" of the JSON.

    Returns
    -------
    DataFrame
        Columns row, point, T, B, H, milliseconds, gflops, share (of the peak), ratio (to the fastest peer,
        NaN without any), needed, peer (its name), met.
    """
    rows = []
    for result in results:
        facts, params = result["extra_info"], result["params"] or {}
        if "share_of_peak" not in facts:
            continue
        sizes = {name: params.get(name, facts.get(name)) for name in "TBIH"}
        name = params.get("architecture") or ", ".join(str(size) for size in sizes.values())
        ratio = facts.get("ratio", float("nan"))
        met = ratio >= facts["needed_ratio"] or facts["share_of_peak"] >= facts["enough_of_peak"]
        rows.append(
            {
                "row": facts["row"],
                "point": name,
                **sizes,
                "milliseconds": facts["milliseconds"],
                "gflops": facts["gflops"],
                "share": facts["share_of_peak"],
                "enough": facts["enough_of_peak"],
                "ratio": ratio,
                "needed": facts["needed_ratio"],
                "peer": facts.get("fastest_peer", ""),
                "met": met,
            }
        )
    return pd.DataFrame(rows)


def singles_frame(results: Sequence[Result]) -> pd.DataFrame:
    """Return one row per target that is a single number: row, measured, unit, at_least, at_most, met."""
    rows = []
    for result in results:
        facts = result["extra_info"]
        if "measured" not in facts:
            continue
        least, most, measured = facts["at_least"], facts["at_most"], facts["measured"]
        met = (least is None or measured >= least) and (most is None or measured <= most)
        rows.append({**{k: facts[k] for k in ("row", "measured", "unit", "at_least", "at_most")}, "met": met})
    return pd.DataFrame(rows)


def targets(points: pd.DataFrame, singles: pd.DataFrame) -> pd.DataFrame:
    """Return the printed table: row, target, measured, and met or missed, all as text.

    Parameters
    ----------
    points, singles : DataFrame
        From `points_frame` and `singles_frame`; either may be empty.
    """
    rows = []
    for point in points.itertuples():
        against = "no peer" if point.ratio != point.ratio else f"{point.ratio:.2f}x {point.peer}"
        measured = f"{against}, {100 * point.share:.1f} % of peak, {point.milliseconds:.3g} ms"
        target = f">= {point.needed:g}x or {100 * point.enough:g} % of peak"
        rows.append((f"{point.row}: {point.point}", target, measured, point.met))
    for single in singles.itertuples():
        least = single.at_least == single.at_least and single.at_least is not None
        bound = f">= {single.at_least:g}" if least else f"<= {single.at_most:g}"
        unit = single.unit if single.unit in ("x", "") else f" {single.unit}"
        rows.append((single.row, bound + unit, f"{single.measured:.3g}{unit}", single.met))
    table = pd.DataFrame(rows, columns=["what", "target", "measured", "met"])
    table["met"] = table["met"].map({True: "met", False: "MISSED"})
    return table


def markdown(table: pd.DataFrame) -> str:
    """Return a table of text as Markdown."""
    lines = [table.columns, [":--"] * len(table.columns), *table.itertuples(index=False)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
