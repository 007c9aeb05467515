"""The gallery page: what is known about each model, as HTML that needs no network and as Markdown."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from rnnbench.base.files import replace_folder

#: What has an index and is no quantity.
UPRIGHT = ("const", "Σ")


def write_gallery(
    sections: Sequence[Mapping[str, Any]],
    left_out: Sequence[str],
    facts: Mapping[str, Any],
    files: Mapping[str, bytes],
    folder: Path,
) -> Path:
    """Write index.html, index.md and the pictures into a folder, which is replaced as a whole.

    Parameters
    ----------
    sections : sequence of mapping
        A model each: "name", "summary", "names" (pairs of system and words), "sources", and "entries", its
        settings.
    left_out : sequence of str
        Models without a network of their own.
    facts : mapping
        "hidden", "inputs", "outputs", "steps" and "widths" of what is shown.
    files : mapping of str to bytes
        The pictures.
    folder : Path
        Where to.

    Returns
    -------
    Path
        index.html.
    """
    pages = {}
    for name, escaped in (("index.html", True), ("index.md", False)):
        environment = Environment(
            loader=PackageLoader("rnnbench.diagrams"),
            trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
            undefined=StrictUndefined, autoescape=escaped,
        )  # fmt: skip
        environment.filters |= {"lowered": lowered, "code": in_html if escaped else in_markdown}
        template = environment.get_template(f"gallery_{name}.j2")
        pages[name] = template.render(sections=sections, left_out=left_out, **facts).encode()
    replace_folder(folder, {**files, **pages})
    return folder / "index.html"


def lowered(text: str) -> str:
    """Return an equation as HTML: ``h_{t}`` becomes a letter with an index."""
    parts = re.split(r"(\w+)_\{([^}]*)\}", text)
    done = [escape(parts[0])]
    for name, index, rest in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        letter = name if name in UPRIGHT else f"<i>{name}</i>"
        done.append(f"{letter}<sub>{escape(index)}</sub>{escape(rest)}")
    return "".join(done)


def in_html(text: str) -> str:
    """Return words with ``code`` and indices as HTML."""
    return _indexed(re.sub(r"``(.*?)``", r"<code>\1</code>", escape(text)))


def in_markdown(text: str) -> str:
    """Return words with ``code`` and indices as Markdown, for a cell of a table."""
    return _indexed(re.sub(r"``(.*?)``", r"`\1`", text)).replace("|", "\\|")


def _indexed(text: str) -> str:
    return re.sub(r"_\{([^}]*)\}", r"<sub>\1</sub>", text)
