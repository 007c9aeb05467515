"""What character models wrote, as they wrote it."""

import re
from collections.abc import Sequence

import pandas as pd

from rnnbench.reporting.frame import Record
from rnnbench.reporting.stored_files import ReadFile, read_samples

#: Control characters but newline and tab, and the separators that some readers take for the end of a line.
_UNSEEN = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]")


def written(records: Sequence[Record], runs: pd.DataFrame, read_file: ReadFile) -> list[dict[str, str]]:
    """Return what each model's first seed wrote, where the task of the runs is to write.

    Parameters
    ----------
    records : sequence of mapping
        Run records; those of a character model have an alphabet among their columns.
    runs : DataFrame
        The runs of one task, in the order of their seeds.
    read_file : callable
        Gives a record's stored file by name: "samples.json".

    Returns
    -------
    list of dict
        "how" (the model, and how it was drawn) and "block", the text as Markdown; both one for each sample.
    """
    by_key = {record["key"]: record for record in records}
    found = []
    for model, mine in runs.groupby("model"):
        record = by_key[mine["key"].iloc[0]]
        if "alphabet" not in (record.get("columns") or {}):
            continue
        samples = read_samples(record, read_file) or {}
        found += [{"how": f"{model}, {how}", "block": block(text)} for how, text in samples.items()]
    return found


def block(text: str) -> str:
    """Return any text as a Markdown block that shows it literally.

    The fence is longer than every row of backticks inside; what a terminal or a browser would act upon is
    written as its code.
    """
    shown = _UNSEEN.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    longest = max((len(row) for row in re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{shown}\n{fence}"
