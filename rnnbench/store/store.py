"""All studies below one folder, `./runs` by default."""

import os
from contextlib import suppress
from pathlib import Path

from rnnbench.store.layout import KEY, RECORD
from rnnbench.store.study import Study


class Store:
    """The folder of all runs.

    Parameters
    ----------
    root : str or Path
        The folder; it need not exist.
    """

    def __init__(self, root: str | Path = "runs") -> None:
        self.root = Path(root).absolute()

    def study(self, name: str) -> Study:
        """Return a study, which need not exist."""
        return Study(self.root, name)

    def studies(self) -> list[str]:
        """Return the names of all studies that have runs or were opened, sorted."""
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(self.root) as entries:
            return sorted(e.name for e in entries if not e.name.startswith(".") and _is_study(Path(e.path)))
        return []

    @property
    def holds_older_layout(self) -> bool:
        """Whether the folder holds runs of an earlier development version, which are not read."""
        return any(self.root.glob("artifacts/*/*/record.json"))


def _is_study(folder: Path) -> bool:
    if (folder / "study.json").is_file() or (folder / ".work").is_dir():
        return True
    with suppress(NotADirectoryError), os.scandir(folder) as entries:
        return any(KEY.fullmatch(e.name) and os.path.isfile(os.path.join(e.path, RECORD)) for e in entries)
    return False
