"""What a contract came to: a line each."""

import traceback
from collections.abc import Callable, Mapping
from typing import NamedTuple

#: A number that makes no sense in nearly every field.
WRONG = -(10**9)


class Finding(NamedTuple):
    """One contract tried.

    Attributes
    ----------
    contract : str
        Its name: "gradient".
    holds : bool
        Whether it holds.
    note : str
        What was seen, or the reason why it does not hold.
    """

    contract: str
    holds: bool
    note: str

    def __str__(self) -> str:
        """Return the line that a user reads."""
        return f"{'ok' if self.holds else 'FAILED':<7} {self.contract:<12} {self.note}"


class Broken(Exception):
    """A contract that does not hold; the message is the reason."""


def require(met: object, reason: str) -> None:
    """Raise `Broken` with the reason unless a condition is met."""
    if not met:
        raise Broken(reason)


def tried(contracts: Mapping[str, Callable[[], str]]) -> list[Finding]:
    """Try contracts one after another; each returns a note, or raises.

    An exception other than `Broken` is a finding too: its type, its message and the place it was raised from.
    """
    return [_tried(name, contract) for name, contract in contracts.items()]


def _tried(name: str, contract: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, contract())
    except Broken as broken:
        return Finding(name, False, str(broken))
    except (Exception, SystemExit) as error:
        return Finding(name, False, said(error))


def said(error: BaseException) -> str:
    """Return an exception in one line, with file name and line it was raised from."""
    text = " ".join(str(error).split())[:200]
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename.rpartition('/')[2]}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {text}{where}" if text else f"{type(error).__name__}{where}"


def refuses(make: Callable[[str], object], name: str) -> None:
    """Require that `WRONG` in a field is taken, or refused by a ValueError of one or two lines.

    Parameters
    ----------
    make : callable
        Makes, for the name of a field, what is checked with `WRONG` in that field.
    name : str
        The field.
    """
    try:
        make(name)
    except ValueError as error:
        count = len(str(error).splitlines())
        require(1 <= count <= 2, f"{name}={WRONG} is refused in {count} lines; one or two are expected")
    except (Exception, SystemExit) as error:
        raise Broken(f"{name}={WRONG} ends in {said(error)}; a ValueError is expected") from error
