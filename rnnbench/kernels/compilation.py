"""The one decorator of every compiled function, and the folder its machine code is kept in.

Numba keys a cached kernel by the text of its own file only: an edit of a kernel that it *calls*, in another
file, would go unnoticed and stale code would run. So the folder itself is named after a hash of all files of
this package (and of the versions that generate code): an edit means another folder, never stale code.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba import njit

#: Everything of fast-math but `nnan` and `ninf`: with those, `isnan` would be compiled away.
NAN_SAFE_FASTMATH = frozenset({"reassoc", "contract", "arcp", "nsz", "afn"})
#: Without `reassoc`, `arcp` and `afn`: for arithmetic whose order carries its accuracy (range reduction, sums
#: of errors).
ORDERED_FASTMATH = frozenset({"contract", "nsz"})


def source_hash() -> str:
    """16 hexadecimal digits over the text of every file of this package and the versions that compile it."""
    # The environment may switch the explicit vectors off, which compiles other code from the same text.
    vectors = os.environ.get("RNNBENCH_VECTORS", "on")
    versions = (numba.__version__, llvmlite.__version__, sys.version_info[:2], vectors)
    digest = hashlib.sha256(repr(versions).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _parents() -> list[Path]:
    """Folders the cache may lie in, best first; the first that can be written is taken."""
    chosen = os.environ.get("RNNBENCH_CACHE_DIR") or os.environ.get("NUMBA_CACHE_DIR")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    # Several people may share the temporary folder, and code is executed from there: one private folder each.
    private = Path(tempfile.gettempdir()) / f"rnnbench-{getattr(os, 'getuid', lambda: 'user')()}"
    return [*([Path(chosen)] if chosen else []), home / "rnnbench", private]


def cache_folder() -> str:
    """Return (and make) the folder for this version of the kernels, or "" when none can be written."""
    for parent in _parents():
        folder = parent / f"kernels-{source_hash()}"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=folder):
                return str(folder)
        except OSError:
            continue
    return ""


_FOLDER = cache_folder()


@contextmanager
def in_cache_folder() -> Iterator[bool]:
    """Let what is decorated meanwhile keep its machine code in our folder; yield whether there is one."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _FOLDER or before
    try:
        yield bool(_FOLDER)
    finally:
        numba.config.CACHE_DIR = before


def kernel(function: Callable[..., Any] | None = None, *, ordered: bool = False) -> Any:
    """Compile a function: NumPy's error model, NaN-safe fast-math, GIL released, machine code cached.

    Parameters
    ----------
    function : callable
        The function to compile, typed lazily (one signature for float32, one for float64).
    ordered : bool
        True for arithmetic that must be done in the order written.

    Notes
    -----
    `error_model="numpy"` removes the test for zero before each division, without which no loop that divides
    is vectorised. The cache folder is set for the moment of decoration only, so that a user's own Numba
    functions keep theirs.
    """
    if function is None:
        return lambda f: kernel(f, ordered=ordered)
    flags = set(ORDERED_FASTMATH if ordered else NAN_SAFE_FASTMATH)
    with in_cache_folder() as cached:
        return njit(function, error_model="numpy", fastmath=flags, cache=cached, nogil=True)
