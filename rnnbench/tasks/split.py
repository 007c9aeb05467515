"""The field `split` of tasks that read a file: shares of training, validation and test data."""

from typing import Any


def read_split(value: Any) -> tuple[float, float, float]:
    """Return three positive shares that sum to 1, or raise ValueError."""
    allowed = "must be three positive numbers that sum to 1: training, validation, test"
    try:
        a, b, c = (float(part) for part in value)
    except (TypeError, ValueError):
        raise ValueError(f"task.split={value}: {allowed}") from None
    if not (min(a, b, c) > 0.0 and abs(a + b + c - 1.0) < 1e-6):
        raise ValueError(f"task.split={value}: {allowed}")
    return a, b, c
