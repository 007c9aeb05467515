"""Files of runs on a local disk, and the folders they lie in."""

import os
import shutil
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path


def local_path(uri: str) -> Path:
    """Return the path that a `file:` address stands for."""
    return Path(urllib.request.url2pathname(urllib.parse.urlsplit(uri).path))


def write_all(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files by name into a folder, made if missing; each appears whole or not at all.

    Parameters
    ----------
    folder : Path
        Where they go.
    files : mapping of str to bytes
        Content by name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        draft = folder / f".{name}.draft"
        try:
            draft.write_bytes(content)
            os.replace(draft, folder / name)
        except OSError:
            draft.unlink(missing_ok=True)
            raise


class Folders:
    """Where the runs of a study lie in a local store.

    Parameters
    ----------
    folder : Path
        The study's: `<root>/artifacts/<study>`.

    Notes
    -----
    A run is written into a folder named by its id, and moved to the one named by its key when it is whole;
    a run that another one replaces, or that is removed, is moved to `retired/<id>`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def draft(self, run_id: str) -> Path:
        """Where MLflow would put the files of a run: there they are written."""
        return self.folder / run_id / "artifacts"

    def of_key(self, key: str) -> Path:
        """Where the run of a key lies."""
        return self.folder / key

    def aside(self, run_id: str) -> Path:
        """Where a run lies that is retired."""
        return self.folder / "retired" / run_id

    def candidates(self, uri: str, key: str, run_id: str) -> Iterator[Path]:
        """Yield where the files of a run may lie, the likeliest first.

        A kill between the database's change of address and the move of the folder, or a store that was moved
        as a whole, leaves the address in the database behind the truth.
        """
        known = local_path(uri)
        yield known
        # The same place below this root.
        tail = (
            known.parts[-2:] if known.name == "artifacts" or known.parent.name == "retired" else (known.name,)
        )
        yield self.folder.joinpath(*tail)
        yield self.draft(run_id)
        if known == self.aside(run_id) and not known.exists():
            yield self.of_key(key)

    def move(self, start: Path, end: Path) -> None:
        """Move a folder; one that is not there is left alone."""
        if not start.exists():
            return
        end.parent.mkdir(parents=True, exist_ok=True)
        os.replace(start, end)
        if start.name == "artifacts":
            start.parent.rmdir()

    def discard_draft(self, run_id: str) -> None:
        """Remove what a failed attempt wrote."""
        shutil.rmtree(self.folder / run_id, ignore_errors=True)
