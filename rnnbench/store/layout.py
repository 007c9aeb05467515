"""Where the parts of a study lie: finished runs, and beside them what belongs to runs in training.

runs/STUDY/KEY/                    a finished run
runs/STUDY/KEY.new/                a finished run that is about to replace KEY
runs/STUDY/study.json              facts about the study as a whole
runs/STUDY/.work/                  claims, progress, checkpoints and unfinished folders of runs in training
runs/STUDY/.removed/KEY.N/         runs that were deleted or replaced; `rnnbench runs --restore` brings them
back
"""

import re
from pathlib import Path

from rnnbench.store.errors import StoreError

KEY = re.compile(r"[0-9a-f]{16}")
NEW = ".new"
RECORD = "record.json"


class Layout:
    """Paths of one study.

    Parameters
    ----------
    root : Path
        The folder of all studies, `./runs`.
    study : str
        Name of the study.
    """

    def __init__(self, root: Path, study: str) -> None:
        self.root, self.study = root, study
        self.folder = root / study
        self.work = self.folder / ".work"
        self.removed = self.folder / ".removed"
        self.facts = self.folder / "study.json"
        self.index = self.work / "index.json"

    def make(self) -> None:
        """Make the folders.

        Raises
        ------
        StoreError
            One of them is a symbolic link: files are deleted in them, and what a link leads to is not ours.
        """
        for folder in (self.work, self.removed):
            if folder.is_symlink():
                raise StoreError(f"{folder}: is a symbolic link; it must be a folder")
            folder.mkdir(parents=True, exist_ok=True)

    def run(self, key: str) -> Path:
        """Return the folder of a finished run."""
        return self.folder / key

    def new(self, key: str) -> Path:
        """Return the folder of a run that is about to replace another one."""
        return self.folder / f"{key}{NEW}"

    def claim(self, key: str) -> Path:
        """Return the file of a run's claim."""
        return self.work / f"{key}.claim"

    def progress(self, key: str) -> Path:
        """Return the file with the evaluations of a run in training."""
        return self.work / f"{key}.progress.csv"

    def running(self, key: str) -> Path:
        """Return the file with the facts of a run in training: a record without results."""
        return self.work / f"{key}.json"

    def checkpoint(self, key: str) -> Path:
        """Return the file of a run's checkpoint."""
        return self.work / f"{key}.checkpoint.npz"

    def free_place(self, key: str) -> Path:
        """Return a folder below `.removed` that does not exist yet."""
        taken = [int(path.name.partition(".")[2]) for path in self.removed_of(key)]
        return self.removed / f"{key}.{max(taken, default=0) + 1}"

    def removed_of(self, key: str) -> list[Path]:
        """Return the removed runs of a key, the newest last."""
        found = [path for path in self.removed.glob(f"{key}.*") if path.name.partition(".")[2].isdecimal()]
        return sorted(found, key=lambda path: int(path.name.partition(".")[2]))
