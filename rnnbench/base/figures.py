"""Matplotlib figures as files."""

import io
from typing import Any


def png(figure: Any) -> bytes:
    """Return a figure as PNG; the same figure gives the same bytes."""
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=120, metadata={"Software": None})
    return target.getvalue()
