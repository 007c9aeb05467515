"""How numbers are written in tables and figures."""

import math


def score_text(score: float) -> str:
    """Three decimals for scores as they should be, fewer for large ones; "failed" for -infinity; "" for none.

    >>> score_text(0.98765), score_text(-45.678), score_text(-12345.6)
    ('0.988', '-45.7', '-1e+04')
    """
    if math.isnan(score):
        return ""
    if score == -math.inf:
        return "failed"
    if abs(score) < 9.9995:
        return f"{score:.3f}".replace("-0.000", "0.000")
    return f"{score:.1f}" if abs(score) < 999.5 else f"{score:.0e}"


def range_text(low: float, high: float) -> str:
    """Smallest and largest of several; "" where there is no spread to speak of (one seed)."""
    if math.isnan(low) or math.isnan(high):
        return ""
    return f"{score_text(low)} … {score_text(high)}"


def count_text(number: float) -> str:
    """Return a whole number with thousands separated; "" for none, "∞" for infinity."""
    if math.isnan(number):
        return ""
    return "∞" if math.isinf(number) else f"{number:,.0f}"


def seconds_text(seconds: float) -> str:
    """Seconds with two significant digits at least."""
    if math.isnan(seconds):
        return ""
    return f"{seconds:.2f}" if seconds < 9.995 else f"{seconds:.0f}"


def loss_text(loss: float) -> str:
    """Four significant digits; "" for none."""
    return "" if math.isnan(loss) else f"{loss:.4g}"
