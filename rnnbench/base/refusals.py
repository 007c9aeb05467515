"""Errors of the user's making: one or two lines that name the key, the value and what is allowed."""

import re
from collections.abc import Iterable

from rnnbench.base.suggestions import did_you_mean


class Refused(Exception):
    """A command or configuration that cannot be run; the user reads the message alone."""


class NotApplicable(Refused):
    """A task that cannot be used with a model or loop: an error of a single run; a sweep skips and lists it.

    Parameters
    ----------
    reason : str
        The task's reason.
    model, task, label : str
        The names of both, and the task's label for tables.
    """

    def __init__(self, reason: str, model: str, task: str, label: str) -> None:
        super().__init__(reason)
        self.model, self.task, self.label = model, task, label

    def as_plain(self) -> dict[str, str]:
        """Return model, task, task_label and reason."""
        return {"model": self.model, "task": self.task, "task_label": self.label, "reason": str(self)}


#: Limits of a message: lines, characters of a line, and characters of one word (a pasted value).
LINES, CHARACTERS, WORD = 4, 1000, 200


def in_short(message: str) -> str:
    """Return a message cut to a few readable lines: what is too long loses its middle.

    Unprintable characters, such as those that move the cursor, are shown as escape sequences.
    """
    lines = ["".join(c if c.isprintable() else ascii(c)[1:-1] for c in line) for line in message.splitlines()]
    if len(lines) > LINES:
        lines = [*lines[: LINES - 2], "...", lines[-1]]
    words = (re.sub(rf"\S{{{WORD},}}", lambda word: _cut(word[0], WORD), line) for line in lines)
    return "\n".join(_cut(line, CHARACTERS) for line in words)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most * 2 // 3]} ... {text[len(text) - most // 3 :]}"


def unknown(what: str, given: str, word: str, allowed: Iterable[str]) -> Refused:
    """Return the error for a name that is not among the known ones; it suggests the nearest and lists all.

    Parameters
    ----------
    what : str
        The kind of name: "model", "key".
    given : str
        The argument as the user wrote it.
    word : str
        The part of it that is unknown.
    allowed : iterable of str
        The known names.
    """
    known = sorted(allowed)
    listed = ", ".join(known) if known else "none"
    return Refused(f"{given}: unknown {what}{did_you_mean(word, known)}\nallowed: {listed}")
