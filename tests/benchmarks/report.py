"""Turns the JSON of pytest-benchmark into the committed report, and prints the table of targets.

``python -m tests.benchmarks.report results.json reports/benchmarks``
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from rnnbench.base.figures import png
from rnnbench.base.files import replace_folder
from tests.benchmarks import figures
from tests.benchmarks.targets import markdown, points_frame, singles_frame, targets

#: A median turn of the peak's kernel reaches this share of its fastest where nothing else runs.
QUIET = 0.95


def files(document: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files of the report by name.

    Parameters
    ----------
    document : dict
        The JSON of pytest-benchmark, as its hooks in `conftest` leave it.
    """
    results = document["benchmarks"]
    points, singles = points_frame(results), singles_frame(results)
    made = {
        "results.json": (json.dumps(document, indent=1) + "\n").encode(),
        "targets.md": _page(document, markdown(targets(points, singles))).encode(),
    }
    if len(points):
        made["share_of_peak.png"] = png(figures.shares(points))
        compared = points[(points["row"] == "training step of rnn") & points["ratio"].notna()]
        if len(compared):
            made["ratio.png"] = png(figures.ratios(compared))
    for result in results:
        if "microseconds_per_step" in result["extra_info"]:
            made["length.png"] = png(figures.lengths(result["extra_info"]["microseconds_per_step"]))
    return made


def _page(document: Mapping[str, Any], table: str) -> str:
    machine, commit = document["machine_info"], document["commit_info"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    dirty = " with changes" if commit.get("dirty") else ""
    lines = [
        "# Benchmarks",
        "",
        f"{machine['processor']} ({machine['architecture']}, {machine['processors']} processors, vectors of "
        f"{8 * machine['vector_bytes']} bits), {machine['system']}, Python {machine['python']}, {versions}; "
        f"commit {str(commit.get('id'))[:12]}{dirty}, {document['datetime'][:10]}.",
        "",
        "float32, one thread each, in one process; all take turns in every round, medians over rounds. A "
        "step is forward, backward, clipping and Adam. Its arithmetic is that of the products needed: three "
        "for a weight matrix, two where no gradient is passed on (data, closed gates), none for the padding. "
        "The peak is the fastest turn of a loop of multiply-adds on registers alone, in the same run.",
        "",
        *(f"{line}.\n" for line in machine["missing"]),
        table,
        "",
    ]
    return "\n".join(lines)


def show(document: Mapping[str, Any]) -> None:
    """Print the table of targets and how many are met."""
    results = document["benchmarks"]
    table = targets(points_frame(results), singles_frame(results))
    console = Console()
    console = console if console.is_terminal else Console(width=140)
    grid = Table(*table.columns, box=None)
    for row in table.itertuples(index=False):
        grid.add_row(*row, style="" if row.met == "met" else "bold")
    console.print(grid)
    noisy = sum(result["extra_info"].get("quiet", 1.0) < QUIET for result in results)
    if noisy:
        console.print(f"{noisy} points were measured while other work slowed even the peak: not a quiet run")
    for line in document["machine_info"]["missing"]:
        console.print(line)
    console.print(f"{(table['met'] == 'met').sum()} of {len(table)} targets met")


def main(source: str, folder: str) -> None:
    """Read the results, write the folder anew and print the table."""
    document = json.loads(Path(source).read_text())
    replace_folder(Path(folder), files(document))
    show(document)


if __name__ == "__main__":
    main(*sys.argv[1:])
