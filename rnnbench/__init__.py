"""rnnbench: recurrent networks as boxes and arrows, compared on long-dependency tasks.

Nothing heavy is imported before it is used: `import rnnbench` loads neither NumPy nor Numba.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "Arrow": "rnnbench.network",
    "Box": "rnnbench.network",
    "CTC": "rnnbench.network",
    "InputError": "rnnbench.network",
    "LEARNED": "rnnbench.network",
    "Network": "rnnbench.network",
    "Parameters": "rnnbench.network",
    "SoftDTW": "rnnbench.network",
    "warm_up": "rnnbench.network",
    "draw": "rnnbench.diagrams.drawing",
    "fit": "rnnbench.training",
    "forecast": "rnnbench.training",
    "train": "rnnbench.by_name",
}

__all__ = [*_WHERE, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
