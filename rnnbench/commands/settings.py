"""Settings KEY=VALUE of commands that compose no configuration; each has a default."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from rnnbench.base.refusals import Refused
from rnnbench.base.suggestions import did_you_mean


def read_settings(given: Sequence[str], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings.

    Parameters
    ----------
    given : sequence of str
        `KEY=VALUE`; of a key that is given twice, the last one counts.
    defaults : mapping
        All keys with their defaults, texts or numbers.

    Returns
    -------
    dict
        Each value has the type of the default, or is text where it cannot be converted: the caller checks it.

    Raises
    ------
    Refused
        An unknown key, or a missing `=`.
    """
    settings = dict(defaults)
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or key not in defaults:
            allowed = ", ".join(f"{name}={usual}" for name, usual in defaults.items())
            raise Refused(f"{text}: unknown setting{did_you_mean(key, defaults)}\nallowed: {allowed}")
        settings[key] = value
        with suppress(ValueError):
            settings[key] = type(defaults[key])(value)
    return settings


def as_typed(value: Any) -> str:
    """Return a value as it is written on the command line."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), default=str)
