"""draw: the folded and the unfolded diagram of a network, as files."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rnnbench.base.files import write_whole


def draw(
    net: Any,
    folder: str | os.PathLike[str] = "diagrams",
    *,
    name: str = "network",
    steps: int = 5,
    loop: str = "closed",
) -> list[Path]:
    """Draw a network: boxes are layers, arrows full interconnections.

    Parameters
    ----------
    net : Network
        What is drawn.
    folder : path
        Where the files are written; made if it does not exist.
    name : str
        Name in the titles, and what the names of the files begin with.
    steps : int
        Columns of the unfolded diagram, 1 to 40.
    loop : str
        "closed", or "open": the targets feed what is fed back from the output.

    Returns
    -------
    list of Path
        ``NAME-folded.svg``, ``NAME-folded.png``, ``NAME-unfolded.svg``, ``NAME-unfolded.png``; all four are
        drawn before the first is written.

    Raises
    ------
    ValueError
        Steps or loop out of range, or a name that is no name of a file.
    OSError
        A file cannot be written.

    Examples
    --------
    >>> import rnnbench
    >>> from rnnbench.models import found
    >>> net = found()["brnn"](hidden=3).build(n_in=2, n_out=1)
    >>> paths = rnnbench.draw(net, name="brnn", steps=4)  # doctest: +SKIP
    """
    from rnnbench.diagrams import folded, unfolded
    from rnnbench.diagrams.rendering import png, svg

    if not name or name != os.path.basename(name) or name in (os.curdir, os.pardir):
        raise ValueError(f"name={name!r}: must be the name of a file, without folders")
    pictures = {
        "folded": folded(net, name, loop=loop),
        "unfolded": unfolded(net, name, steps=steps, loop=loop),
    }
    forms: dict[str, Callable[[Any], bytes]] = {"svg": svg, "png": png}
    files = {
        Path(folder) / f"{name}-{kind}.{form}": write(picture)
        for kind, picture in pictures.items()
        for form, write in forms.items()
    }
    Path(folder).mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        write_whole(path, content)
    return list(files)
