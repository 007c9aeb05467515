"""Single overrides, `key=value` in Hydra's notation: read, refused where they name what does not exist."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, Quote, QuotedString, RangeSweep
from hydra.errors import OverrideParseException

from rnnbench.base.refusals import Refused, unknown
from rnnbench.base.suggestions import did_you_mean
from rnnbench.config import launcher
from rnnbench.config.available import refuse_unusable
from rnnbench.config.hydra_errors import unknown_key, unreadable
from rnnbench.config.schema import sections

SELECTING = ("model", "task")
#: Groups of which an option may be chosen and keys be set in one command line.
SPLIT = (*SELECTING, "train")
LAUNCHER = "hydra/launcher"
#: Values that one override may stand for.
MOST = 10_000
#: Parts of Hydra that a user may look for, and what to use instead.
_INSTEAD = {
    "sweeper": "rnnbench sweeps itself; use -m, the key sweep of a study, or tune.trials to search",
    "mode": "use -m, or hydra: {mode: MULTIRUN} in a study",
    "callbacks": "rnnbench does not call Hydra's callbacks",
}


def parse(parser: OverridesParser, text: str, options: Mapping[str, Sequence[str]]) -> Override:
    """Return one `key=value` as Hydra reads it; what it cannot read is `Refused`."""
    try:
        override = parser.parse_overrides([text])[0]
        if not override.key_or_group:
            raise ValueError("no key")
    # ValueError: a number of more digits than Python reads.
    except (OverrideParseException, ValueError, RecursionError) as error:
        raise unreadable(text, error, options) from error
    return override


@dataclass(frozen=True)
class Reader:
    """Reads one `key=value` in Hydra's notation and refuses what names or adds things that do not exist.

    Parameters
    ----------
    parser : OverridesParser
        Hydra's parser, which knows its groups (for `glob`).
    options : mapping of str to sequence of str
        The groups and the names that may be chosen.
    """

    parser: OverridesParser
    options: Mapping[str, Sequence[str]]

    def __call__(self, text: str, where: str = "") -> Override:
        """Return the override; `where` (a study and its grid) begins the message of a refusal.

        Raises
        ------
        Refused
            Text that cannot be read, keys that are added or removed (`+key`, `~key`), Hydra's own keys, and
            names that are no option of their group.
        """
        try:
            override = parse(self.parser, text, self.options)
            self._check_form(override, text)
            if override.key_or_group in self.options:
                for value in choices_of(override):
                    self._check_option(override.key_or_group, value, text)
        except Refused as refused:
            raise Refused(f"{where}: {refused}" if where else str(refused)) from refused
        return override

    def _check_form(self, override: Override, text: str) -> None:
        """Refuse keys that are added or removed, and keys of Hydra's own."""
        key, parts = override.key_or_group, override.key_or_group.replace("/", ".").split(".")
        if key == LAUNCHER or key.startswith("hydra.launcher."):
            return
        if parts[0] == "hydra" or override.package:
            set_here = f"Hydra's own keys and packages are set by rnnbench{did_you_mean(key, self.options)}"
            raise Refused(f"{text}: {_INSTEAD.get(parts[1] if parts[1:] else '', set_here)}")
        if override.is_delete():
            raise Refused(f"{text}: keys cannot be removed; give the value that is wanted, {key}=...")
        if override.is_add() or override.is_force_add():
            known = [*sections(), *self.options]
            if parts[0] not in known:
                raise unknown_key(parts[0], text, known)
            raise Refused(f"{text}: keys cannot be added; one that exists is set by {text.lstrip('+')}")

    def _check_option(self, group: str, name: str, text: str) -> None:
        # A mapping sets keys of the group instead.
        if name in self.options[group] or (group, name) == ("experiment", "null") or name.startswith("{"):
            return
        if group in SELECTING:
            refuse_unusable(name)
        if group == LAUNCHER:
            launcher.refuse_missing(name)
        raise unknown(group, text, name, self.options[group])


def split(override: Override) -> list[str]:
    """Return `train={lr:0.1,updates:50}` as `train.lr=0.1` and `train.updates=50`; others as they are."""
    line, value = override.input_line or "", override._value
    if not isinstance(value, dict) or override.key_or_group not in SPLIT:
        return [line]
    as_str = Override._get_value_element_as_str
    return [f"{override.key_or_group}.{as_str(key)}={as_str(one)}" for key, one in value.items()]


def as_text(value: Any) -> str:
    """Return a value of a YAML file as it would be written on the command line.

    Text at the top is in Hydra's notation (`range(1,4)`) where Hydra can read it; inside lists and mappings
    it stands for itself.
    """
    if not isinstance(value, str):
        return str(Override._get_value_element_as_str(_quoted(value)))
    try:
        parse(OverridesParser.create(), f"key={value}", {})
    except Refused:
        return _quoted(value).with_quotes()  # type: ignore[no-any-return]
    return value


def _quoted(value: Any) -> Any:
    if isinstance(value, list):
        return [_quoted(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _quoted(one) for key, one in value.items()}
    return (
        value if value is None or isinstance(value, int | float) else QuotedString(str(value), Quote.double)
    )


def choices_of(override: Override) -> list[str]:
    """Return the values of an override: one, or those of a sweep such as `a,b`, `range(...)`, `glob(*)`."""
    line, value = override.input_line or "", override.value()
    if not override.is_sweep_override():
        # As typed, so that a message quotes 1e3 and not 1000.0.
        return [line.partition("=")[2]]
    if isinstance(value, IntervalSweep):
        interval = f"{override.key_or_group}: [uniform, {value.start:g}, {value.end:g}]"
        raise Refused(
            f"{line}: only lists of values can be swept; to search an interval write "
            f"tune.trials=20 'tune.space={{{interval}}}'"
        )
    try:
        # Shuffling makes a list of the whole range first.
        is_long = isinstance(value, RangeSweep) and any(
            True for _ in itertools.islice(value.range(), MOST, None)
        )
        values = [] if is_long else [*itertools.islice(override.sweep_string_iterator(), MOST + 1)]
    except (ValueError, OverflowError) as error:
        raise Refused(f"{line}: cannot be swept ({error})") from error
    if not 0 < len(values) <= MOST:
        raise Refused(f"{line}: must stand for at least one value and at most {MOST}")
    return list(map(str, values))
