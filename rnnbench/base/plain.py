"""Values as plain Python data, and as strict JSON."""

import json
import math
from collections.abc import Mapping
from typing import Any


def finite(value: Any) -> Any:
    """Return a nested value as plain data in which every NaN and infinity is None.

    Parameters
    ----------
    value : object
        Mappings, lists, tuples, NumPy arrays and scalars, nested; anything else is returned as it is.

    Returns
    -------
    object
        Dicts with text as keys, lists, and Python's own numbers.
    """
    if isinstance(value, Mapping):
        return {str(name): finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    # NumPy's arrays and scalars, recognised without importing NumPy: listing runs has no need of it.
    if hasattr(value, "tolist"):
        return finite(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def as_json(value: Any) -> bytes:
    """Return a nested value (see `finite`) as strict JSON in UTF-8; NaN and infinity become null."""
    return json.dumps(finite(value), allow_nan=False, ensure_ascii=False, indent=1).encode()
