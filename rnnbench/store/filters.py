"""Conditions that select stored runs: `model=elman,rnn`, `task=adding*`, `score<0.5`."""

import fnmatch
import math
import operator
import re
from collections.abc import Callable
from typing import NamedTuple

from rnnbench.base.refusals import Refused
from rnnbench.base.suggestions import did_you_mean
from rnnbench.store.summary import Summary

#: Fields that a condition can name; numbers can also be compared with `<`, `<=`, `>` and `>=`.
TEXTS = ("key", "study", "model", "task", "outcome", "status")
NUMBERS = ("seed", "score", "updates", "seconds", "parameters")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FORM = re.compile(r"(?P<field>\w+)(?P<sign>!=|<=|>=|<|>|=)(?P<value>.*)", re.DOTALL)


class Filter(NamedTuple):
    """One condition: a field of `TEXTS` or `NUMBERS`, a sign, and alternative values."""

    field: str
    sign: str
    values: tuple[str, ...]

    def fits(self, run: Summary) -> bool:
        """Whether a run meets the condition; a number that it lacks, or that is not finite, never does."""
        if self.field in NUMBERS:
            number = float(getattr(run, self.field))
            if not math.isfinite(number):
                return False
            found = [_COMPARE[self.sign](number, float(value)) for value in self.values]
            return all(found) if self.sign == "!=" else any(found)
        texts = [str(getattr(run, name)).lower() for name in _texts(self.field)]
        patterns = [value.lower() + "*" * (self.field == "key") for value in self.values]
        alike = any(fnmatch.fnmatchcase(text, pattern) for text in texts for pattern in patterns)
        return alike == (self.sign == "=")


def _texts(field: str) -> tuple[str, ...]:
    # A task has a name, "adding", and a label, "adding T=50".
    return ("task", "task_label") if field == "task" else (field,)


def is_filter(text: str) -> bool:
    """Whether a word is a condition and not the name of a study."""
    return any(sign in text for sign in "=<>")


def read_filter(text: str) -> Filter:
    """Return the condition that a word of the command line describes.

    Parameters
    ----------
    text : str
        `FIELD=VALUE[,VALUE...]`, or with `!=`. A text may hold the wild cards `*` and `?`, a key may be
        shortened; numbers also take `<`, `<=`, `>`, `>=`.

    Raises
    ------
    Refused
        An unknown field, a sign that does not apply to it, a missing value, or one that must be a number.
    """
    form = _FORM.fullmatch(text)
    field = form["field"] if form else text
    if form is None or field not in TEXTS + NUMBERS:
        raise Refused(
            f"{text}: unknown filter{did_you_mean(field, TEXTS + NUMBERS)}\n"
            f"allowed: {', '.join(TEXTS)} with = or !=; {', '.join(NUMBERS)} also with < and >"
        )
    values = tuple(value for value in form["value"].split(",") if value)
    if not values:
        raise Refused(f"{text}: needs a value, such as {field}={'0' if field in NUMBERS else 'elman'}")
    if field in TEXTS and form["sign"] not in ("=", "!="):
        raise Refused(f"{text}: {field} is text; allowed signs: =, !=")
    for value in values if field in NUMBERS else ():
        try:
            float(value)
        except ValueError as error:
            raise Refused(f"{text}: {value} must be a number") from error
    return Filter(field, form["sign"], values)
