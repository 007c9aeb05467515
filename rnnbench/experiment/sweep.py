"""From the command line and a study's grids to the list of configurations of a sweep.

A study file may hold a key `sweep`: a list of grids. A grid maps override keys to a value or to a list of
choices, and stands for all combinations of its choices, the first key varying slowest::

    sweep:
      - {model: [elman, rnn], task: adding, task.length: [20, 50], train.updates: 2000}
      - {model: brnn, task: window}

Or `sweep` holds named axes, each a list of grids; each grid of one is combined with each of the others, and a
key of a later axis replaces that of an earlier one::

    sweep:
      architectures: [{model: tdnn, model.window: 20}, {model: [elman, rnn]}]
      tasks: [{task: adding, task.length: [20, 50]}, {task: sunspots, model.hidden: 8}]

A value that is itself a list is written as a choice: ``model.input_taps: [[0, 2], [0, 4]]``. The command line
wins over the grids: a key given there replaces the grids' choices. For `model` and `task` it selects: where
some grids list the names given, only those grids and names are kept.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, RangeSweep
from hydra.errors import OverrideParseException

from rnnbench.experiment.available import refuse_unusable
from rnnbench.experiment.messages import no_additions, unreadable
from rnnbench.experiment.refusals import Refused, did_you_mean, unknown

SELECTING = ("model", "task")
Choices = dict[str, list[str]]
LONGEST_KEY = 200
#: Configurations that one command may stand for; each takes about a hundredth of a second to check.
MOST = 10_000


def parse(parser: OverridesParser, text: str, options: Mapping[str, Sequence[str]]) -> Override:
    """Return one `key=value` as Hydra reads it; what it cannot read is `Refused`."""
    try:
        return parser.parse_overrides([text])[0]
    # ValueError: a number of more digits than Python reads.
    except (OverrideParseException, ValueError, RecursionError) as error:
        raise unreadable(text, error, options) from error


class Reader:
    """Reads one `key=value` in Hydra's notation and refuses what names or adds things that do not exist.

    Parameters
    ----------
    parser : OverridesParser
        Hydra's parser, which knows its groups (for `glob`).
    options : mapping of str to sequence of str
        The groups and the names that may be chosen.
    """

    def __init__(self, parser: OverridesParser, options: Mapping[str, Sequence[str]]) -> None:
        self._parser, self._options = parser, options

    def __call__(self, text: str, where: str = "") -> Override:
        """Return the override; `where` (a study and its grid) begins the message of a refusal.

        Raises
        ------
        Refused
            Text that cannot be read, keys that are added or removed (`+key`, `~key`), Hydra's own keys, and
            names that are no option of their group.
        """
        try:
            return self._read(text)
        except Refused as refused:
            raise Refused(f"{where}: {refused}" if where else str(refused)) from refused

    def _read(self, text: str) -> Override:
        override = parse(self._parser, text, self._options)
        key = override.key_or_group
        if not key:
            raise Refused(f"{text}: expected key=value, such as model=elman or train.updates=500")
        # Hydra looks for a folder of that name.
        if len(key) > LONGEST_KEY:
            raise Refused(f"{text}: unknown key; none has more than {LONGEST_KEY} characters")
        if override.is_add() or override.is_force_add() or override.is_delete():
            raise no_additions(override, text)
        if (_is_of_hydra(key) and not is_of_launcher(key)) or override.package:
            raise Refused(
                f"{text}: Hydra's own keys and packages are set by rnnbench{did_you_mean(key, self._options)}"
            )
        for value in choices_of(override) if key in self._options else ():
            if value not in self._options[key] and (key, value) != ("experiment", "null"):
                if key in SELECTING:
                    refuse_unusable(value)
                raise unknown(key, text, value, self._options[key])
        return override


def is_of_launcher(key: str) -> bool:
    """Whether a key chooses or sets the launcher, the one part of Hydra's own that is open."""
    return key == "hydra/launcher" or key.startswith("hydra.launcher.")


def _is_of_hydra(key: str) -> bool:
    return key.replace("/", ".").split(".")[0] == "hydra"


def read_grids(sweep: Any, source: str, read: Reader) -> list[Choices]:
    """Return the grids of a study as choices by key, each choice as it would stand on the command line.

    Parameters
    ----------
    sweep : list of mappings, mapping of lists of mappings, or None
        The value of the study's key `sweep`: grids, or axes of grids; None is one empty grid.
    source : str
        Name of the study, for messages.
    read : Reader
        Hydra's parser, which knows the groups.

    Raises
    ------
    Refused
        If it has another form, or a list of choices is empty.
    """
    if sweep is None:
        return [{}]
    axes = sweep if isinstance(sweep, Mapping) else {"sweep": sweep}
    read_axes = [_read_axis(grids, f"study {source}: {name}", read) for name, grids in axes.items()]
    many = math.prod(map(len, read_axes))
    if many > MOST:
        raise Refused(f"study {source}: sweep stands for {many} grids; must be at most {MOST}")
    return [_merged(grids) for grids in itertools.product(*read_axes)]


def _read_axis(grids: Any, where: str, read: Reader) -> list[Choices]:
    if not isinstance(grids, list) or not grids:
        raise Refused(f"{where} must be a list of grids such as {{model: [elman, rnn], task: adding}}")
    return [_read_grid(grid, f"{where}, grid {n}", read) for n, grid in enumerate(grids, start=1)]


def _merged(grids: Iterable[Choices]) -> Choices:
    merged: Choices = {}
    for grid in grids:
        merged |= grid
    return merged


def _read_grid(grid: Any, where: str, read: Reader) -> Choices:
    if not isinstance(grid, Mapping):
        raise Refused(f"{where}: {grid} must be a mapping of keys to a value or a list of choices")
    choices: Choices = {}
    for key, value in grid.items():
        if value == []:
            raise Refused(f"{where}: {key} has an empty list of choices")
        listed = value if isinstance(value, list) else [value]
        overrides = [read(f"{key}={as_text(one)}", where) for one in listed]
        choices[str(key)] = [choice for override in overrides for choice in choices_of(override)]
    return choices


def as_text(value: Any) -> str:
    """Return a value of a YAML file as it would be written on the command line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{','.join(as_text(v) for v in value)}]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{k}:{as_text(v)}" for k, v in value.items()) + "}"
    return str(value)


def choices_of(override: Override) -> list[str]:
    """Return the values of an override: one, or those of a sweep such as `a,b`, `range(...)`, `glob(*)`."""
    if not override.is_sweep_override():
        # As typed, so that a message quotes 1e3 and not 1000.0.
        return [(override.input_line or "").partition("=")[2]]
    if not override.is_discrete_sweep():
        raise Refused(f"{override.input_line}: only lists of values can be swept, such as 1,2,3")
    return [str(value) for value in _swept(override)]


def _swept(override: Override) -> list[str]:
    """Return the values of a sweep, one at least and `MOST` at most."""
    value, line = override.value(), override.input_line
    try:
        # Shuffling makes a list of the whole range first.
        if isinstance(value, RangeSweep) and sum(1 for _ in itertools.islice(value.range(), MOST + 1)) > MOST:
            raise Refused(f"{line}: stands for more than {MOST} values")
        values = list(itertools.islice(override.sweep_string_iterator(), MOST + 1))
    except (ValueError, OverflowError) as error:
        raise Refused(f"{line}: cannot be swept ({error})") from error
    if not values:
        raise Refused(f"{line}: stands for no value at all")
    return values


def expand(grids: Iterable[Choices], given: Iterable[Override]) -> list[list[str]]:
    """Return the overrides of every configuration, without repetitions.

    Parameters
    ----------
    grids : iterable of dict
        From `read_grids`.
    given : iterable of Override
        The command line, without the study's name; choices there are swept as well.
    """
    selected = list(grids)
    for override in given:
        selected = _apply(selected, override.get_key_element(), choices_of(override))
    many = sum(math.prod(map(len, grid.values())) for grid in selected)
    if many > MOST:
        raise Refused(f"{many} configurations; must be at most {MOST} in one command")
    configurations = (
        tuple(f"{key}={value}" for key, value in zip(grid, values, strict=True))
        for grid in selected
        for values in itertools.product(*grid.values())
    )
    return [list(c) for c in dict.fromkeys(configurations)]


def _apply(grids: list[Choices], key: str, values: list[str]) -> list[Choices]:
    """Let one key of the command line select among the grids, or replace their choices."""
    if key in SELECTING:
        kept = [{**g, key: [v for v in g[key] if v in values]} for g in grids if key in g]
        kept = [g for g in kept if g[key]]
        if {v for g in kept for v in g[key]} >= set(values):
            return kept
    return [{**g, key: values} for g in grids]
