"""Plain tables on the terminal: a rule below the headings, and as wide as what stands in them."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

#: Where output goes into a file or a pipe there is no width to fit; a log is read at about this one.
LOG_WIDTH = 110
#: A width in place of it at which no line is broken.
UNBROKEN = 100_000
_RULES = box.Box("    \n    \n ── \n    \n ── \n    \n    \n    \n")

Line = Sequence[str | Text]


def console(width: int = LOG_WIDTH) -> Console:
    """Return the console of standard output; where that is no terminal, `width` characters wide."""
    found = Console()
    return found if found.is_terminal else Console(width=width)


def show(
    screen: Console,
    header: Sequence[str],
    lines: Iterable[Line],
    numbers: Iterable[int] = (),
    title: str = "",
) -> None:
    """Print a table.

    Parameters
    ----------
    screen : Console
        Where to.
    header : sequence of str
        Headings, which may be empty.
    lines : iterable of sequences of str or Text
        Cells.
    numbers : iterable of int
        Columns that are set to the right.
    title : str
        A line above it.
    """
    right = set(numbers)
    grid = Table(box=_RULES, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    for place, heading in enumerate(header):
        # A long value is broken where the screen is narrow, a number never.
        number = place in right
        grid.add_column(
            escape(heading), justify="right" if number else "left", no_wrap=number, overflow="fold"
        )
    for line in lines:
        grid.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in line))
    if title:
        screen.print(Text(title, style="bold underline"))
    screen.print(grid)
