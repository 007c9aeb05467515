"""The index of a study: the summary of every run, so that thousands of records need not be read each time.

It is a cache. Each entry holds the time stamp and the number of the run's folder: a folder that was replaced,
amended or copied has others and is read anew. The file may be deleted at any time.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from rnnbench.base.files import write_whole
from rnnbench.store.errors import reason
from rnnbench.store.layout import KEY, NEW, RECORD, Layout
from rnnbench.store.summary import Summary

#: So many records that were read anew are worth writing the index again.
WORTH = 20
FORMAT = [1, *Summary._fields]


def scan(layout: Layout) -> dict[str, os.DirEntry[str]]:
    """Return the folder of every run of a study by key; `KEY.new` stands for KEY."""
    found: dict[str, os.DirEntry[str]] = {}
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(layout.folder) as entries:
        for entry in entries:
            key = entry.name.removesuffix(NEW)
            if KEY.fullmatch(key) and (key not in found or entry.name != key):
                found[key] = entry
    return found


def summaries(layout: Layout) -> tuple[dict[str, Summary], list[str]]:
    """Return the summary of every run by key, and a line for each run that cannot be read."""
    known, found, problems = _read(layout), {}, []
    fresh = 0
    for key, entry in scan(layout).items():
        try:
            stamp = _stamp(entry)
            if key in known and known[key][0] == stamp:
                summary = known[key][1]
            else:
                fresh += 1
                summary = Summary.of(read_record(Path(entry.path)), key, layout.study)
        except FileNotFoundError:
            # Replaced or removed at this moment; a folder without a record is no run.
            if os.path.isdir(entry.path):
                problems.append(f"run {layout.study}/{key}: {RECORD} is missing")
            continue
        except (OSError, LookupError, TypeError, ValueError, AttributeError) as error:
            problems.append(f"run {layout.study}/{key}: {RECORD} cannot be read ({_said(error)})")
            continue
        found[key] = (stamp, summary)
    if fresh >= WORTH:
        _write(layout, found)
    return {key: summary for key, (_, summary) in found.items()}, problems


def read_record(folder: Path) -> dict[str, Any]:
    """Return the content of a run's record.

    Raises
    ------
    OSError, ValueError
        The file is missing or is no JSON object.
    """
    record = json.loads((folder / RECORD).read_bytes())
    if not isinstance(record, dict):
        raise ValueError("it is no JSON object")
    return record


def _said(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    return "it is damaged" if isinstance(error, UnicodeDecodeError) else reason(error)


def _stamp(entry: os.DirEntry[str]) -> list[int]:
    status = entry.stat()
    return [status.st_mtime_ns, status.st_ino]


def _read(layout: Layout) -> dict[str, tuple[list[int], Summary]]:
    with suppress(OSError, LookupError, TypeError, ValueError, AttributeError):
        held = json.loads(layout.index.read_bytes())
        if held["format"] == FORMAT:
            rows = [(stamp, Summary(*values)) for stamp, *values in held["runs"]]
            return {summary.key: (stamp, summary) for stamp, summary in rows}
    return {}


def _write(layout: Layout, found: dict[str, tuple[list[int], Summary]]) -> None:
    rows = [[stamp, *summary] for stamp, summary in found.values()]
    with suppress(OSError):
        layout.work.mkdir(exist_ok=True)
        write_whole(layout.index, json.dumps({"format": FORMAT, "runs": rows}).encode())
