"""Settings of the commands that are none of a configuration: KEY=VALUE, each with a default."""

from collections.abc import Mapping, Sequence

from rnnbench.experiment.refusals import Refused, did_you_mean


def read_settings(
    given: Sequence[str], defaults: Mapping[str, str], choices: Mapping[str, Sequence[str]] | None = None
) -> dict[str, str]:
    """Return all settings as text.

    Parameters
    ----------
    given : sequence of str
        `KEY=VALUE`; of a key that is given twice the last counts.
    defaults : mapping of str to str
        Every key there is, with what a user would write to get what is meant without it.
    choices : mapping of str to sequence of str, optional
        The values allowed for some of the keys.

    Raises
    ------
    Refused
        An unknown key, no `=`, or a value that is none of the choices.
    """
    settings = dict(defaults)
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or key not in defaults:
            allowed = ", ".join(f"{name}={usual}" for name, usual in defaults.items())
            raise Refused(f"{text}: unknown setting{did_you_mean(key, defaults)}\nallowed: {allowed}")
        allowed_here = (choices or {}).get(key)
        if allowed_here and value not in allowed_here:
            raise Refused(
                f"{text}: must be one of {', '.join(allowed_here)}{did_you_mean(value, allowed_here)}"
            )
        settings[key] = value
    return settings


def whole(key: str, text: str, low: int = 0, high: int | None = None) -> int:
    """Return the whole number of a setting, `low` at least and `high` at most; refuses anything else."""
    # Python reads no number of more than 4300 digits.
    if text.isascii() and text.isdecimal() and len(text) <= 100 and int(text) >= low:
        if high is None or int(text) <= high:
            return int(text)
    allowed = f"of at least {low}" if high is None else f"from {low} to {high}"
    raise Refused(f"{key}={text}: must be a whole number {allowed}")
