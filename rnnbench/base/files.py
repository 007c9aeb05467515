"""Files and folders that are replaced whole: a reader sees the old content or the new one, never a part."""

import glob
import os
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path


def write_whole(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write a file, replacing an older one.

    The content goes to a draft in the same folder, which is then renamed. Where anything fails, the draft is
    deleted and the old file stays; a killed process leaves its draft (see `remove_drafts`).

    Parameters
    ----------
    path : Path
        The file; its folder must exist.
    content : bytes
        All of the file.
    durable : bool
        Whether to return only when file and name are on the disk, so that a power failure loses neither.

    Raises
    ------
    OSError
        The file cannot be written; the old one is unchanged.
    """
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.draft")
    try:
        with open(draft, "xb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def remove_drafts(path: Path) -> None:
    """Delete the drafts that killed writers of a file left beside it."""
    for draft in path.parent.glob(f".{glob.escape(path.name)}.*.draft"):
        draft.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk; does nothing on Windows, which cannot."""
    if os.name != "nt":
        sync(path)


def sync(path: Path) -> None:
    """Wait until the content of a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder of files, replacing all that an older one held.

    The files go to a hidden folder beside it, which is then renamed: a reader sees the old files, the new
    ones, or for a moment no folder, never a part.

    Parameters
    ----------
    folder : Path
        The folder to write; its parents are made.
    files : mapping of str to bytes
        Contents by file name.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as hidden:
        draft = Path(hidden, "new")
        draft.mkdir()
        for name, content in files.items():
            (draft / name).write_bytes(content)
        if folder.exists():
            folder.rename(Path(hidden, "old"))
        draft.rename(folder)
