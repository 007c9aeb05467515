"""From a command line and the grids of studies to the overrides of every configuration.

A study file may hold a key `sweep`: a grid, or a list of grids. A grid maps override keys to a value or to a
list of choices, and stands for all combinations of its choices, the first key varying slowest::

    sweep: {task.length: [10, 20], train.lr: [0.01, 0.001]}

    sweep:
      - {model: [elman, rnn], task: adding, task.length: [20, 50], train.updates: 2000}
      - {model: brnn, task: window}

Or `sweep` holds named axes, each a list of grids; each grid of one is combined with each of the others, and a
key of a later axis replaces that of an earlier one::

    sweep:
      architectures: [{model: tdnn, model.window: 20}, {model: [elman, rnn]}]
      tasks: [{task: adding, task.length: [20, 50]}, {task: sunspots, model.hidden: 8}]

A value that is itself a list is written as a choice: ``model.input_taps: [[0, 2], [0, 4]]``. Hydra's own
`hydra.sweeper.params` is a grid whose values are in Hydra's notation. The command line wins over the grids: a
key given there replaces the grids' choices. For `model` and `task` it selects: where some grids list the
names given, only those grids and names are kept.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from rnnbench.base.refusals import Refused
from rnnbench.config import groups
from rnnbench.config.composition import Sweep, sweep_of
from rnnbench.config.overrides import SELECTING, Reader, as_text, choices_of, split
from rnnbench.config.schema import sections

Choices = dict[str, list[str]]
#: Configurations that one command may stand for; each takes about a hundredth of a second to check.
MOST = 10_000


def read_lines(arguments: Sequence[str], sweeping: bool) -> list[list[list[str]]]:
    """Return, for each study, the overrides of each of its configurations.

    Parameters
    ----------
    arguments : sequence of str
        Overrides as typed, in a block of `composing`. Without `experiment=NAME` there is one unnamed study.
    sweeping : bool
        Whether `-m` was given: without it, or `hydra.mode: MULTIRUN` in a study, several values for a key
        are refused.

    Raises
    ------
    Refused
        For what can be told from the names alone; types and ranges are checked by `configure`.
    """
    read = Reader(OverridesParser.create(GlobalHydra.instance().config_loader()), groups.options())
    given = [read(part) for text in arguments for part in split(read(text))]
    studies = [name for o in given if o.key_or_group == "experiment" for name in choices_of(o)]
    sweeps = {name: sweep_of(name) for name in studies if name != "null"}
    several = sweeping or any(sweep.multirun for sweep in sweeps.values())
    first: dict[str, str] = {}
    for override in given:
        line, key = override.input_line or "", override.get_key_element()
        choices_of(override)
        if override.is_sweep_override() and not several:
            raise Refused(f"{line}: several values; rnnbench run -m sweeps over them, {key}=[...] is a list")
        if key in first:
            raise Refused(f"{line}: {key} is already given by {first[key]}")
        first[key] = line
    rest = [o for o in given if o.key_or_group != "experiment"]
    if not sweeps:
        return [expand([{}], rest)]
    return [
        [[f"experiment={name}", *line] for line in expand(read_sweep(sweep, name, read), rest)]
        for name, sweep in sweeps.items()
    ]


def read_sweep(sweep: Sweep, study: str, read: Reader) -> list[Choices]:
    """Return the grids of a study as choices by key, each choice as it would stand on the command line.

    Parameters
    ----------
    sweep : Sweep
        Its grids: a grid, a list of grids, or axes of grids; None is one empty grid. Its parameters in
        Hydra's notation are combined with each.
    study : str
        Name of the study, for messages.
    read : Reader
        Hydra's parser, which knows the groups.

    Raises
    ------
    Refused
        If it has another form, or a list of choices is empty.
    """
    grids = {} if sweep.grids is None else sweep.grids
    if isinstance(grids, Mapping) and not _are_axes(grids):
        found = [_read_grid(grids, f"study {study}: sweep", read)]
    else:
        axes = grids if isinstance(grids, Mapping) else {"sweep": grids}
        read_axes = [_read_axis(part, f"study {study}: {name}", read) for name, part in axes.items()]
        many = math.prod(map(len, read_axes))
        if many > MOST:
            raise Refused(f"study {study}: sweep stands for {many} grids; must be at most {MOST}")
        found = [dict(itertools.chain(*map(dict.items, parts))) for parts in itertools.product(*read_axes)]
    # A list is one value in Hydra's params.
    params = {key: [value] if isinstance(value, list) else value for key, value in sweep.params.items()}
    added = _read_grid(params, f"study {study}: hydra.sweeper.params", read)
    return [grid | added for grid in found]


def _are_axes(sweep: Mapping[Any, Any]) -> bool:
    """Whether a mapping names axes: words that are no keys, at least one with a list of mappings."""
    names = map(str, sweep)
    words = all(name.isidentifier() and name not in sections() for name in names)
    return words and any(
        isinstance(v, list) and all(isinstance(g, Mapping) for g in v) for v in sweep.values()
    )


def _read_axis(grids: Any, where: str, read: Reader) -> list[Choices]:
    if not isinstance(grids, list) or not grids:
        raise Refused(f"{where} must be a list of grids such as {{model: [elman, rnn], task: adding}}")
    return [_read_grid(grid, f"{where}, grid {n}", read) for n, grid in enumerate(grids, start=1)]


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


def expand(grids: Iterable[Choices], given: Iterable[Override]) -> list[list[str]]:
    """Return the overrides of every configuration, without repetitions.

    Parameters
    ----------
    grids : iterable of dict
        From `read_sweep`.
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
