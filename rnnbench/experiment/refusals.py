"""What is wrong with a command, in one or two lines that name the key, the value and what is allowed."""

import difflib
import re
from collections.abc import Iterable


class Refused(Exception):
    """A command or configuration that is not run; the message is what the user reads."""


class NotApplicable(Refused):
    """A task that refuses a model or a loop: an error of a single run, skipped and said in a sweep.

    Parameters
    ----------
    reason : str
        What the task says.
    model, task, label : str
        Their names, and the task's label for tables.
    """

    def __init__(self, reason: str, model: str, task: str, label: str) -> None:
        super().__init__(reason)
        self.model, self.task, self.label = model, task, label

    def as_plain(self) -> dict[str, str]:
        """Return model, task, task_label and reason."""
        return {"model": self.model, "task": self.task, "task_label": self.label, "reason": str(self)}


#: What a refusal shows at most: lines, characters of a line, and of one word (a pasted value).
LINES, CHARACTERS, WORD = 4, 1000, 200


def in_short(message: str) -> str:
    """Return a message in a few lines of a length that can be read: what is too long loses its middle.

    Characters that would move the cursor, or that a value brought along, stand as their escapes.
    """
    lines = ["".join(c if c.isprintable() else ascii(c)[1:-1] for c in line) for line in message.splitlines()]
    if len(lines) > LINES:
        lines = [*lines[: LINES - 2], "...", lines[-1]]
    words = (re.sub(rf"\S{{{WORD},}}", lambda word: _cut(word[0], WORD), line) for line in lines)
    return "\n".join(_cut(line, CHARACTERS) for line in words)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most * 2 // 3]} ... {text[len(text) - most // 3 :]}"


def nearest(word: str, words: Iterable[str]) -> str:
    """Return the most similar of `words`, or "" when none is similar."""
    folded = {w.lower(): w for w in words}
    close = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.55)
    return folded[close[0]] if close else ""


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """Return " (did you mean X?)", or "" when no word is similar."""
    found = nearest(word, words)
    return f" (did you mean {found}?)" if found else ""


def unknown(what: str, given: str, word: str, allowed: Iterable[str]) -> Refused:
    """Return the refusal of a name that is not among the allowed ones.

    Parameters
    ----------
    what : str
        What the name should have been: "model", "key".
    given : str
        The argument as the user wrote it.
    word : str
        The part of it that is not known.
    allowed : iterable of str
        The names that are known.
    """
    known = sorted(allowed)
    listed = ", ".join(known) if known else "none"
    return Refused(f"{given}: unknown {what}{did_you_mean(word, known)}\nallowed: {listed}")
