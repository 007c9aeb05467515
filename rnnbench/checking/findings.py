"""Findings: the outcome of each contract, one line each."""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, NamedTuple

#: A number out of range for nearly every field.
WRONG = -(10**9)


class Finding(NamedTuple):
    """The outcome of one contract.

    Attributes
    ----------
    contract : str
        Its name: "gradient".
    holds : bool
        Whether it holds.
    note : str
        What was observed, or why the contract does not hold.
    """

    contract: str
    holds: bool
    note: str

    def __str__(self) -> str:
        """Return the line shown to the user."""
        return f"{'ok' if self.holds else 'FAILED':<7} {self.contract:<12} {self.note}"


class Broken(Exception):
    """A contract that does not hold; the message is the reason."""


def require(met: object, reason: str) -> None:
    """Raise `Broken` with the reason unless a condition is met."""
    if not met:
        raise Broken(reason)


def tried(contracts: Mapping[str, Callable[..., str]], *subject: Any) -> list[Finding]:
    """Try contracts by name, one after another; each is given the subject and returns a note, or raises.

    An exception other than `Broken` is a finding too: its type, its message and the place it was raised from.
    """
    return [_tried(name, contract, subject) for name, contract in contracts.items()]


def _tried(name: str, contract: Callable[..., str], subject: tuple[Any, ...]) -> Finding:
    try:
        return Finding(name, True, contract(*subject))
    except Broken as broken:
        return Finding(name, False, str(broken))
    except (Exception, SystemExit) as error:
        return Finding(name, False, said(error))


def said(error: BaseException) -> str:
    """Return an exception as one line, with the file and line it was raised from."""
    text = " ".join(f"{type(error).__name__}: {error}".split())[:200].removesuffix(":")
    frames = traceback.extract_tb(error.__traceback__)
    return f"{text} ({frames[-1].filename.rpartition('/')[2]}, line {frames[-1].lineno})" if frames else text


def check_fields(made: Any, use: Callable[[Any], object] = lambda changed: None) -> str:
    """Require a valid VERSION, and that whole-number fields accept `WRONG` or refuse it in one or two lines.

    Parameters
    ----------
    made : dataclass
        The model or the task.
    use : callable
        What is done with it; a field may be refused there as well as when the dataclass is made.

    Returns
    -------
    str
        The number of fields and the version.
    """
    version = type(made).VERSION
    require(type(version) is int and version >= 1, f"VERSION={version}: must be 1 or more")
    for name in [field.name for field in fields(made) if type(getattr(made, field.name)) is int]:
        try:
            use(replace(made, **{name: WRONG}))
        except ValueError as error:
            count = len(str(error).splitlines())
            require(1 <= count <= 2, f"{name}={WRONG} is refused in {count} lines; one or two are expected")
        except (Exception, SystemExit) as error:
            raise Broken(f"{name}={WRONG} ends in {said(error)}; a ValueError is expected") from error
    return f"{len(fields(made))} fields, version {version}"
