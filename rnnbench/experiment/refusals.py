"""What is wrong with a command, in one or two lines that name the key, the value and what is allowed."""

import difflib
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
