"""The one configuration that a command line describes, for commands that train nothing."""

from collections.abc import Sequence
from typing import Any

from rnnbench.base.refusals import Refused
from rnnbench.config.composition import Composed, compose_one, composing
from rnnbench.config.construction import read_plain
from rnnbench.config.grids import read_lines


def compose_line(arguments: Sequence[str]) -> tuple[dict[str, Any], Composed]:
    """Return a configuration as plain data (see `read_plain`), and as Hydra composed it.

    Raises
    ------
    Refused
        An unknown key, a value of the wrong type, or several configurations.
    """
    with composing(arguments) as overrides:
        (lines,) = read_lines(overrides, sweeping=False)
        if len(lines) > 1:
            raise Refused(f"{' '.join(arguments)}: {len(lines)} configurations; only one is allowed here")
        composed = compose_one(lines[0])
        return read_plain(composed.config, composed.choices), composed
