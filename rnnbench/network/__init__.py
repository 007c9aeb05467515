"""Boxes, arrows, schedule, parameters: the public network."""

from typing import Any

from rnnbench.network.description import LEARNED, Arrow, Box

__all__ = ["CTC", "LEARNED", "Arrow", "Box", "InputError", "Network", "Parameters", "SoftDTW", "warm_up"]

_WHERE = {
    "CTC": "rnnbench.network.divergences",
    "InputError": "rnnbench.network.arrays",
    "Network": "rnnbench.network.network",
    "Parameters": "rnnbench.network.parameters",
    "SoftDTW": "rnnbench.network.divergences",
    "warm_up": "rnnbench.network.warming",
}


def __getattr__(name: str) -> Any:
    # Descriptions need no Numba: models are listed and validated without loading the kernels.
    if name in _WHERE:
        from importlib import import_module

        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
