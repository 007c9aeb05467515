"""Which of the stored runs are meant: `model=elman,rnn`, `task=adding*`, `score<0.5`."""

import fnmatch
import math
import operator
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rnnbench.experiment.refusals import Refused, did_you_mean
from rnnbench.tracking import State

#: What can be asked for; of the numbers with `<`, `<=`, `>` and `>=` too.
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
    """One condition: a field of `TEXTS` or `NUMBERS`, a sign, and the values of which one must fit."""

    field: str
    sign: str
    values: tuple[str, ...]

    def fits(self, run: State) -> bool:
        """Whether a run meets it; a number that a run lacks, or that is not finite, never does."""
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
    # A task is known by its name, "adding", and by its label, "adding T=50".
    return ("task", "task_label") if field == "task" else (field,)


def is_filter(text: str) -> bool:
    """Whether a word is meant as a condition, not as a study's name."""
    return any(sign in text for sign in "=<>")


def read_filter(text: str) -> Filter:
    """Return the condition that a word stands for.

    Parameters
    ----------
    text : str
        `FIELD=VALUE[,VALUE...]` or `!=`, where text may hold the wild cards `*` and `?` and a key may be the
        beginning of one; of a number also `<`, `<=`, `>`, `>=`.

    Raises
    ------
    Refused
        An unknown field, a sign that does not go with it, no value, or no number where one must stand.
    """
    form = _FORM.fullmatch(text)
    field = form["field"] if form else text
    if form is None or field not in TEXTS + NUMBERS:
        raise Refused(
            f"{text}: unknown filter{did_you_mean(field, TEXTS + NUMBERS)}\n"
            f"allowed: {', '.join(f'{name}=' for name in TEXTS)}, and with < or > too {', '.join(NUMBERS)}"
        )
    values = tuple(value for value in form["value"].split(",") if value)
    if not values:
        raise Refused(f"{text}: needs a value, such as {field}={'0' if field in NUMBERS else 'elman'}")
    if field in TEXTS and form["sign"] not in ("=", "!="):
        raise Refused(f"{text}: {field} is text, which goes with = or !=")
    for value in values if field in NUMBERS else ():
        try:
            float(value)
        except ValueError as error:
            raise Refused(f"{text}: {value} must be a number") from error
    return Filter(field, form["sign"], values)


def read_filters(words: Sequence[str]) -> list[Filter]:
    """Return the conditions of several words, all of which a run must meet."""
    return [read_filter(word) for word in words]
