"""A folder of files that appears whole or not at all."""

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

#: Seconds after which a draft is taken for one whose writer was killed.
ABANDONED = 600.0


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put `files` in the place of whatever `folder` held.

    They are written to a draft beside it (a hidden folder), which is then renamed: a process that is killed
    leaves the old folder, or none for the moment between two renames, never a half-written one. Drafts of
    processes that were killed are removed by the next call.

    Parameters
    ----------
    folder : Path
        The folder to write; its parents are made.
    files : mapping of str to bytes
        Contents by file name.
    """
    parent = folder.parent
    parent.mkdir(parents=True, exist_ok=True)
    _sweep(parent, folder.name)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.draft-", dir=parent))
    try:
        for name, content in files.items():
            (draft / name).write_bytes(content)
        # mkdtemp makes folders that only the owner may enter; a report is for others too.
        draft.chmod(0o777 & ~_umask())
        old = draft.with_name(draft.name.replace(".draft-", ".old-"))
        if folder.exists():
            os.rename(folder, old)
        os.rename(draft, folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current


def _sweep(parent: Path, name: str) -> None:
    """Remove what killed processes left; put an old folder back that its successor never replaced."""
    for old in sorted(parent.glob(f".{name}.old-*")):
        if not (parent / name).exists():
            os.rename(old, parent / name)
    for left in [*parent.glob(f".{name}.draft-*"), *parent.glob(f".{name}.old-*")]:
        if time.time() - left.stat().st_mtime > ABANDONED:
            shutil.rmtree(left, ignore_errors=True)
