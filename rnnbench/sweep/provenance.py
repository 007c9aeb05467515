"""Where a result comes from: commit, versions, processor. No host, no user, no path."""

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import rnnbench
from rnnbench.kernels import NUMERICS_VERSION
from rnnbench.plugins import source_of

_ROOT = Path(rnnbench.__file__).resolve().parents[1]
#: What decides results: a changed report or README does not make a checkout dirty.
_CODE = ("rnnbench", "conf", "experiments")


@cache
def provenance() -> dict[str, Any]:
    """Return commit, dirty flag, versions and processor; the same for all runs of a process.

    Returns
    -------
    dict
        "commit" and "dirty" are None where rnnbench does not lie in a checkout of its own.
    """
    commit = _git("rev-parse", "HEAD") if (_ROOT / ".git").exists() else None
    changes = _git("status", "--porcelain", "--", *_CODE) if commit else None
    return {
        "commit": commit,
        "dirty": None if changes is None else bool(changes),
        "rnnbench": rnnbench.__version__,
        **{name: _version(name) for name in ("numpy", "numba", "mlflow")},
        "python": platform.python_version(),
        "processor": _processor(),
        "numerics": NUMERICS_VERSION,
    }


def sources(model: Any, task: Any) -> dict[str, str]:
    """Return where a model and a task come from that are plugins: origin and digest of the source.

    Returns
    -------
    dict
        "model_source", "task_source"; nothing for what is built in.
    """
    found = {"model_source": source_of(type(model)), "task_source": source_of(type(task))}
    return {name: f"{source.origin} {source.digest}".strip() for name, source in found.items() if source}


def versions(model: Any, task: Any) -> dict[str, int]:
    """Return the versions of the definitions of a model and a task: "model_version", "task_version"."""
    return {"model_version": int(model.VERSION), "task_version": int(task.VERSION)}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """Return the processor's name; Python knows only its family on Linux."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
