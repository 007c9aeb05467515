"""A table written as Markdown, or printed on a terminal."""

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid
from rich.text import Text

from rnnbench.reporting.table import Cell, Row, Table

#: Where output goes into a file or a pipe there is no width to fit; a log is read at about this one.
LOG_WIDTH = 110

#: Rules below the headings and between models and floors, and no others.
RULES = box.Box("    \n    \n ── \n    \n ── \n    \n    \n    \n")


def markdown(table: Table) -> str:
    """Return the table in Markdown: solved cells bold, floors in italics, notes below."""
    lines = [
        _line([_escaped(h) for h in table.header]),
        _line([*[":--"] * table.texts, *["--:"] * (len(table.header) - table.texts)]),
        *(_line([_markdown_cell(cell, row) for cell in row.cells]) for row in table.rows),
    ]
    if table.notes:
        lines += ["", "  \n".join(table.notes)]
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown_cell(cell: Cell, row: Row) -> str:
    first, *others = (_escaped(line) for line in cell.lines)
    if first and row.kind == "floor":
        first = f"*{first}*"
    elif first and cell.strong:
        first = f"**{first}**"
    return "<br>".join([first, *others])


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")


def console() -> Console:
    """Return the console of standard output, wide enough for a table where that is no terminal."""
    found = Console()
    return found if found.is_terminal else Console(width=LOG_WIDTH)


def print_grid(
    console: Console, table: Table, title: str = "", first_width: int = 0, break_headings: bool = False
) -> None:
    """Print a table; its first column is text, the others are numbers.

    Parameters
    ----------
    console : Console
        Where to.
    table : Table
        What; its notes are left to the caller.
    title : str
        A line above it.
    first_width : int
        Least width of the first column, so that several tables line up.
    break_headings : bool
        Whether headings of two words stand on two lines.
    """
    grid = Grid(box=RULES, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for place, heading in enumerate(table.header):
        if place >= table.texts:
            short = heading.replace(" ", "\n") if break_headings else heading
            grid.add_column(escape(short), justify="right", no_wrap=True)
        else:
            grid.add_column(escape(heading), min_width=0 if place else first_width)
    kinds = [row.kind for row in table.rows]
    for row, following in zip(table.rows, [*kinds[1:], ""], strict=True):
        grid.add_row(*(_terminal_cell(cell, row) for cell in row.cells), end_section=row.kind != following)
    if title:
        console.print(Text(title, style="bold underline"))
    console.print(grid)
    console.print()


def _terminal_cell(cell: Cell, row: Row) -> Text:
    first, *others = cell.lines
    text = Text(first, style="dim italic" if row.kind == "floor" else "bold green" if cell.strong else "")
    for line in others:
        text.append(f"\n{line}", style="not bold dim")
    return text
