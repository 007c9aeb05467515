"""Files of runs on a local disk."""

import os
import urllib.parse
import urllib.request
from collections.abc import Mapping
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
        draft.write_bytes(content)
        os.replace(draft, folder / name)
