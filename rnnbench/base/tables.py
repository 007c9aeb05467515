"""Plain tables on the terminal, as wide as their content, with a rule below the headings."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

#: Width in characters where output goes into a file or a pipe, which have none.
LOG_WIDTH = 110
#: Width at which no line is ever broken.
UNBROKEN = 100_000
_RULES = box.Box("    \n    \n ── \n    \n ── \n    \n    \n    \n")

Line = Sequence[str | Text]


def console(width: int = LOG_WIDTH) -> Console:
    """Return the console of standard output; if that is not a terminal, it is `width` characters wide."""
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
        Where to print.
    header : sequence of str
        Headings; they may be empty.
    lines : iterable of sequences of str or Text
        Cells.
    numbers : iterable of int
        Indices of the columns that are aligned to the right.
    title : str
        A line above the table.
    """
    right = set(numbers)
    grid = Table(box=_RULES, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    for place, heading in enumerate(header):
        # On a narrow screen long texts are broken, numbers never.
        number = place in right
        grid.add_column(
            escape(heading), justify="right" if number else "left", no_wrap=number, overflow="fold"
        )
    for line in lines:
        grid.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in line))
    if title:
        screen.print(Text(title, style="bold underline"))
    screen.print(grid)
