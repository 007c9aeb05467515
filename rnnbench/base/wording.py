"""Numbers, durations and names of runs as text for the terminal."""

from collections.abc import Mapping
from typing import Any

#: From this size on a score is written with a power of ten instead of all its digits.
LARGE = 1e6


def counted(number: int, what: str) -> str:
    """Return a number with its noun, "1 run" or "1,000 runs"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def score_text(score: float) -> str:
    """Return a finite score with three decimals, a huge one with a power of ten: -0.123, -3.3e+42."""
    return f"{score:.3f}" if abs(score) < LARGE else f"{score:.1e}"


def clock(seconds: float) -> str:
    """Return a duration in its two largest units: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def run_name(record: Mapping[str, Any]) -> str:
    """Return key, model, task and seed of a run in one phrase."""
    return f"{record['key']} ({record['model']} · {record['task_label']} · seed {record['seed']})"
