"""Suggestions for misspelt words: "(did you mean X?)"."""

import difflib
from collections.abc import Iterable

#: Similarity from which a word is suggested (0: nothing in common, 1: equal); lower values suggest nonsense.
SIMILAR = 0.55


def nearest(word: str, words: Iterable[str]) -> str:
    """Return the most similar of `words`, regardless of case, or "" when none is similar."""
    by_lower_case = {w.lower(): w for w in words}
    close = difflib.get_close_matches(word.lower(), by_lower_case, n=1, cutoff=SIMILAR)
    return by_lower_case[close[0]] if close else ""


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """Return " (did you mean X?)", to be appended to an error message, or "" when no word is similar."""
    found = nearest(word, words)
    return f" (did you mean {found}?)" if found else ""
